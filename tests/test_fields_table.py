"""The README's tables of fields say the same as the schemas."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.fields_table import ACTIONS, README, schema_of, table, with_tables


def test_the_readme_has_the_tables_of_the_schemas() -> None:
    """Write them with `python -m tests.fields_table` when a field has changed."""
    page = README.read_text(encoding="utf-8")
    assert with_tables(page) == page


def descriptions(node: object) -> Iterator[str]:
    """The description of every property below a schema."""
    properties = node.get("properties", {}) if isinstance(node, Mapping) else {}
    for child in properties.values():
        yield child["description"]
        yield from descriptions(child)
        yield from descriptions(child.get("items"))


@pytest.mark.parametrize("action", ACTIONS)
def test_every_field_at_any_depth_has_a_row(action: str) -> None:
    """With its description, in the order of the form."""
    schema = schema_of(action)
    rows = table(schema).splitlines()[2:]
    wanted = list(descriptions(schema))
    assert len(rows) == len(wanted)
    assert all(text in row for text, row in zip(wanted, rows, strict=True))


@pytest.mark.parametrize(
    ("field", "takes"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "format": "date"}, "date"),
        ({"type": "string", "enum": ["a", "b", "c"]}, "`a`, `b` or `c`"),
        ({"type": "boolean"}, "`true` or `false`"),
        (
            {"type": "integer", "minimum": 1, "maximum": 9},
            "whole number from 1 to 9",
        ),
        ({"type": "number", "minimum": 0}, "number from 0"),
        ({"type": "array", "items": {"type": "string"}}, "list of texts"),
        (
            {"type": "array", "maxItems": 4, "items": {"type": "string"}},
            "list of at most 4 texts",
        ),
        (
            {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}},
            "list of `a` or `b`",
        ),
        (
            {
                "anyOf": [
                    {"type": "string"},
                    {"type": "array", "items": {"type": "string"}},
                ]
            },
            "text, or list of texts",
        ),
    ],
)
def test_a_row_says_which_values_a_field_takes(
    field: dict[str, Any], takes: str
) -> None:
    """In the words of a reader, not in those of JSON Schema."""
    schema = {"properties": {"one": {**field, "description": "A | B."}}}
    assert table(schema).splitlines()[2] == f"| `one` | {takes} | A \\| B. |"


def test_a_row_says_where_a_field_is_and_whether_it_must_be_given() -> None:
    """The path of a field inside a list, and inside an object."""
    text = {"type": "string", "description": "Text."}
    inner = {"properties": {"deep": text}, "required": ["deep"]}
    schema = {
        "properties": {
            "many": {
                "type": "array",
                "items": {"type": "object", **inner},
                "description": "Many.",
            },
            "one": {"type": "object", **inner, "description": "One."},
        },
        "required": ["one"],
    }
    names = [row.split(" | ")[0] for row in table(schema).splitlines()[2:]]
    assert names == [
        "| `many`",
        "| `many[].deep`, required",
        "| `one`, required",
        "| `one.deep`, required",
    ]
