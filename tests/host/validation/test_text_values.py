"""Text as the value that a schema takes."""

import json
from typing import Any

import pytest

from perplexity_connector.host.validation.text_values import from_text

LIST: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
EITHER: dict[str, Any] = {"anyOf": [{"type": "string"}, LIST]}


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        (EITHER, '["a", "b"]', ["a", "b"]),
        (EITHER, " [] ", []),
        (EITHER, '["a", 1]', '["a", 1]'),
        (EITHER, "[null]", "[null]"),
        (EITHER, '["a"', '["a"'),
        (EITHER, "true", "true"),
        (EITHER, '{"a": 1}', '{"a": 1}'),
        ({"type": "string"}, '["a"]', '["a"]'),
        ({"type": ["string", "array"]}, '["a", 1]', ["a", 1]),
        ({"type": ["string", "object"]}, '{"a": 1}', {"a": 1}),
        ({"type": ["string", "integer"]}, "5", "5"),
        ({"type": ["string", "array"], "items": {"type": "odd"}}, "[1]", "[1]"),
        (LIST, '["a", 1]', ["a", 1]),
        (LIST, "a", "a"),
        ({"type": "integer"}, "5", 5),
        ({"type": "integer"}, " 5 ", 5),
        ({"type": "integer"}, "five", "five"),
        ({"type": "integer"}, "", ""),
        ({"type": "integer"}, "null", None),
        ({"type": "number"}, "0.5", 0.5),
        ({"type": "number"}, "NaN", "NaN"),
        ({"type": "number"}, "1e999", "1e999"),
        ({"type": "boolean"}, "true", True),
        ({"type": "boolean"}, "yes", "yes"),
        ({"type": "object"}, '{"a": 1}', {"a": 1}),
        ({"type": "object"}, "[" * 100_000, "[" * 100_000),
        ({}, "5", "5"),
        ({"enum": [5]}, "5", "5"),
    ],
)
def test_a_text_is_read_where_the_schema_takes_another_type(
    schema: Any, text: str, value: object
) -> None:
    """Where it takes text too, a list is read if its items fit, and an object; the rest stays text."""
    found = from_text(text, schema)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize("union", ["anyOf", "oneOf", "allOf"])
def test_texts_inside_objects_and_lists_are_read(union: str) -> None:
    """Along the schema, through its unions."""
    row = {union: [{"type": "object", "properties": {"n": {"type": "integer"}}}]}
    schema: Any = {"properties": {"rows": {"type": "array", "items": row}}}
    given: Any = {"rows": [{"n": "1", "m": "2"}, {"n": 3}, "x"], "other": "4"}
    expected: Any = {"rows": [{"n": 1, "m": "2"}, {"n": 3}, "x"], "other": "4"}
    assert from_text(given, schema) == expected


def test_a_free_object_is_not_touched() -> None:
    """Nor is its depth a problem: it is not looked into."""
    deep: Any = "5"
    for _ in range(100_000):
        deep = [deep]
    given = {"free": {"type": "object", "minimum": "5", "deep": deep}}
    found: Any = from_text(given, {"properties": {"free": {"type": "object"}}})
    assert found["free"]["minimum"] == "5"
    assert found["free"]["deep"] is deep


def test_other_values_stay() -> None:
    """A number is a number, also where text is taken."""
    schema = {"properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
    given = {"a": 5, "b": None}
    assert from_text(given, schema) == given
    assert json.dumps(from_text(given, schema)) == json.dumps(given)
