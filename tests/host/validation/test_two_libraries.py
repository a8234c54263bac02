"""jsonschema-rs finds valid documents, jsonschema says what is wrong, and they agree."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_jsonschema import from_schema
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host.validation import schema_validator
from perplexity_connector.host.validation.schema_validator import SchemaValidator
from perplexity_connector.host.validation.to_json import to_json
from tests import made_schemas, paths

SCHEMAS = [
    json.loads(file.read_text(encoding="utf-8"))
    for file in sorted(paths.SCHEMAS.glob("*put.schema.json"))
]


def closed(schema: Any) -> Any:
    """Return the schema without room for more fields, since those take long to make up."""
    return json.loads(
        json.dumps(schema).replace(
            '"additionalProperties": true', '"additionalProperties": false'
        )
    )


# White space to one of the libraries only. The connector's own check decides about these.
ODD_SPACES = frozenset("\x1c\x1d\x1e\x1f\x85\ufeff")
DOCUMENTS = {schema["title"]: from_schema(closed(schema)) for schema in SCHEMAS}


def follows(schema: Any, value: Any) -> bool:
    """Return the verdict of jsonschema alone."""
    checker = Draft202012Validator.FORMAT_CHECKER
    return Draft202012Validator(schema, format_checker=checker).is_valid(value)


def without_odd_spaces(value: Any) -> Any:
    """Return the value with another sign for each of `ODD_SPACES`."""
    text = json.dumps(value)
    for sign in ODD_SPACES:
        text = text.replace(f"\\u{ord(sign):04x}", "_")
    return json.loads(text)


def is_schema(schema: Any) -> bool:
    """Return whether jsonschema alone accepts a schema."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError:
        return False
    return True


@given(made_schemas.schemas, made_schemas.values)
def test_both_libraries_agree_on_a_document(schema: Any, value: Any) -> None:
    """Over every keyword, formats among them."""
    check = schema_validator._compile(schema)
    assert check is not None
    assert check(value) is follows(schema, value)


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema["title"])
@settings(
    # To make documents up takes long, and longer on a busy machine.
    max_examples=max(40, settings().max_examples // 5),
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.data())
def test_both_libraries_agree_on_documents_of_our_own_schemas(
    schema: Any, data: st.DataObject
) -> None:
    """With documents that follow them, or nearly do."""
    value: Any = data.draw(DOCUMENTS[schema["title"]])
    if value and data.draw(st.booleans()):
        name = data.draw(st.sampled_from(sorted(value)))
        value[name] = data.draw(made_schemas.values)
    check = schema_validator._compile(schema)
    assert check is not None
    value = without_odd_spaces(value)
    assert check(value) is follows(schema, value)


def test_both_libraries_agree_on_white_space_but_for_six_signs() -> None:
    """Our patterns of names and addresses ask for it."""
    schema = {"type": "string", "pattern": r"^\S$"}
    check = schema_validator._compile(schema)
    assert check is not None
    signs = [chr(code) for code in range(0x3100) if chr(code).isspace()]
    signs += ["\ufeff", "\u180e", "\u200b", "a"]
    odd = {sign for sign in signs if check(sign) is not follows(schema, sign)}
    assert odd == ODD_SPACES


@given(
    st.dictionaries(
        st.sampled_from(["type", "required", "items", "enum", "pattern", "minimum"]),
        made_schemas.scalars
        | st.lists(made_schemas.scalars, max_size=2)
        | st.sampled_from(["string", "(", "a+"]),
    )
)
def test_both_libraries_agree_on_a_schema(schema: Any) -> None:
    """With keywords whose values break the rules of JSON Schema, among others."""
    assert (schema_validator._compile(schema) is not None) is is_schema(schema)


def test_every_format_that_jsonschema_asserts_means_the_same_to_both() -> None:
    """No name that jsonschema knows is left to the other library's own idea of it."""
    known = set(Draft202012Validator.FORMAT_CHECKER.checkers)
    assert known <= set(schema_validator._STANDARD_FORMATS)


@pytest.mark.parametrize("name", schema_validator._STANDARD_FORMATS)
def test_a_format_is_as_strict_as_jsonschema_makes_it(name: str) -> None:
    """Also where a library that jsonschema needs for it is missing, and beneath a `not`."""
    for schema in ({"format": name}, {"not": {"format": name}}):
        check = schema_validator._compile(schema)
        assert check is not None
        for value in ("", "a b", "2026-02-30", "2026-02-28", "::1", "a@b", 5, None):
            assert check(value) is follows(schema, value)


PAGE = dict.fromkeys(("title", "url", "snippet", "query"), "é") | {
    "date": None,
    "last_updated": None,
    "rank": 1,
}
OUTPUT: dict[str, Any] = {
    "results": [PAGE] * 10,
    "queries": [{"query": "é", "count": 10, "id": None, "error": None}],
    "merged": None,
}


def test_a_valid_document_is_not_checked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slower library is asked about invalid documents, and about nothing else."""
    asked: list[Any] = []
    real = schema_validator._field_errors

    def counted(*arguments: Any) -> Any:
        asked.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(schema_validator, "_field_errors", counted)
    file = paths.SCHEMAS / "execute_search.v1.output.schema.json"
    validator = SchemaValidator(json.loads(file.read_text(encoding="utf-8")))
    assert validator.errors(to_json(OUTPUT)) == []
    assert asked == []
    assert validator.errors(to_json(OUTPUT | {"results": 1})) != []
    assert len(asked) == 1


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"pattern": "^(?=b)"}}},  # no linear time
        {"properties": {"a": {"const": "b"}}, "title": "\ud800"},  # no UTF-8
    ],
)
def test_a_schema_for_jsonschema_alone_is_checked_by_it(schema: Any) -> None:
    """A connector may have a rule that the faster library cannot take."""
    validator = SchemaValidator({"type": "object", **schema})
    assert validator.errors(to_json({"a": "b"})) == []
    assert [error.pointer for error in validator.errors(to_json({"a": "c"}))] == ["/a"]


@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef", "$schema", "$id"])
def test_nothing_is_fetched_for_a_schema(
    forbidden_addresses: Sequence[str], keyword: str
) -> None:
    """Neither over HTTP nor from a file, at the root or inside: else the file would forbid the document."""
    for address in forbidden_addresses:
        for inner in ({keyword: address}, {keyword: address, "$id": "https://a.test/"}):
            for schema in (inner, {"properties": {"a": inner}}):
                validator = SchemaValidator({"type": "object", **schema})
                try:
                    assert validator.errors(to_json({"a": 1})) == []
                except ConnectorError as error:
                    assert error.code is ErrorCode.INTERNAL  # noqa: PT017 - some fail, none fetches
