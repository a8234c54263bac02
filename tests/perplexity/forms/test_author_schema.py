"""The schema that an author writes: what is refused before it costs money, and what an answer must follow."""

import json
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from perplexity_connector.perplexity.forms.author_schema import (
    BadSchemaError,
    compile_schema,
    problem_with,
)
from tests import made_schemas

# Recursion through the answer's own depth: sound JSON Schema, but nothing that Perplexity supports.
TREE: dict[str, Any] = {
    "type": "object",
    "properties": {"children": {"type": "array", "items": {"$ref": "#"}}},
}
BIG = 10**400


FAN: dict[str, Any] = {
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


def problem(schema: Any) -> str | None:
    """The problem of a schema, whose root may have any type."""
    try:
        compile_schema(schema)
    except BadSchemaError as error:
        return str(error)
    return None


def follows(schema: Any, value: object) -> bool:
    """Whether an answer follows a valid schema."""
    return compile_schema(schema).accepts(value)


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
        {"properties": {"$ref": {"type": "string"}, "enum": {"pattern": "a"}}},
        {"enum": [{"$ref": "https://example.org/", "pattern": "("}]},
        {"default": {"$ref": "#/nowhere"}, "x-note": {"pattern": "("}},
        {"pattern": r"^\p{Lu}\p{Ll}*$"},
        {
            "$id": "https://e.example/r",
            "$ref": "https://e.example/r#/$defs/a",
            "$defs": {"a": {}},
        },
        {"$id": "https://e.example/r", "$ref": "r#/$defs/a", "$defs": {"a": {}}},
        {
            "properties": {f"p{n}": {"$ref": "#/$defs/a"} for n in range(4000)},
            "$defs": {"a": {}},
        },
        {"prefixItems": [{"type": "string"}], "items": {"$ref": "#/prefixItems/0"}},
        {"description": "\ud800"},
        nested(49, "not"),
        FAN,
        {},
    ],
)
def test_a_sound_schema_has_no_problem(schema: dict[str, Any]) -> None:
    """Local references, anchors, older dialects, and references that fan out without a circle are fine."""
    assert problem(schema) is None


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
        {"properties": {"a": {"$id": "http://[broken"}}},
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
    found = problem(schema)
    assert found
    assert found.endswith(".")


@pytest.mark.parametrize("depth", [51, 200, 900, 5000])
@pytest.mark.parametrize("keyword", ["not", "default"])
def test_a_schema_that_is_too_deep_is_refused(keyword: str, depth: int) -> None:
    """Depth ends in a sentence, not in an exhausted stack, whether what is deep is a schema or a value."""
    assert problem(nested(depth, keyword))


def test_a_long_way_through_references_is_too_deep() -> None:
    """A chain of references counts as depth, since a validator goes down all of it."""
    chain = {f"c{n}": {"$ref": f"#/$defs/c{n + 1}"} for n in range(100)}
    assert problem({"$ref": "#/$defs/c0", "$defs": chain | {"c100": {}}})


def test_an_answer_too_deep_to_compare_does_not_follow() -> None:
    """An answer is compared without regard to the stack, and one that exhausts it is a mismatch."""
    assert not follows({"uniqueItems": True}, [nested(900, "a"), nested(900, "a")])


def test_a_schema_that_holds_itself_is_refused() -> None:
    """A cycle of Python objects, which no JSON document could have, is no JSON of a reasonable depth."""
    schema: dict[str, Any] = {}
    schema["not"] = schema
    assert problem(schema)


@pytest.mark.parametrize(
    ("schema", "instance", "expected"),
    [
        ({"type": "number"}, 1, True),
        ({"type": "number"}, "1", False),
        ({"$defs": {"a": {"type": "string"}}, "$ref": "#/$defs/a"}, "x", True),
        (FAN, "x", True),
        ({"multipleOf": 0.5}, BIG, True),
        ({"multipleOf": 0.01}, 19.99, True),
        ({"multipleOf": 0.01}, 19.999, False),
        ({"pattern": r"^\p{L}+$"}, "Käse", True),
        ({"pattern": r"^\p{L}+$"}, "K4se", False),
        ({"pattern": r"^\d$"}, "\u0663", False),
        ({"pattern": "^a$"}, "a\n", False),
        ({"pattern": r"^(\w+\s?)*$"}, "a" * 100_000 + "!", False),
        ({"type": "integer"}, 1.0, True),
        ({"const": 1}, True, False),
        ({"uniqueItems": True}, [1, 1.0], False),
        ({"minLength": 2}, "\U0001f600", False),
        ({"format": "date"}, "2026-02-30", True),
        ({"type": "string"}, "\ud800", False),
        ({"const": "a"}, "\ud800", False),
        ({"enum": [nested(40, "a")]}, nested(40, "a"), True),
        ({"enum": [nested(40, "a")]}, nested(41, "a"), False),
    ],
)
def test_an_answer_follows_the_schema_or_does_not(
    schema: dict[str, Any], instance: object, *, expected: bool
) -> None:
    """As the standard says: numbers are decimal, patterns are JavaScript's, and a format is a note."""
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
    if problem(schema) is None:
        assert isinstance(follows(schema, instance), bool)


