from typing import Any

import jsonschema
import pytest

from perplexity_connector.sandbox.structured import Composer


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "string", "minLength": 60},
        {"type": "string", "maxLength": 3},
        {"type": "string", "format": "date"},
        {"type": "integer"},
        {"type": "integer", "minimum": 2.5, "maximum": 3},
        {"type": "integer", "exclusiveMinimum": 4, "exclusiveMaximum": 6},
        {"type": "integer", "maximum": -3},
        {"type": "integer", "exclusiveMaximum": 0},
        {"type": "number"},
        {"type": "number", "minimum": 7},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.1},
        {"type": "number", "maximum": -8},
        {"type": "number", "minimum": 1, "maximum": 1},
        {"type": "boolean"},
        {"type": "null"},
        {"type": ["null", "string"]},
        {"type": ["null"]},
        {"const": {"a": 1}},
        {"enum": ["b", "c"]},
        {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        {"type": "array", "items": {"type": "integer"}, "minItems": 3},
        {"type": "array", "maxItems": 0},
        {"type": "array", "items": True},
        {"type": "object"},
        {
            "type": "object",
            "required": ["a"],
            "properties": {"a": {"type": "boolean"}, "b": {"type": "array"}},
        },
        {
            "properties": {
                "a": {"properties": {"b": {"type": "integer"}}, "required": ["b"]}
            },
            "required": ["a"],
        },
        {
            "type": "object",
            "properties": {"a": {"$ref": "#/$defs/A"}},
            "$defs": {"A": {"enum": [5]}},
        },
    ],
)
def test_what_is_composed_keeps_to_its_schema(schema: dict[str, Any]) -> None:
    """And is the same every time."""
    value = Composer(schema, "The Moon is far.").compose()
    jsonschema.validate(value, schema)
    assert value == Composer(schema, "The Moon is far.").compose()
