import json
import math
from pathlib import Path
from typing import Any

import pytest

from perplexity_connector.contract import ConnectorError, ErrorCode, FieldError
from perplexity_connector.host.validation.schema_validator import (
    SchemaValidator,
    invalid_input_error,
    merge_errors,
)
from perplexity_connector.host.validation.to_json import to_json
from tests.host.stage import changed, toy_host

SECRET = "forty-two-swans"


def errors(schema: Any, value: Any) -> dict[str, str]:
    """Pointer and code of each error of a value under the property `x`; no message repeats the value."""
    validator = SchemaValidator({"type": "object", "properties": {"x": schema}})
    found = validator.errors(to_json({"x": value}))
    assert all(
        error.message.endswith(".") and SECRET not in error.message for error in found
    )
    return {error.pointer: error.code for error in found}


@pytest.mark.parametrize(
    ("items", "codes"),
    [
        ([1, 1.0], ["uniqueItems"]),
        ([{"a": 1, "b": [1]}, {"b": [1.0], "a": 1}], ["uniqueItems"]),
        ([1, True, [1], [True], {"a": 0}, {"a": False}, [], {}, "1", None], []),
        ("aa", []),
    ],
)
def test_an_item_is_there_twice_if_it_is_the_same_json(
    items: Any, codes: list[str]
) -> None:
    """The order of members says nothing; a number is not a truth value."""
    unique: Any = {"properties": {"x": {"uniqueItems": True}}, "required": ["missing"]}
    found = SchemaValidator(unique).errors(to_json({"x": items}))
    assert [error.code for error in found if error.pointer == "/x"] == codes


def test_a_long_list_of_objects_is_checked_for_doubles_at_once() -> None:
    """To compare each with each would take minutes."""
    items = [{"a": number} for number in range(20_000)]
    assert errors({"uniqueItems": True, "maxItems": 9}, items) == {"/x": "maxItems"}


@pytest.mark.parametrize(
    ("schema", "value", "code"),
    [
        ({"type": "string"}, 5, "type"),
        ({"type": ["string", "null"]}, 5, "type"),
        ({"enum": ["a", 1, None]}, SECRET, "enum"),
        ({"const": "a"}, SECRET, "const"),
        ({"pattern": "^[0-9]{2}$"}, SECRET, "pattern"),
        ({"minLength": 99}, SECRET, "minLength"),
        ({"minLength": 1}, "", "minLength"),
        ({"maxLength": 1}, SECRET, "maxLength"),
        ({"format": "date"}, "2026-02-30", "format"),
        ({"format": "ipv4"}, SECRET, "format"),
        ({"minItems": 1}, [], "minItems"),
        ({"maxItems": 1}, [SECRET, 2], "maxItems"),
        ({"uniqueItems": True}, [SECRET, SECRET], "uniqueItems"),
        ({"minProperties": 1}, {}, "minProperties"),
        ({"maxProperties": 0}, {"a": SECRET}, "maxProperties"),
        ({"minimum": 2.5}, 1, "minimum"),
        ({"maximum": 0}, 1, "maximum"),
        ({"exclusiveMinimum": 1}, 1, "exclusiveMinimum"),
        ({"exclusiveMaximum": 1}, 1, "exclusiveMaximum"),
        ({"multipleOf": 2}, 1, "multipleOf"),
        ({"not": {}}, SECRET, "not"),
        ({"contains": {"const": 1}}, [SECRET], "contains"),
        ({"oneOf": [{"minLength": 1}, {"minLength": 2}]}, SECRET, "oneOf"),
        (
            {"$ref": "#/properties/x/$defs/a", "$defs": {"a": {"type": "string"}}},
            5,
            "type",
        ),
    ],
)
def test_each_keyword_is_a_code_at_the_field(
    schema: Any, value: Any, code: str
) -> None:
    """With a sentence that mends it and never the value."""
    assert errors(schema, value) == {"/x": code}


def test_the_choices_are_part_of_the_mend() -> None:
    """An author must not have to look them up."""
    validator = SchemaValidator({"enum": ["warm", 1], "type": "object"})
    (error,) = validator.errors(to_json({}))
    assert "warm, 1" in error.message


def test_unknown_and_missing_fields_are_pointed_at_themselves() -> None:
    """Each one once, the names escaped, wherever the object is."""
    schema = {
        "type": "object",
        "properties": {"a": {}, "b": {}, "c": {}},
        "patternProperties": {"^p": {}},
        "additionalProperties": False,
        "required": ["a", "b", "c"],
    }
    assert errors(
        {"items": schema}, [{"c": 1, "p1": 1, "u/1": SECRET, "u~2": SECRET}]
    ) == {
        "/x/0/a": "required",
        "/x/0/b": "required",
        "/x/0/u~11": "unknown_field",
        "/x/0/u~02": "unknown_field",
    }


def test_a_bag_of_anything_of_one_type_names_the_one_that_is_not() -> None:
    """`additionalProperties` as a schema is no unknown field."""
    assert errors({"additionalProperties": {"type": "string"}}, {"a": 1}) == {
        "/x/a": "type"
    }


