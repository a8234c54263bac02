from dataclasses import replace
from typing import Any

import pytest

from perplexity_connector.contract import (
    EachOfInput,
    EachOfStep,
    Flow,
    FlowStep,
    InputReference,
    Reference,
)
from perplexity_connector.host.flows.stale import stale_steps


def step(id: str, *references: Any, **fields: Any) -> FlowStep:
    """A step with one binding for each reference."""
    bindings = {f"/{number}": [one] for number, one in enumerate(references)}
    values = {"connector": "toy", "action": "greet", "input": {}, **fields}
    return FlowStep(id=id, bindings=bindings, **values)


A = step("a", InputReference(input="/x"))
B = step("b", each=EachOfStep(step="a", pointer="/items"))
C = step("c", Reference(step="b", pointer=""), "text")
D = step("d", each=EachOfInput(input="/y/0"))
STEPS = [A, B, C, D]
INPUTS: dict[str, Any] = {"x": 1, "y": [[2]], "z": 3}


def stale(steps: list[FlowStep] = STEPS, inputs: dict[str, Any] = INPUTS) -> set[str]:
    """The steps whose outputs of the flow above are stale."""
    now, then = (Flow(flow_version=2, steps=each) for each in (steps, STEPS))
    return set(stale_steps(now, inputs, then, INPUTS))


def test_the_same_flow_with_the_same_inputs_has_no_stale_output() -> None:
    """Nor one whose connections or `on_failure` have changed."""
    assert stale() == set()
    other = [replace(one, connection="Mine", on_failure="continue") for one in STEPS]
    assert stale(other) == set()


@pytest.mark.parametrize(
    ("number", "change", "found"),
    [
        (0, {"input": {"name": "B"}}, "abc"),
        (0, {"action": "count"}, "abc"),
        (1, {"each": EachOfStep(step="a", pointer="/items", max=3)}, "bc"),
        (2, {"bindings": {"/0": ["text"]}}, "c"),
        (2, {"version": 2}, "c"),
        (3, {"id": "e"}, "e"),
    ],
)
def test_a_step_that_has_changed_makes_all_stale_that_refer_to_it(
    number: int, change: dict[str, Any], found: str
) -> None:
    """The others are as they were."""
    steps = [*STEPS]
    steps[number] = replace(steps[number], **change)
    assert stale(steps) == set(found)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"x": 2}, "abc"),
        ({"x": True}, "abc"),
        ({"x": None}, "abc"),
        ({"y": [[3]]}, "d"),
        ({"y": []}, "d"),
        ({"z": 4}, ""),
    ],
)
def test_another_input_value_makes_stale_what_refers_to_it(
    change: dict[str, Any], found: str
) -> None:
    """As JSON: 1 is not true."""
    assert stale(inputs=INPUTS | change) == set(found)


def test_a_definition_is_compared_as_json() -> None:
    """In Python, 1 is equal to true."""
    steps = [replace(D, input={"n": True})]
    old = Flow(flow_version=2, steps=[replace(D, input={"n": 1})])
    new = Flow(flow_version=2, steps=steps)
    assert set(stale_steps(new, INPUTS, old, INPUTS)) == {"d"}