@pytest.mark.parametrize(
    "root", [{}, {"type": "array"}, {"type": ["object"]}, {"$ref": "#/$defs/a"}]
)
def test_the_root_is_an_object(root: dict[str, Any]) -> None:
    """Perplexity refuses everything else (docs/provider.md, "Structured answers")."""
    schema = {"$defs": {"a": {"type": "object"}}, **root}
    assert problem(schema) is None
    assert problem_with(schema)
    assert problem_with({**schema, "type": "object"}) is None


LOOK_AHEAD = "^(?!a)"


@pytest.mark.parametrize(
    "pattern",
    [
        LOOK_AHEAD,
        r"(a)\1",
        "(?<=a)b",
        "a{1000}{1000}{1000}",
        "^.{1,100000}$",
        r"\p{L}{1,100000}",
    ],
)
def test_a_pattern_without_linear_time_is_accepted_and_not_checked(
    pattern: str,
) -> None:
    """Such schemas were accepted before, and saved steps have them."""
    schema = {"properties": {"a": {"pattern": pattern}, "b": {"pattern": "^b$"}}}
    assert problem(schema) is None
    check = compile_schema(schema)
    assert check.unchecked == [pattern]
    assert check.accepts({"a": "", "b": "b"})
    assert not check.accepts({"a": "", "b": "c"})


@pytest.mark.parametrize(
    ("schema", "followed", "broken"),
    [
        ({"not": {"pattern": LOOK_AHEAD}}, "a", None),
        ({"oneOf": [{"pattern": LOOK_AHEAD, "maxLength": 1}, {"const": 1}]}, 1, "bb"),
        ({"oneOf": [{"type": "string"}, {"pattern": LOOK_AHEAD}]}, "a", None),
        ({"allOf": [{"type": "string"}], "oneOf": [{"pattern": LOOK_AHEAD}]}, "b", 1),
        ({"if": {"pattern": LOOK_AHEAD}, "then": False}, "a", None),
        ({"contains": {"pattern": LOOK_AHEAD}, "maxContains": 1}, ["a", "b"], []),
        (
            {"patternProperties": {LOOK_AHEAD: {}}, "additionalProperties": False},
            {"b": 1},
            None,
        ),
        (
            {"patternProperties": {LOOK_AHEAD: {"type": "null"}, "^z": {"const": 1}}},
            {"b": 1, "z": 1},
            {"z": 2},
        ),
        (
            {"patternProperties": {LOOK_AHEAD: {}}, "unevaluatedProperties": False},
            {"b": 1},
            None,
        ),
        (
            {"items": {"$ref": "#/$defs/a"}, "$defs": {"a": {"pattern": LOOK_AHEAD}}},
            ["b"],
            None,
        ),
        ({"properties": {"enum": {"pattern": LOOK_AHEAD}}}, {"enum": "b"}, None),
        ({"enum": [{"pattern": LOOK_AHEAD}]}, {"pattern": LOOK_AHEAD}, {}),
        ({"pattern": LOOK_AHEAD, "maxLength": 1}, "b", "bb"),
    ],
)
def test_what_follows_a_schema_still_follows_it_without_its_patterns(
    schema: dict[str, Any], followed: object, broken: object
) -> None:
    """Keywords that fail where the rest accepts more are not checked either; the others are."""
    check = compile_schema(schema)
    assert check.accepts(followed)
    assert broken is None or not check.accepts(broken)


def fan(width: int, levels: int, **more: Any) -> dict[str, Any]:
    """References that each lead to several: width to the power of levels."""
    defs: dict[str, Any] = {
        f"f{n}": {"allOf": [{"$ref": f"#/$defs/f{n + 1}"}] * width, **more}
        for n in range(levels)
    }
    return {
        "$ref": "#/$defs/f0",
        "$defs": defs | {f"f{levels}": {"type": "string"}},
    }


