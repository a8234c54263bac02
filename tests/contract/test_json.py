"""JSON of unknown shape, JSON Pointers, and run ids."""

import re
from collections import UserDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_connector.contract import JsonValue
from perplexity_connector.contract.json import (
    child_pointer,
    is_blank,
    list_index,
    load_json,
    new_run_id,
    pointer_tokens,
    value_at,
)
from perplexity_connector.contract.readers import (
    as_int,
    as_list,
    as_number,
    as_object,
    as_objects,
    as_text,
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"<html></html>",
        b"\xff",
        b"NaN",
        b"[Infinity]",
        b'{"a": -Infinity}',
        b"[" * 100_000,
        b"1" * 5000,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_that_is_not_a_json_document_is_a_value_error(body: bytes) -> None:
    """Bad UTF-8, bad JSON, constants that JSON does not have and absurd depth all end the same way."""
    with pytest.raises(ValueError):  # noqa: PT011 - the type is the promise
        load_json(body)


def test_a_json_document_is_its_value() -> None:
    """Any value may be the document."""
    assert load_json(b' {"a": [1, null, "\xc3\xa9"]} ') == {"a": [1, None, "é"]}
    assert load_json(b"null") is None


@pytest.mark.parametrize("value", [None, 1, 1.5, True, "x", [1], {"a": 1}, b"x"])
def test_a_value_of_another_type_reads_as_empty(value: object) -> None:
    """Null, a number instead of a text, a list instead of an object: nothing raises."""
    assert as_object(value) == (value if isinstance(value, dict) else {})
    assert list(as_list(value)) == (value if isinstance(value, list) else [])
    assert as_text(value) == (value if isinstance(value, str) else "")


def test_any_mapping_is_an_object_and_a_tuple_is_a_list() -> None:
    """They are returned as they are."""
    mapping, items = UserDict(a=1), (1, 2)
    assert as_object(mapping) is mapping
    assert as_list(items) is items


def test_other_items_of_a_list_of_objects_are_left_out() -> None:
    """The objects keep their order."""
    assert as_objects([1, {"a": 1}, None, [{}], {}]) == [{"a": 1}, {}]
    assert as_objects({"a": 1}) == []


@pytest.mark.parametrize(
    ("value", "number", "whole"),
    [
        (3, 3, 3),
        (3.0, 3.0, 3),
        (3.5, 3.5, None),
        (-0.0, 0.0, 0),
        (1e300, 1e300, int(1e300)),
        (10**308, 10**308, 10**308),
        (10**400, None, None),
        (-(10**400), None, None),
        (float("nan"), None, None),
        (float("inf"), None, None),
        (True, None, None),
        ("3", None, None),
        (None, None, None),
        ([3], None, None),
    ],
)
def test_a_number_is_within_a_double_and_not_a_boolean(
    value: object, number: float | None, whole: int | None
) -> None:
    """A number that JSON could not write again counts as missing."""
    assert as_number(value) == number
    assert as_int(value) == whole


def test_a_whole_number_is_an_int_even_if_it_was_written_as_a_float() -> None:
    """A number keeps its type."""
    assert type(as_int(3.0)) is int
    assert type(as_number(3.0)) is float
    assert type(as_number(3)) is int


def test_a_lone_surrogate_is_replaced() -> None:
    """Text can always be encoded again."""
    assert as_text("a\ud800b") == "a?b"
    assert as_text("🌙") == "🌙"


@pytest.mark.parametrize(
    ("pointer", "name", "child"),
    [
        ("", 0, "/0"),
        ("/a", "b/c~d", "/a/b~1c~0d"),
        ("/a", "", "/a/"),
        ("", "~1", "/~01"),
    ],
)
def test_a_child_pointer_escapes_the_name(
    pointer: str, name: str | int, child: str
) -> None:
    """As RFC 6901 says, the tilde first."""
    assert child_pointer(pointer, name) == child


@pytest.mark.parametrize(
    ("pointer", "tokens"),
    [
        ("", ()),
        ("/", ("",)),
        ("/a/0", ("a", "0")),
        ("/a//b", ("a", "", "b")),
        ("/b~1c~0d", ("b/c~d",)),
        ("/~01", ("~1",)),
        ("/a\nb", ("a\nb",)),
    ],
)
def test_a_pointer_is_split_into_unescaped_tokens(
    pointer: str, tokens: tuple[str, ...]
) -> None:
    """The empty pointer is the whole document; an empty token is a field with an empty name."""
    assert pointer_tokens(pointer) == tokens


@pytest.mark.parametrize("text", ["results", "/~", "/~2", "/a/~x", "#/a", "a/b"])
def test_text_that_is_not_a_json_pointer_has_no_tokens(text: str) -> None:
    """It has to start with a slash, and a tilde has to be followed by 0 or 1."""
    assert pointer_tokens(text) is None


@given(st.lists(st.text()))
def test_tokens_survive_the_way_to_a_pointer_and_back(names: list[str]) -> None:
    """For any names."""
    pointer = ""
    for name in names:
        pointer = child_pointer(pointer, name)
    assert pointer_tokens(pointer) == tuple(names)


@pytest.mark.parametrize(
    ("token", "index"),
    [
        ("0", 0),
        ("7", 7),
        ("10", 10),
        ("999999999", 999_999_999),
        ("1000000000", None),
        ("", None),
        ("00", None),
        ("01", None),
        ("-1", None),
        ("+1", None),
        ("1.0", None),
        ("1\n", None),
        ("\u0661", None),
        ("-", None),
    ],
)
def test_a_list_index_is_a_short_decimal_without_leading_zeros(
    token: str, index: int | None
) -> None:
    """Anything else that `int` would take is a name."""
    assert list_index(token) == index


DOCUMENT: JsonValue = {"a": [{"b": None}, "text"], "0": {"": 5}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((), DOCUMENT),
        (("a", "0", "b"), None),
        (("a", "1"), "text"),
        (("0", ""), 5),
    ],
)
def test_the_value_at_a_path_is_found(path: tuple[str, ...], value: JsonValue) -> None:
    """In objects by name, in lists by index; a name may look like an index."""
    assert value_at(DOCUMENT, path) == value


@pytest.mark.parametrize(
    "path",
    [
        ("b",),
        ("a", "2"),
        ("a", "-1"),
        ("a", "x"),
        ("a", "1", "0"),
        ("a", "0", "b", "c"),
        ("0", "", "x"),
    ],
)
def test_a_path_to_nothing_is_a_lookup_error(path: tuple[str, ...]) -> None:
    """A missing name, an index out of range, a name in a list, a step into a text, a null or a number."""
    with pytest.raises(LookupError):
        value_at(DOCUMENT, path)


def test_every_run_id_is_new() -> None:
    """128 random bits in hex."""
    ids = {new_run_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(re.fullmatch("run_[0-9a-f]{32}", run_id) for run_id in ids)


@pytest.mark.parametrize(
    "value", [None, "", " ", "\t\n\u00a0\u3000", [], (), {}, UserDict()], ids=repr
)
def test_null_spaces_and_empty_values_are_blank(value: object) -> None:
    """A form leaves them where a value was cleared."""
    assert is_blank(value)


@pytest.mark.parametrize(
    "value", [0, 0.0, False, "0", ".", [None], [""], {"a": None}], ids=repr
)
def test_zero_false_and_anything_with_a_part_are_not_blank(value: object) -> None:
    """Zero and false are values; a blank inside is another question."""
    assert not is_blank(value)
