from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis_jsonschema import from_schema

from perplexity_connector.contract.json import pointer_tokens
from perplexity_connector.host.flows.schemas.schema_paths import (
    are_disjoint,
    item_schemas,
    names_of,
    placeholders,
    places_at,
    schemas_at,
    types_of,
)

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "closed": {
            "type": "object",
            "properties": {"a": {"type": "string"}},
            "additionalProperties": False,
        },
        "open": {"type": "object", "properties": {"a": {"type": "string"}}},
        "map": {"type": "object", "additionalProperties": {"type": "integer"}},
        "list": {"type": ["array", "null"], "items": {"type": "number"}},
        "any list": {"type": "array"},
        "union": {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "boolean"}},
            ]
        },
        "both": {"type": "object", "allOf": [{"properties": {"x": {"const": 1}}}]},
        "opaque": {"$ref": "#/$defs/x"},
        "never": False,
        "anything": True,
    },
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("pointer", "there"),
    [
        ("", [SCHEMA]),
        ("/closed/a", [{"type": "string"}]),
        ("/closed/b", []),
        ("/open/b", [{}]),
        ("/open/a/b", []),
        ("/open/a/0", []),
        ("/map/b", [{"type": "integer"}]),
        ("/list/3", [{"type": "number"}]),
        ("/list/x", []),
        ("/any list/0", [{}]),
        (
            "/union",
            [{"type": "string"}, {"type": "array", "items": {"type": "boolean"}}],
        ),
        ("/union/0", [{"type": "boolean"}]),
        ("/both/x", [{}, {"const": 1}]),
        ("/opaque/x", [{}]),
        ("/never", []),
        ("/anything/x", [{}]),
        ("/anything/0", [{}]),
        ("/none", []),
    ],
)
def test_a_schema_says_what_may_be_at_a_place(pointer: str, there: list[Any]) -> None:
    """One schema for each branch; `{}` is anything, an empty list is nothing."""
    assert list(schemas_at(SCHEMA, pointer_tokens(pointer) or ())) == there


TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "there"),
    [
        ({"properties": {"a": TEXT}}, [TEXT]),
        ({"properties": {"b": TEXT}}, []),
        ({"properties": {"b": TEXT}, "additionalProperties": True}, []),
        ({"properties": {"b": TEXT}, "additionalProperties": False}, []),
        ({"properties": {"b": TEXT}, "additionalProperties": TEXT}, [TEXT]),
        ({"properties": {"b": TEXT}, "additionalProperties": {}}, [{}]),
        ({"properties": {"b": True}, "patternProperties": {"^a$": TEXT}}, [TEXT]),
        ({"properties": {"b": True}, "patternProperties": {"^b": TEXT}}, []),
        ({"properties": {"b": True}, "patternProperties": {"(?=b)": TEXT}}, [TEXT]),
        ({"patternProperties": {"^b": TEXT}}, [{}]),
        ({"type": "object"}, [{}]),
        ({"type": "object", "properties": {}}, [{}]),
        ({"type": "object", "additionalProperties": False}, []),
        ({}, [{}]),
        (True, [{}]),
        (False, []),
        ({"type": "string"}, []),
        ({"type": "array", "items": TEXT}, []),
        ({"anyOf": [{"properties": {"a": TEXT}}, {"type": "null"}]}, [TEXT]),
        ({"anyOf": [{"properties": {"b": TEXT}}, {"type": "null"}]}, []),
        ({"$ref": "#/$defs/x"}, [{}]),
    ],
)
def test_a_reader_counts_on_listed_properties_only(
    schema: Any, there: list[Any]
) -> None:
    """An object that lists none is open; so is one with a schema for the others."""
    assert list(places_at([schema], ("a",))) == there


CLOSED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "pages": {
            "type": "array",
            "maxItems": 2,
            "items": {
                "type": "object",
                "properties": {"a/b": {"type": "string"}, "m~n": {"type": "integer"}},
                "additionalProperties": False,
            },
        },
        "cost": {
            "anyOf": [
                {"type": "null"},
                {"type": "object", "additionalProperties": {"type": "boolean"}},
            ]
        },
    },
    "patternProperties": {"^x[0-9]$": {"type": "array", "items": {"type": "null"}}},
    "additionalProperties": False,
}


