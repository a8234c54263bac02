import json
import math
from collections import UserDict
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_connector.contract import EventType
from perplexity_connector.host.validation import to_json as room
from perplexity_connector.host.validation.to_json import to_json


def test_plain_json_is_copied_deeply() -> None:
    """Equal, and sharing nothing."""
    original = {"a": [1, 2.5, True, None, "é"], "b": {"c": []}}
    copied: Any = to_json(original)
    assert (copied.value, copied.errors) == (original, [])
    copied.value["a"].append(3)
    assert len(original["a"]) == 5


def test_any_mapping_and_tuples_become_plain() -> None:
    """So that a schema sees objects and lists."""
    assert to_json(MappingProxyType({"a": (1, UserDict(b=2))})).value == {
        "a": [1, {"b": 2}]
    }


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, object(), {1}, b"x", 1j, "\ud800", 10**400]
)
def test_what_is_no_json_becomes_null_and_an_error(value: object) -> None:
    """At its own place."""
    copied = to_json({"a": [value]})
    assert copied.value == {"a": [None]}
    assert [(error.pointer, error.code) for error in copied.errors] == [
        ("/a/0", "type")
    ]


@pytest.mark.parametrize("name", [1, None, ("a",), "\ud800"])
def test_a_name_that_is_no_text_is_left_out_and_an_error(name: Any) -> None:
    """At the object that has it."""
    copied = to_json({"a": {name: 1, "b": 2}})
    assert copied.value == {"a": {"b": 2}}
    assert [error.pointer for error in copied.errors] == ["/a"]


def test_what_holds_itself_or_is_too_deep_ends_somewhere() -> None:
    """With an error, and not with the interpreter's patience."""
    ring: list[Any] = []
    ring.append(ring)
    copied = to_json(ring)
    assert len(copied.errors) == 1
    json.dumps(copied.value)


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda part: (
        st.lists(part, max_size=4)
        | st.dictionaries(st.text(st.characters(), max_size=3), part, max_size=4)
    ),
)


@given(json_like)
def test_the_quick_way_and_the_slow_one_copy_alike(value: object) -> None:
    """The slow one keeps account of the places; it is taken where there is something to say."""
    copier = room._Copier()
    slow = copier.copy(value, "", 0)
    assert to_json(value) == room.Normalized(value=slow, errors=copier.errors)


class Text(str):
    """A text that is more than one."""

    __slots__ = ()


def test_kinds_of_text_and_numbers_are_copied_as_they_are() -> None:
    """An enumeration's member is the text that it stands for."""
    document = {"a": [Text("b"), EventType.STATUS, None, True]}
    assert to_json(document).value == {"a": ["b", "status", None, True]}


def test_the_texts_of_an_object_are_copied_without_a_call_for_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nearly all of an answer is texts."""
    copied: list[object] = []
    copy_plain = room._copy_plain

    def counted(value: object, depth: int) -> Any:
        copied.append(value)
        return copy_plain(value, depth)

    monkeypatch.setattr(room, "_copy_plain", counted)
    document = {"pages": [{str(name): "text" for name in range(50)}] * 2}
    assert to_json(document) == room.Normalized(value=document, errors=[])
    assert copied == [document, document["pages"], *document["pages"]]
