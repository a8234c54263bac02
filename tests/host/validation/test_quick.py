"""A quick yes is never said of what jsonschema refuses; and it is said of what runs really give."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_jsonschema import from_schema
from jsonschema import Draft202012Validator

from perplexity_connector.host.validation import schema_validator
from perplexity_connector.host.validation.quick import quick_check
from perplexity_connector.host.validation.schema_validator import SchemaValidator
from perplexity_connector.host.validation.to_json import to_json
from tests import paths

SCHEMAS = [
    json.loads(file.read_text(encoding="utf-8"))
    for file in sorted(paths.SCHEMAS.glob("*put.schema.json"))
]


def closed(schema: Any) -> Any:
    """The schema without room for more, since whatever might stand there takes long to make up."""
    return json.loads(
        json.dumps(schema).replace(
            '"additionalProperties": true', '"additionalProperties": false'
        )
    )


DOCUMENTS = {schema["title"]: from_schema(closed(schema)) for schema in SCHEMAS}

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.0, 1.0, 1.5, 1e300, "", "a", "bb", "ccc"])
)
values = st.recursive(
    scalars,
    lambda part: (
        st.lists(part, max_size=3)
        | st.dictionaries(st.sampled_from("abc"), part, max_size=3)
    ),
)
names = st.lists(st.sampled_from("abc"), unique=True)
kinds = st.sampled_from(
    ["string", "integer", "number", "boolean", "array", "object", "null"]
)
small = st.integers(0, 3)


def made(part: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A schema with any of the keywords that are known, and some that are not."""
    keywords = {
        "type": kinds | st.lists(kinds, min_size=1, unique=True),
        "properties": st.dictionaries(st.sampled_from("abc"), part, max_size=3),
        "required": names,
        "additionalProperties": st.booleans() | st.just({}) | part,
        "patternProperties": st.dictionaries(
            st.sampled_from(["a", "^b"]), part, max_size=1
        ),
        "items": part,
        "prefixItems": st.lists(part, min_size=1, max_size=2),
        "anyOf": st.lists(part, min_size=1, max_size=2),
        "oneOf": st.lists(part, min_size=1, max_size=2),
        "not": part,
        "enum": st.lists(scalars, min_size=1, max_size=3),
        "const": values,
        "uniqueItems": st.booleans(),
        "pattern": st.sampled_from(["a", "^b+$"]),
        "format": st.sampled_from(["date", "password"]),
        "title": st.just("A title"),
        **dict.fromkeys(
            ("minLength", "maxLength", "minItems", "maxItems", "minProperties"), small
        ),
        **dict.fromkeys(
            ("minimum", "maximum", "exclusiveMinimum"), small | st.just(1.5)
        ),
    }
    return st.lists(st.sampled_from(sorted(keywords)), max_size=3, unique=True).flatmap(
        lambda chosen: st.fixed_dictionaries({name: keywords[name] for name in chosen})
    )


schemas = st.recursive(st.booleans() | made(st.booleans()), made, max_leaves=5)


def keeps(schema: Any, value: Any) -> bool:
    """What jsonschema says."""
    return bool(
        Draft202012Validator(
            schema, format_checker=Draft202012Validator.FORMAT_CHECKER
        ).is_valid(value)
    )


@given(schemas, values)
def test_a_yes_is_never_wrong(schema: Any, value: Any) -> None:
    """Over every keyword that it knows, and those that it does not know."""
    assert not quick_check(schema)(value) or keeps(schema, value)


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema["title"])
@settings(
    max_examples=max(40, settings().max_examples // 5)
)  # making documents up takes long
@given(st.data())
def test_a_yes_is_never_wrong_of_our_own_schemas(
    schema: Any, data: st.DataObject
) -> None:
    """With documents that keep them, or nearly do."""
    value = data.draw(DOCUMENTS[schema["title"]])
    if value and data.draw(st.booleans()):
        value[data.draw(st.sampled_from(sorted(value)))] = data.draw(values)
    assert not quick_check(schema)(value) or keeps(schema, value)


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (True, [None, 1], []),
        ({}, [None, {"a": 1}], []),
        ({"title": "x", "description": "y", "type": "string"}, ["", "a"], [1, None]),
        ({"type": ["string", "null"]}, ["a", None], [1]),
        ({"type": "integer"}, [1], [True, "1"]),
        ({"type": "number"}, [1, 1.5], [False, "1"]),
        (
            {"properties": {"a": {"type": "string"}}},
            [{}, {"a": "x"}, {"b": 1}, 1],
            [{"a": 1}],
        ),
        ({"required": ["a"]}, [{"a": 1}, 1], [{}]),
        (
            {"properties": {"a": {}}, "additionalProperties": False},
            [{"a": 1}, {}, 1],
            [{"b": 1}],
        ),
        ({"items": {"type": "null"}}, [[], [None], 1], [[1]]),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, ["a", None], [1]),
        ({"enum": ["a", 1]}, ["a"], ["b"]),
        ({"const": "a"}, ["a"], ["b", 1]),
        ({"minLength": 1, "maxLength": 2}, ["a", "ab", 5], ["", "abc"]),
        ({"minItems": 1, "maxItems": 2}, [[1], [1, 2], 5], [[], [1, 2, 3]]),
        ({"minimum": 1, "maximum": 2}, [1, 2, 1.5, "x", True], [0, 3]),
        ({"format": "password"}, ["a"], []),
    ],
)
def test_plain_cases_are_told_at_once(
    schema: Any, good: list[Any], bad: list[Any]
) -> None:
    """A yes for what is good, none for what is not."""
    check = quick_check(schema)
    assert [check(value) for value in good] == [True] * len(good)
    assert [check(value) for value in bad] == [False] * len(bad)


@pytest.mark.parametrize(
    "schema",
    [
        False,
        None,
        {"$ref": "#"},
        {"format": "date"},
        {"prefixItems": [True], "items": True},
        {"unheard-of": 1},
        {"additionalProperties": {"type": "string"}},
        {"patternProperties": {"a": True}, "additionalProperties": False},
    ],
)
def test_what_is_not_plain_is_left_to_jsonschema(schema: Any) -> None:
    """Never a yes, even for what is good."""
    assert not quick_check(schema)({"a": "x"})


def test_a_good_document_is_not_walked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The schema library is asked about what is not plainly good, and about nothing else."""
    asked: list[object] = []
    real = schema_validator._field_errors

    def counted(*arguments: Any) -> Any:
        asked.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(schema_validator, "_field_errors", counted)
    page = dict.fromkeys(("title", "url", "snippet", "query"), "é") | {
        "date": None,
        "last_updated": None,
        "rank": 1,
    }
    output = {
        "results": [page] * 10,
        "queries": [{"query": "é", "count": 10, "id": None, "error": None}],
    }
    file = paths.SCHEMAS / "execute_search.v1.output.schema.json"
    validator = SchemaValidator(json.loads(file.read_text(encoding="utf-8")))
    assert validator.errors(to_json(output)) == []
    assert asked == []
    assert validator.errors(to_json(output | {"results": 1})) != []
    assert len(asked) == 1
