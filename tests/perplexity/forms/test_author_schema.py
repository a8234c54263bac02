"""The schema that an author writes: what is refused before anything is paid for, and what an answer must follow."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_connector.perplexity.forms.author_schema import (
    AuthorSchema,
    BadSchemaError,
    problem_with,
)

# Recursion through the answer's own depth: sound JSON Schema, but nothing that Perplexity supports.
TREE = {
    "type": "object",
    "properties": {"children": {"type": "array", "items": {"$ref": "#"}}},
}
BIG = 10**400


FAN = {
    "$ref": "#/$defs/f0",
    "$defs": {
        f"f{n}": {"allOf": [{"$ref": f"#/$defs/f{n + 1}"}] * 2} for n in range(8)
    },
}
FAN["$defs"]["f8"] = {"type": "string"}


def nested(depth: int, keyword: str) -> dict[str, Any]:
    """A schema inside a schema inside a schema, or a value inside a value."""
    schema: dict[str, Any] = {}
    for _ in range(depth):
        schema = {keyword: schema}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        {
            "type": "object",
            "properties": {"km": {"type": "number"}},
            "required": ["km"],
        },
        {"$defs": {"a": {"type": "string"}}, "$ref": "#/$defs/a"},
        {
            "definitions": {"a": {"type": "string"}},
            "properties": {"a": {"$ref": "#/definitions/a"}},
        },
        {
            "$defs": {"a": {"$anchor": "here", "type": "string"}},
            "items": {"$ref": "#here"},
        },
        {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"},
        {
            "$schema": "https://example.org/dialect",
            "$defs": {"a": {}},
            "$ref": "#/$defs/a",
        },
        {
            "$id": "https://e.example/r",
            "$defs": {"o": {"$id": "other", "type": "string"}},
            "$ref": "other",
        },
        {
            "$defs": {"c": {"$id": "c", "$defs": {"b": {}}, "$ref": "#/$defs/b"}},
            "$ref": "#/$defs/c",
        },
        {"properties": {"$ref": {"type": "string"}}},
        {"prefixItems": [{"type": "string"}], "items": {"$ref": "#/prefixItems/0"}},
        {"description": "\ud800"},
        nested(49, "not"),
        FAN,
        {},
    ],
)
def test_a_sound_schema_has_no_problem(schema: dict[str, Any]) -> None:
    """Local references, anchors, older dialects, and references that fan out without a circle are fine."""
    assert problem_with(schema) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "banana"},
        {"type": 5},
        {"properties": []},
        {"required": "a"},
        {"minLength": -1},
        {"multipleOf": 0},
        {"pattern": "("},
        {"pattern": "a{99999999999999999999}"},
        {"patternProperties": {"[": {}}},
        {"minimum": float("nan")},
        {"maximum": float("inf")},
        pytest.param({"default": object()}, id="a default that is not JSON"),
        {"default": {1, 2}},
        {"$ref": 5},
        {"$ref": "https://example.org/schema.json"},
        {"$ref": "https://json-schema.org/draft/2020-12/schema"},
        {"$ref": "file:///etc/passwd"},
        {"$ref": "other.json"},
        {"$ref": "http://[broken"},
        {"$ref": "#/$defs/missing"},
        {"$ref": "#nowhere"},
        {"properties": {"a": {"items": {"$ref": "#/$defs/missing"}}}},
        {"allOf": [{"$ref": "#/$defs/missing"}]},
        {"$dynamicRef": "#nowhere"},
        {"anyOf": [{}], "items": {"$ref": "#/anyOf/first"}},
        {"title": "ab", "items": {"$ref": "#/title/0"}},
        {"custom": {"type": "banana"}, "items": {"$ref": "#/custom"}},
        {"custom": {"pattern": "("}, "items": {"$ref": "#/custom"}},
        TREE,
        {"$ref": "#"},
        {"unevaluatedProperties": False, "$ref": "#"},
        {"$dynamicAnchor": "node", "items": {"$dynamicRef": "#node"}},
        {"$id": "http://[broken", "type": "object"},
        {"$anchor": "me", "allOf": [{"$ref": "#me"}]},
        {
            "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
            "$ref": "#/$defs/a",
        },
        {"anyOf": [{"not": {"$ref": "#"}}]},
        {"type": "object", "$ref": "#"},
        {
            "$defs": {"b": {}, "c": {"$id": "https://e.example/", "$ref": "#/$defs/b"}},
            "$ref": "#/$defs/c",
        },
    ],
    ids=str,
)
def test_a_schema_that_could_not_be_applied_is_refused_in_one_sentence(
    schema: dict[str, Any],
) -> None:
    """Invalid, remote, dangling, circular, not JSON or too deep: the author hears it before anything is sent."""
    problem = problem_with(schema)
    assert problem
    assert problem.endswith(".")


@pytest.mark.parametrize("depth", [51, 200, 900, 5000])
@pytest.mark.parametrize("keyword", ["not", "default"])
def test_a_schema_that_is_too_deep_is_refused(keyword: str, depth: int) -> None:
    """Depth ends in a sentence, not in an exhausted stack, whether what is deep is a schema or a value."""
    assert problem_with(nested(depth, keyword))


def test_a_long_way_through_references_is_too_deep() -> None:
    """A chain of references counts as depth, since a validator goes down all of it."""
    chain = {f"c{n}": {"$ref": f"#/$defs/c{n + 1}"} for n in range(100)}
    assert problem_with({"$ref": "#/$defs/c0", "$defs": chain | {"c100": {}}})


def test_an_answer_too_deep_to_compare_does_not_follow() -> None:
    """An answer is compared without regard to the stack, and one that exhausts it is a mismatch."""
    assert not follows({"uniqueItems": True}, [nested(900, "a"), nested(900, "a")])


def test_a_schema_that_holds_itself_is_refused() -> None:
    """A cycle of Python objects, which no JSON document could have, is no JSON of a reasonable depth."""
    schema: dict[str, Any] = {}
    schema["not"] = schema
    assert problem_with(schema)


@pytest.mark.parametrize(
    ("schema", "instance", "expected"),
    [
        ({"type": "number"}, 1, True),
        ({"type": "number"}, "1", False),
        ({"$defs": {"a": {"type": "string"}}, "$ref": "#/$defs/a"}, "x", True),
        (FAN, "x", True),
        ({"multipleOf": 0.5}, BIG, False),
        ({"enum": [nested(40, "a")]}, nested(40, "a"), True),
        ({"enum": [nested(40, "a")]}, nested(41, "a"), False),
    ],
)
def test_an_answer_follows_the_schema_or_does_not(
    schema: dict[str, Any], instance: object, *, expected: bool
) -> None:
    """No reference is fetched, and arithmetic that overflows is a mismatch, not an accident."""
    assert follows(schema, instance) is expected


words = st.sampled_from(
    [
        "type",
        "$ref",
        "$defs",
        "properties",
        "items",
        "allOf",
        "not",
        "multipleOf",
        "pattern",
        "enum",
        "$id",
        "$anchor",
    ]
)
texts = st.sampled_from(
    [
        "#",
        "#/$defs/type",
        "#/items",
        "#/$defs",
        "string",
        "object",
        "a",
        "(",
        "http://[",
        "",
    ]
)
scalars = st.none() | st.booleans() | st.integers(-1, 2) | st.floats() | texts
schemas = st.recursive(
    scalars,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(words, part, max_size=4),
)


@given(
    st.dictionaries(words, schemas, max_size=4),
    st.recursive(scalars, lambda part: st.lists(part, max_size=3)),
)
def test_a_schema_without_a_problem_can_be_applied_to_anything(
    schema: dict[str, Any], instance: object
) -> None:
    """Whatever stands in a schema, checking it never raises; and one that passed never raises afterwards."""
    if problem_with(schema) is None:
        assert isinstance(follows(schema, instance), bool)