BRANCHES = [
    {"type": "string", "minLength": 1},
    {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
]


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf"])
@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("", {"/x": "minLength"}),
        ([], {"/x": "minItems"}),
        (["a", "", 5], {"/x/1": "minLength", "/x/2": "type"}),
        (5, {"/x": "type"}),
        (None, {"/x": "type"}),
    ],
)
def test_the_branches_of_a_union_are_folded_to_the_field(
    keyword: str, value: Any, found: dict[str, str]
) -> None:
    """The errors of the branch that takes the type, or one type error if none does."""
    assert errors({keyword: BRANCHES}, value) == found


def test_a_union_inside_a_union_is_folded_too() -> None:
    """A branch without a type takes any; a branch may take several types."""
    inner = {"anyOf": [{"type": ["integer", "null"], "minimum": 3}, {"type": "string"}]}
    assert errors({"anyOf": [inner, {"type": "boolean"}]}, 1) == {"/x": "minimum"}
    assert errors(
        {"anyOf": [{"type": "object", "required": ["a"]}, {"minProperties": 1}, False]},
        {},
    ) == {
        "/x/a": "required",
        "/x": "minProperties",
    }


def test_a_place_where_nothing_may_stand_is_an_error() -> None:
    """A schema that is plain `false` fails without a keyword."""
    assert list(errors(False, SECRET).values()) == ["not"]


@pytest.mark.parametrize("value", [math.nan, math.inf, object(), b"x"])
def test_what_is_no_json_is_one_type_error(value: Any) -> None:
    """Whatever the schema would say about it."""
    assert errors({"type": "number", "multipleOf": 0.1}, value) == {"/x": "type"}


@pytest.mark.parametrize("value", [None, [], "text", 5, math.nan, object()])
def test_an_input_that_is_no_mapping_is_one_type_error_at_the_root(value: Any) -> None:
    """And the connector is not asked."""
    assert [
        (error.pointer, error.code)
        for error in toy_host().validate("toy", "greet", value)
    ] == [("", "type")]


@pytest.mark.parametrize(
    "schema",
    [{"type": "strin"}, {"required": "a"}, {"properties": {"a": {"pattern": "("}}}],
)
def test_a_schema_that_is_none_is_an_internal_error_that_names_the_place(
    tmp_path: Path, schema: Any
) -> None:
    """At the first use of its action, before anything runs; that of the output, too."""
    host = toy_host(manifest=changed(tmp_path, schemas={"count.v1.output": schema}))
    with pytest.raises(ConnectorError) as error:
        host.validate("toy", "count", {})
    assert error.value.code is ErrorCode.INTERNAL


def test_no_reference_is_ever_fetched() -> None:
    """One that leads outside is an internal error."""
    validator = SchemaValidator({"$ref": "https://example.org/schema"})
    with pytest.raises(ConnectorError) as error:
        validator.errors(to_json({}))
    assert error.value.code is ErrorCode.INTERNAL


def found(input: Any) -> list[tuple[str, str]]:
    """What the host says of an input to the toy."""
    return [
        (error.pointer, error.code)
        for error in toy_host().validate("toy", "greet", input)
    ]


def test_a_good_input_has_no_errors() -> None:
    """Both examples of the toy, and a look-alike whole number."""
    assert found({"name": "Ada", "tone": "warm", "times": 2, "also": ["Grace"]}) == []
    assert found({"name": "Ada", "times": 2.0}) == []


def test_the_schema_and_the_connector_are_asked_at_once() -> None:
    """All that is wrong, in one answer."""
    assert sorted(
        found({"name": "Ada", "tone": "cool", "times": 3, "since": "soon", "more": 1})
    ) == [
        ("/more", "unknown_field"),
        ("/since", "format"),
        ("/times", "conflict"),
        ("/tone", "conflict"),
    ]


def test_at_the_same_place_the_connectors_word_wins() -> None:
    """It knows better how to mend it."""
    assert found({"name": "n" * 41}) == [("/name", "long_name")]


def test_names_that_are_no_text_do_not_crash() -> None:
    """They are an error of their object."""
    assert ("", "type") in found({"name": "Ada", 1: 2, None: 3})


def test_an_input_is_not_changed() -> None:
    """Not by the host, and not by a connector, which gets a copy."""
    given = {"name": "Ada", "also": ["Grace"]}
    before = json.dumps(given)
    toy_host().validate("toy", "greet", given)
    assert json.dumps(given) == before


def test_errors_are_field_errors() -> None:
    """The contract's own."""
    assert all(
        isinstance(error, FieldError)
        for error in toy_host().validate("toy", "greet", {})
    )


def test_the_error_of_an_input_leaves_its_fields_to_the_renderer() -> None:
    """The words for people repeat none of them; the developer's message names the places only."""
    fields = [FieldError(pointer="/a", code="type", message="Must be text.")]
    error = invalid_input_error(fields)
    assert (error.code, error.fields) == (ErrorCode.INVALID_INPUT, tuple(fields))
    assert "/a" not in error.user_message
    assert "/a" in error.message
    assert fields[0].message not in error.message + error.user_message


def test_merged_errors_have_one_for_each_place_and_code() -> None:
    """Where both lists have a place, the second one's errors replace the first one's."""

    def error(pointer: str, code: str) -> FieldError:
        return FieldError(pointer=pointer, code=code, message="x")

    first = [error("/a", "type"), error("/b", "required"), error("/b", "required")]
    second = [error("/a", "conflict"), error("/a", "order"), error("/c", "needs")]
    assert merge_errors(first, second) == [error("/b", "required"), *second]