def paths_in(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every path of a value."""
    yield path
    members = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else ()
    for name, part in (*members, *items):
        yield from paths_in(part, (*path, str(name)))


@settings(max_examples=40, deadline=None)
@given(from_schema(CLOSED))
def test_every_place_of_a_value_is_found_in_its_schema(value: Any) -> None:
    """So no reference to a value that is there is refused."""
    for path in paths_in(value):
        assert places_at([CLOSED], path)
        assert schemas_at(CLOSED, path)
        assert not places_at([CLOSED], (*path, "none of it")) or path == ("cost",)


def test_the_items_of_a_list_are_those_of_each_branch() -> None:
    """A branch that is not a list has none; one that is not known may have any."""
    lists: Any = [
        {"type": "array", "items": TEXT},
        {"type": "object"},
        {"type": "array"},
    ]
    assert list(item_schemas(lists)) == [TEXT, {}]
    assert list(item_schemas([{"prefixItems": [TEXT]}])) == [{}]
    assert list(places_at(lists, ("0",))) == [TEXT, {}]


def test_the_names_of_schemas_are_those_of_their_properties() -> None:
    """For the nearest of them to a misspelt one."""
    assert names_of([{"properties": {"a": {}}}, {}, {"properties": {"b": {}}}]) == [
        "a",
        "b",
    ]


@pytest.mark.parametrize(
    "schema", [{}, {"items": {"properties": {"0": True}}}, {"anyOf": [{}, {}, {}]}]
)
def test_a_long_path_of_numbers_does_not_multiply_the_schemas(
    schema: dict[str, Any],
) -> None:
    """Each number may be a key or a place in a list; what is below is the same schema."""
    assert len(schemas_at(schema, ("0",) * 12)) <= 3


def test_the_types_of_a_place_are_those_of_all_its_branches() -> None:
    """Null says nothing about a value that is there; one branch that does not say makes it unknown."""
    assert types_of([{"type": ["array", "null"]}, {"type": "string"}]) == {
        "array",
        "string",
    }
    assert types_of([{"type": "string"}, {}]) == frozenset()
    assert types_of([]) == frozenset()


@pytest.mark.parametrize(
    ("one", "other", "disjoint"),
    [
        ("string", "array", True),
        ("string", "string", False),
        ("integer", "number", False),
        ("number", "integer", False),
        ("number", "string", True),
        ("", "string", False),
        ("string", "", False),
    ],
)
def test_types_are_disjoint_when_no_value_can_be_of_both(
    one: str, other: str, disjoint: bool
) -> None:
    """Unknown types are disjoint with none."""
    assert are_disjoint(frozenset(one.split()), frozenset(other.split())) is disjoint


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        ({"type": "string", "enum": ["a", "b", "c"]}, ("a", "c")),
        (
            {"type": "string", "format": "date", "examples": ["2026-01-01"]},
            ("1900-01-01", "2999-12-31"),
        ),
        ({"type": "string", "examples": ["a", "b"]}, ("a", "b")),
        ({"type": "string"}, ("x", "x")),
        ({"type": "integer", "minimum": 1, "maximum": 20, "examples": [5]}, (1, 20)),
        ({"type": "integer", "minimum": 16}, (16, 16)),
        ({"type": "number"}, (1, 1)),
        ({"type": "boolean"}, (False, True)),
        ({"type": ["array", "null"]}, ([], [])),
        ({"type": "object"}, ({}, {})),
        ({"type": "null"}, ("x", "x")),
    ],
)
def test_placeholders_lie_as_far_apart_as_the_schema_tells(
    schema: dict[str, Any], values: tuple[Any, Any]
) -> None:
    """Enum, limits, examples, then the type alone."""
    assert placeholders([schema], frozenset()) == values


def test_placeholders_are_of_the_type_that_is_given() -> None:
    """Of several branches, that one counts; where none fits, text stands in."""
    branches: Any = [{"type": "array"}, {"type": "string", "examples": ["moon"]}]
    assert placeholders(branches, frozenset({"string"})) == ("moon", "moon")
    assert placeholders(branches, frozenset({"boolean"})) == ("x", "x")
