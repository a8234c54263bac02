"""Blanks of any connector: dropped where its schema refuses them, and nowhere else."""

from typing import Any

import pytest

from perplexity_connector.host.validation.blanks import drop_refused_blanks
from perplexity_connector.host.validation.schema_validator import SchemaValidator
from perplexity_connector.host.validation.to_json import to_json

PLACE: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "minLength": 1}},
    "required": ["city"],
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "size": {"enum": ["s", "l"]},
        "count": {"type": "integer"},
        "note": {"type": ["string", "null"]},
        "tags": {"type": "array", "items": {"type": "string", "minLength": 1}},
        "some": {"type": "array", "minItems": 1},
        "either": {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "minItems": 1},
            ]
        },
        "place": PLACE,
        "free": {"type": "object"},
        "rows": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"a/b": {"type": "integer"}, "c": {"type": "integer"}},
                "required": ["c"],
            },
        },
    },
    "required": ["name"],
}


def dropped(**given: Any) -> tuple[object, list[tuple[str, str]]]:
    """What is left of an input with a good name, and the errors of the rest."""
    check = SchemaValidator(SCHEMA).errors
    kept, errors = drop_refused_blanks(to_json({"name": "A", **given}), check)
    assert isinstance(kept.value, dict)
    left = {name: kept.value[name] for name in kept.value if kept.value[name] != "A"}
    return left, sorted((error.pointer, error.code) for error in errors)


@pytest.mark.parametrize("blank", [None, "", "  ", [], {}], ids=repr)
@pytest.mark.parametrize("name", ["size", "count", "some", "unknown"])
def test_a_blank_that_the_schema_refuses_is_dropped(name: str, blank: object) -> None:
    """A type, a choice, a bound or an unknown field: the reason does not matter."""
    assert dropped(**{name: blank}) == ({}, [])


@pytest.mark.parametrize(
    "given",
    [
        {"note": None},
        {"note": ""},
        {"tags": []},
        {"free": {}},
        {"free": {"a": None, "b": [""], "c": {"d": {}}}},
        {"either": "  "},
    ],
    ids=repr,
)
def test_a_blank_that_the_schema_accepts_stays(given: dict[str, Any]) -> None:
    """Its connector may mean something by it; a free object is the caller's own."""
    assert dropped(**given) == (given, [])


@pytest.mark.parametrize("blank", [None, "", []], ids=repr)
def test_a_blank_of_a_union_is_dropped_if_no_branch_takes_it(blank: object) -> None:
    """As of any other field."""
    assert dropped(either=blank) == ({}, [])


@pytest.mark.parametrize("place", [{}, {"city": ""}, {"city": None}, None], ids=repr)
def test_an_object_without_its_required_members_is_dropped_if_it_is_empty(
    place: Any,
) -> None:
    """A form that was cleared leaves it; one with a blank that is required is refused."""
    expected: Any = [("/place/city", "minLength"), ("/place/city", "type")]
    left, errors = dropped(place=place)
    if place in ({}, None):
        assert (left, errors) == ({}, [])
    else:
        assert (left, errors) == ({"place": place}, [expected[place["city"] is None]])


def test_items_of_lists_stay() -> None:
    """Their place counts; a blank member of an item goes."""
    left, errors = dropped(tags=["a", "", None], rows=[{"a/b": None, "c": 1}, {}, None])
    assert left == {"tags": ["a", "", None], "rows": [{"c": 1}, {}, None]}
    assert errors == [
        ("/rows/1/c", "required"),
        ("/rows/2", "type"),
        ("/tags/1", "minLength"),
        ("/tags/2", "type"),
    ]


@pytest.mark.parametrize(
    ("name", "code"), [(None, "type"), ("", "minLength"), ({}, "type")]
)
def test_a_required_blank_is_refused_and_the_others_go(name: object, code: str) -> None:
    """At its own place, for its own reason."""
    left, errors = dropped(name=name, size="", count=None)
    assert (left, errors) == ({"name": name}, [("/name", code)])


def test_a_value_that_is_not_json_is_not_blank() -> None:
    """It is copied as null, and its error stays."""
    _, errors = dropped(count=object(), place={"city": "x", "more": object()})
    assert errors == [("/count", "type"), ("/place/more", "type")]
    _, errors = dropped(place={"city": object()})
    assert errors == [("/place/city", "type")]
