from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_connector.contract import Binding, FlowStep, Reference
from perplexity_connector.contract.json import child_pointer, pointer_tokens, value_at
from perplexity_connector.host.flows.bindings import (
    apply_bindings,
    apply_values,
    binding_value,
    target_errors,
)
from perplexity_connector.host.flows.references import Values

OUTPUTS: dict[str, Any] = {
    "search": {
        "results": [{"title": "Möön", "date": None, "rank": 1, "tags": ["a", "b"]}],
        "a/b": {"m~n": True},
        "": 0,
    }
}
VALUES = Values(outputs=OUTPUTS)


def ref(pointer: str, step: str = "search") -> Reference:
    """A reference into the outputs above."""
    return Reference(step=step, pointer=pointer)


def step(bindings: dict[str, Binding], input: dict[str, Any] | None = None) -> FlowStep:
    """A step named `ask` with these bindings."""
    return FlowStep(
        id="ask", connector="toy", action="greet", input=input or {}, bindings=bindings
    )


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", OUTPUTS["search"]),
        ("/results/0/rank", 1),
        ("/results/0/date", None),
        ("/results/0/tags", ["a", "b"]),
        ("/a~1b/m~0n", True),
        ("/", 0),
    ],
)
def test_a_lone_reference_keeps_the_type_of_its_value(
    pointer: str, value: object
) -> None:
    """As RFC 6901 leads to it, escapes and the empty name included."""
    assert binding_value([ref(pointer)], VALUES) == value


def test_several_parts_join_as_text() -> None:
    """Null is nothing; what is no text is compact JSON, its characters as they are."""
    parts: Any = [
        "<",
        ref("/results/0/title"),
        "|",
        ref("/results/0/date"),
        "|",
        ref("/results/0/tags"),
        "|",
    ]
    assert (
        binding_value([*parts, ref("/results/0/rank"), ref("/a~1b/m~0n")], VALUES)
        == '<Möön||["a","b"]|1true'
    )
    assert binding_value([ref("/results/0/rank"), ""], VALUES) == "1"


def test_lone_text_is_itself() -> None:
    """It needs no step."""
    assert binding_value(["just this"], Values()) == "just this"


@pytest.mark.parametrize(
    "pointer",
    [
        "/results/1",
        "/results/-",
        "/results/01",
        "/results/x",
        "/results/-1",
        "/none",
        "/results/0/title/0",
    ],
)
def test_a_pointer_that_finds_nothing_is_an_error_at_the_bound_place(
    pointer: str,
) -> None:
    """The other places are filled all the same."""
    document, errors = apply_bindings(
        step({"/a": [ref(pointer)], "/b": ["text"]}), VALUES, {}
    )
    assert [(error.pointer, error.code) for error in errors] == [("/a", "no_value")]
    assert document == {"b": "text"}


def test_a_place_may_be_in_a_list_that_is_not_there_yet() -> None:
    """Whatever the order in which the places are named; the original is left as it was."""
    given = {"messages": [{"role": "user"}]}
    document, errors = apply_values(
        given,
        {"/messages/1/content": "b", "/messages/0/content": "a", "/more/0/1": "?"},
    )
    assert document == {
        "messages": [{"role": "user", "content": "a"}, {"content": "b"}]
    }
    assert [(error.pointer, error.code) for error in errors] == [
        ("/more/0/1", "no_place")
    ]
    assert given == {"messages": [{"role": "user"}]}
    assert apply_values(
        {}, {"/messages/10": 10, **{f"/messages/{n}": n for n in range(10)}}
    )[0] == {"messages": list(range(11))}


def test_what_stands_at_a_place_makes_way() -> None:
    """Null on the way makes way too; a number can be a name."""
    document, errors = apply_values(
        {"a": 1, "b": None, "c": {"0": 1}, "d": [1, 2]},
        {"/a": 2, "/b/x": 3, "/c/0": 4, "/d/1": 5},
    )
    assert document == {"a": 2, "b": {"x": 3}, "c": {"0": 4}, "d": [1, 5]}
    assert errors == []
    assert apply_values({"a": 1}, {"": [2]}) == ([2], [])


@pytest.mark.parametrize(
    "place", ["/text/inner", "/list/3", "/list/-", "/list/name", "/number/0"]
)
def test_a_place_that_cannot_be_reached_is_an_error(place: str) -> None:
    """Nothing is bent to make it fit."""
    given: Any = {"text": "x", "list": [1, 2], "number": 3}
    document, errors = apply_values(given, {place: "new"})
    assert [(error.pointer, error.code) for error in errors] == [(place, "no_place")]
    assert document == given


def test_a_binding_without_parts_is_an_error() -> None:
    """At its target."""
    errors = target_errors(step({"/a": [], "/b": ["x"]}))
    assert [(error.pointer, error.code) for error in errors] == [("/a", "minItems")]


def test_a_place_inside_another_bound_place_is_a_conflict_at_both() -> None:
    """Neither could be said to win; places that only begin alike are apart."""
    bindings: dict[str, Binding] = {"/a": ["x"], "/a/b": ["y"], "/ab": ["z"]}
    assert [(error.pointer, error.code) for error in target_errors(step(bindings))] == [
        ("/a", "conflict"),
        ("/a/b", "conflict"),
    ]
    assert len(target_errors(step({"": ["x"], "/a": ["y"]}))) == 2


@given(
    st.lists(
        st.text().filter(lambda name: not name.isdigit()) | st.just("0"), max_size=6
    )
)
def test_what_was_put_at_a_pointer_is_found_there(path: list[str]) -> None:
    """Whatever the names hold."""
    pointer = ""
    for name in path:
        pointer = child_pointer(pointer, name)
    assert pointer_tokens(pointer) == tuple(path)
    document, errors = apply_values({} if path[:1] != ["0"] else [], {pointer: "there"})  # type: ignore[arg-type]
    assert errors == []
    assert value_at(document, tuple(path)) == "there"


@pytest.mark.parametrize(
    ("binding", "value"),
    [
        (['["a", "b"]'], ["a", "b"]),
        ([ref("/results/0/listed")], ["a", "b"]),
        ([ref("/results/0/title")], "Möön"),
        (["[", '"a"]'], '["a"]'),
        ([ref("/results/0/tags")], ["a", "b"]),
    ],
)
def test_a_lone_text_is_read_where_its_target_takes_a_list(
    binding: Binding, value: object
) -> None:
    """As over every door that has only text. Joined parts are text."""
    outputs: Any = {
        "search": {
            "results": [{**OUTPUTS["search"]["results"][0], "listed": '["a", "b"]'}]
        }
    }
    names = {"type": "array", "items": {"type": "string"}}
    schema: Any = {"properties": {"query": {"anyOf": [{"type": "string"}, names]}}}
    bound, _ = apply_bindings(
        step({"/query": binding}), Values(outputs=outputs), schema
    )
    assert bound == {"query": value}