@pytest.mark.parametrize(
    "schema",
    [
        fan(2, 20),
        fan(1000, 3),
        fan(2, 6, unevaluatedProperties={}),
        {"anyOf": [{"const": n} for n in range(11_000)]},
        {"enum": [[0] * 100] * 110},
        {"items": {"allOf": [{"multipleOf": 3}] * 1000}},
        {"description": "x" * 250_000},
        {"properties": {str(n): {"pattern": f"a{n}"} for n in range(1001)}},
    ],
    ids=range(8),
)
def test_a_schema_whose_check_might_not_end_is_refused(schema: dict[str, Any]) -> None:
    """No time limit could interrupt it, so its size is bounded before it begins."""
    assert problem(schema)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"items": {"anyOf": [{"const": n} for n in range(4900)]}}, [4899] * 1000),
        ({"items": {"pattern": "a$", "allOf": [{}] * 100}}, ["a" * 100_000]),
        ({"items": {"enum": [[0] * 100] * 90}}, [[0] * 100] * 100),
    ],
    ids=range(3),
)
def test_an_answer_whose_check_might_not_end_is_a_mismatch(
    schema: dict[str, Any], value: list[Any]
) -> None:
    """Many rules over many values. A small answer is still checked by the same schema."""
    assert not follows(schema, value)
    assert follows(schema, [value[0][:50] if isinstance(value[0], str) else value[0]])


def test_much_that_is_applied_once_is_checked() -> None:
    """Four thousand references, and six thousand objects without a twin."""
    schema = {
        "allOf": [{"$ref": f"#/$defs/a{n}"} for n in range(4000)],
        "$defs": {f"a{n}": {"required": [f"n{n}"]} for n in range(4000)},
    }
    assert follows(schema, {f"n{n}": n for n in range(4000)})
    assert not follows(schema, {f"n{n}": n for n in range(3999)})
    objects = [{"a": n, "b": str(n)} for n in range(6000)]
    assert follows({"uniqueItems": True}, objects)
    assert not follows({"uniqueItems": True}, [*objects, {"b": "7", "a": 7.0}])


def test_a_schema_is_compiled_once() -> None:
    """A form is checked several times, and then its answer."""
    schema = {"type": "object", "title": "once"}
    assert compile_schema(schema) is compile_schema(json.loads(json.dumps(schema)))


def test_the_authors_schema_is_not_changed() -> None:
    """It is sent as it is, with the patterns that are not checked."""
    schema = {"oneOf": [{"pattern": LOOK_AHEAD}], "not": {"const": 1}}
    before = json.dumps(schema)
    compile_schema(schema)
    assert json.dumps(schema) == before


@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef", "$schema", "$id"])
def test_nothing_is_fetched(forbidden_addresses: Sequence[str], keyword: str) -> None:
    """Neither over HTTP nor from a file: the file would forbid every answer."""
    web, _ = forbidden_addresses
    is_reference = keyword.endswith(("ref", "Ref"))
    for address in forbidden_addresses:
        for schema in ({keyword: address}, {"items": {"$id": web, keyword: address}}):
            assert (problem(schema) is None) is not is_reference
            assert is_reference or follows(schema, [1])


@given(made_schemas.schemas, made_schemas.values)
def test_the_two_libraries_agree(schema: Any, value: Any) -> None:
    """Over every keyword. Formats are notes to both."""
    if isinstance(schema, bool):
        schema = {"allOf": [schema]}
    try:
        check = compile_schema(schema)
    except BadSchemaError:
        # Only unevaluated parts inside each other weigh so much.
        assert "unevaluated" in json.dumps(schema)
    else:
        assert check.accepts(value) is Draft202012Validator(schema).is_valid(value)


def test_the_stack_is_not_exhausted() -> None:
    """The deepest schema, by references, far down in the stack of a caller."""

    def deep(levels: int) -> bool:
        return deep(levels - 1) if levels else problem(chain) is None

    links = {f"c{n}": {"items": {"$ref": f"#/$defs/c{n + 1}"}} for n in range(24)}
    chain = {"$ref": "#/$defs/c0", "$defs": links | {"c24": {}}}
    assert deep(sys.getrecursionlimit() - 800)
