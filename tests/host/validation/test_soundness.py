"""A schema that is called plainly sound is one that jsonschema accepts; and those that connectors have are plain."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from perplexity_connector.host.validation.soundness import _RULES, plainly_sound
from tests import paths

SCHEMAS = [
    json.loads(file.read_text(encoding="utf-8"))
    for file in sorted(paths.SCHEMAS.glob("*put.schema.json"))
]

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from([0.5, 1.0, -1.0, "", "a", "(", "string"])
)
kinds = st.sampled_from(
    ["string", "integer", "number", "boolean", "array", "object", "null", "strin"]
)
names = st.sampled_from([*sorted(_RULES), "$ref", "oneOf", "multipleOf", "unheard-of"])
lists = st.lists(scalars | kinds, max_size=3)
likely = {
    "type": kinds | st.lists(kinds, max_size=3),
    "required": st.lists(st.sampled_from("ab"), max_size=3),
}


def made(part: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Something like a schema: known and unknown keywords, each over a value that may fit it or not."""
    values = (
        scalars
        | lists
        | part
        | st.lists(part, max_size=2)
        | st.dictionaries(st.sampled_from("ab"), part)
    )
    keyword = names.flatmap(
        lambda name: st.tuples(st.just(name), likely.get(name, values))
    )
    return st.lists(keyword, max_size=3).map(dict)


def sound(schema: Any) -> bool:
    """What jsonschema says."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError:
        return False
    return True


@given(st.recursive(scalars, made, max_leaves=6))
def test_a_yes_is_never_wrong(schema: Any) -> None:
    """Over every keyword that it knows, each with values that break its rule among others."""
    assert not plainly_sound(schema) or sound(schema)


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema["title"])
def test_our_own_schemas_are_plain(schema: Any) -> None:
    """Nothing in them makes a process that only runs them load jsonschema."""
    assert plainly_sound(schema)


@pytest.mark.parametrize(
    ("keyword", "good", "bad"),
    [
        (
            "$schema",
            ["https://json-schema.org/draft/2020-12/schema"],
            ["http://json-schema.org/draft-07/schema#", 1],
        ),
        ("title", [""], [1]),
        ("default", [None, {"$ref": 1}], []),
        ("examples", [[{}]], [{}]),
        ("writeOnly", [True], ["true"]),
        (
            "type",
            ["null", ["string", "null"]],
            ["strin", [], ["string", "string"], ["strin"], [[]], {}],
        ),
        (
            "properties",
            [{}, {"a": True, "type": {}}],
            [[], {"a": 1}, {"a": {"type": 1}}],
        ),
        ("required", [[], ["a"]], ["a", ["a", "a"], [1]]),
        ("items", [{}, False], [[], None]),
        ("anyOf", [[True]], [[], {}, [1]]),
        ("enum", [[], [{}]], ["a"]),
        ("pattern", ["^a+$"], ["(", 1]),
        ("minLength", [0, 1], [-1, True, "1"]),
        ("minimum", [-1, 0.5], [True, "1", None]),
    ],
)
def test_each_keyword_has_the_rule_of_the_meta_schema(
    keyword: str, good: list[Any], bad: list[Any]
) -> None:
    """What keeps it is plain; what does not is left to jsonschema, which refuses it but for another dialect's name."""
    assert [plainly_sound({keyword: part}) for part in good] == [True] * len(good)
    assert [plainly_sound({keyword: part}) for part in bad] == [False] * len(bad)


@pytest.mark.parametrize(
    "schema", [{"$ref": "#"}, {"unheard-of": 1}, {"properties": {"a": {"oneOf": [{}]}}}]
)
def test_keywords_that_it_does_not_know_are_left_to_jsonschema(schema: Any) -> None:
    """However sound they are."""
    assert not plainly_sound(schema)
    assert sound(schema)
