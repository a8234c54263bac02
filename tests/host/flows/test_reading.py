from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplexity_connector.contract import (
    ABSENT,
    EachOfInput,
    EachOfStep,
    InputReference,
    ItemReference,
    Reference,
)
from perplexity_connector.contract.json import child_pointer, pointer_tokens
from perplexity_connector.host.flows.reading import read_flow

STEP: dict[str, Any] = {"id": "a", "connector": "toy", "action": "greet", "input": {}}
OBJECT = {"type": "object"}


def flow(*steps: dict[str, Any], **fields: Any) -> Any:
    """A saved flow of version 2."""
    return {"flow_version": 2, "steps": list(steps), **fields}


def bound(*parts: Any) -> dict[str, Any]:
    """A step with one binding."""
    return STEP | {"bindings": {"/b": list(parts)}}


def found(document: Any) -> list[tuple[str, str]]:
    """The errors of a flow, without the words."""
    _, errors = read_flow(document)
    return [(error.pointer, error.code) for error in errors]


def test_each_part_of_a_flow_is_read_as_the_kind_that_it_is() -> None:
    """Null is a default; one that is left out is none."""
    step = bound(
        "text",
        {"step": "s", "pointer": "/p", "pluck": "/q", "join": "\n"},
        {"input": "/i", "default": None},
        {"item": ""},
    )
    flow_of_two, errors = read_flow(
        flow(
            step | {"each": {"step": "s", "pointer": "/p", "max": 3}},
            STEP | {"id": "b", "each": {"input": "/i", "on_failure": "continue"}},
            inputs=OBJECT,
        )
    )
    one, two = flow_of_two.steps
    assert errors == []
    assert one.bindings["/b"] == [
        "text",
        Reference(step="s", pointer="/p", pluck="/q", join="\n"),
        InputReference(input="/i", default=None),
        ItemReference(item=""),
    ]
    assert ItemReference(item="").default is ABSENT
    assert one.each == EachOfStep(step="s", pointer="/p", max=3)
    assert two.each == EachOfInput(input="/i", on_failure="continue")
    assert flow_of_two.inputs == OBJECT
    assert flow_of_two.flow_version == 2


@pytest.mark.parametrize(
    ("fields", "places"),
    [
        ({"inputs": OBJECT}, ["/inputs"]),
        ({"steps": [STEP | {"each": {"input": ""}}]}, ["/steps/0/each"]),
        ({"steps": [STEP | {"on_failure": "stop"}]}, ["/steps/0/on_failure"]),
        ({"steps": [bound("x", {"input": ""})]}, ["/steps/0/bindings/~1b/1"]),
        ({"steps": [bound({"item": "", "join": ""})]}, ["/steps/0/bindings/~1b/0"]),
        *(
            (
                {"steps": [bound({"step": "a", "pointer": "", name: ""})]},
                [f"/steps/0/bindings/~1b/0/{name}"],
            )
            for name in ("pluck", "join", "default")
        ),
    ],
)
def test_a_flow_of_version_1_has_nothing_of_version_2(
    fields: dict[str, Any], places: list[str]
) -> None:
    """Each is an error at its place, and goes with version 2."""
    old = flow() | fields | {"flow_version": 1}
    assert found(old) == [(place, "flow_version") for place in places]
    assert found(old | {"flow_version": 2}) == []


@pytest.mark.parametrize(
    ("part", "errors"),
    [
        (1, [("", "type")]),
        ({}, [("/step", "required"), ("/pointer", "required")]),
        ({"step": "a"}, [("/pointer", "required")]),
        ({"input": 1}, [("/input", "type")]),
        ({"input": "", "step": "a"}, [("/step", "unknown_field")]),
        ({"item": "", "pluck": 1}, [("/pluck", "type")]),
    ],
)
def test_a_wrong_reference_has_the_errors_of_its_own_kind(
    part: Any, errors: list[tuple[str, str]]
) -> None:
    """Not those of every kind."""
    base = "/steps/0/bindings/~1b/0"
    assert found(flow(bound(part))) == [(base + at, code) for at, code in errors]


@pytest.mark.parametrize(
    ("each", "errors"),
    [
        (None, []),
        (1, [("", "type")]),
        ({}, [("/step", "required"), ("/pointer", "required")]),
        ({"input": "", "max": 0}, [("/max", "minimum")]),
        ({"input": "", "max": 1}, []),
        ({"step": "a", "pointer": "", "max": 1000}, []),
        ({"step": "a", "pointer": "", "max": 1001}, [("/max", "maximum")]),
        ({"input": "", "on_failure": "go"}, [("/on_failure", "enum")]),
        ({"input": "", "each": {}}, [("/each", "unknown_field")]),
        ({"input": "x"}, [("/input", "format")]),
        ({"step": "a", "pointer": "x"}, [("/pointer", "format")]),
    ],
)
def test_the_each_of_a_step_is_checked(
    each: Any, errors: list[tuple[str, str]]
) -> None:
    """Its errors lead into the flow."""
    base = "/steps/0/each"
    document = flow(STEP | {"each": each}, inputs=OBJECT)
    assert found(document) == [(base + at, code) for at, code in errors]


@pytest.mark.parametrize("pointer", ["results", "/~", "/~2", "/a/~x", "#/a"])
def test_text_that_is_not_a_json_pointer_is_named_at_its_place(pointer: str) -> None:
    """As a target, and in a reference of any kind."""
    assert pointer_tokens(pointer) is None
    target = STEP | {"bindings": {pointer: ["x"]}}
    assert found(flow(target)) == [
        (child_pointer("/steps/0/bindings", pointer), "format")
    ]
    for part, name in (
        ({"step": "a", "pointer": pointer}, "pointer"),
        ({"input": pointer}, "input"),
        ({"item": pointer}, "item"),
        ({"item": "", "pluck": pointer}, "pluck"),
    ):
        place = f"/steps/0/bindings/~1b/1/{name}"
        assert found(flow(bound("x", part))) == [(place, "format")]


@pytest.mark.parametrize(
    ("schema", "errors"),
    [
        (OBJECT, []),
        ({"type": "object", "properties": {"a": {"pattern": "(?=x)"}}}, []),
        ({}, [("/type", "const")]),
        ({"type": "array"}, [("/type", "const")]),
        ({"type": "thing"}, [("/type", "enum")]),
        (
            {"type": "object", "properties": {"a": 3, "b": {"pattern": "("}}},
            [("/properties/a", "type"), ("/properties/b/pattern", "format")],
        ),
        ({"type": "object", "$ref": "#/$defs/none"}, [("", "not_found")]),
        ({"type": "object", "$ref": "https://example.org/a"}, [("", "not_found")]),
    ],
)
def test_the_inputs_of_a_flow_are_a_json_schema_of_an_object(
    schema: Any, errors: list[tuple[str, str]]
) -> None:
    """Its errors are below `/inputs`."""
    expected = [(f"/inputs{at}", code) for at, code in errors]
    assert sorted(found(flow(inputs=schema))) == sorted(expected)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["step", "pointer", "input", "item", "pluck", "/b", "max"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(PLAIN, PLAIN, PLAIN)
def test_any_json_is_read_or_has_errors(inputs: Any, each: Any, bindings: Any) -> None:
    """Nothing raises, and each error leads into the flow."""
    step = STEP | {"each": each, "bindings": bindings}
    flow_read, errors = read_flow(flow(step, inputs=inputs))
    assert errors or flow_read.steps
    assert all(pointer_tokens(error.pointer) is not None for error in errors)
