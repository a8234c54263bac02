from typing import Any

import pytest

from perplexity_connector.contract import (
    ConnectorError,
    EachOfStep,
    ErrorCode,
    Flow,
    FlowStep,
    Reference,
)
from perplexity_connector.host.flows.parts import (
    missing_outputs,
    needed_steps,
    part_of,
)


def step(id: str, *references: Reference, each: str = "") -> FlowStep:
    """A step with one binding for each reference."""
    return FlowStep(
        id=id,
        connector="",
        action="",
        input={},
        bindings={f"/{number}": [one] for number, one in enumerate(references)},
        each=EachOfStep(step=each, pointer="") if each else None,
    )


def ref(step: str, **fields: Any) -> Reference:
    """A reference to all of a step's output."""
    return Reference(step=step, pointer="", **fields)


FLOW = Flow(
    flow_version=2,
    steps=[
        step("a"),
        step("b"),
        step("c", ref("a"), ref("b", default=1)),
        step("d", ref("c"), ref("a"), each="b"),
    ],
)


@pytest.mark.parametrize(
    ("names", "before", "steps"),
    [
        ({}, "", "abcd"),
        ({"only": "a"}, "", "a"),
        ({"only": "c"}, "ab", "c"),
        ({"from_step": "a"}, "", "abcd"),
        ({"from_step": "c"}, "ab", "cd"),
    ],
)
def test_a_part_is_all_steps_or_one_or_those_from_one_on(
    names: dict[str, str], before: str, steps: str
) -> None:
    """The steps before it have to be there already."""
    part = part_of(FLOW, **names)
    assert "".join(step.id for step in part.before) == before
    assert "".join(step.id for step in part.steps) == steps


@pytest.mark.parametrize(
    "names", [{"only": "x"}, {"from_step": "x"}, {"only": "a", "from_step": "a"}]
)
def test_an_unknown_step_and_two_parts_are_refused(names: dict[str, str]) -> None:
    """Before anything is looked at."""
    with pytest.raises(ConnectorError) as caught:
        part_of(FLOW, **names)
    assert caught.value.code is ErrorCode.INVALID_INPUT


def test_a_part_needs_the_outputs_of_before_that_it_refers_to() -> None:
    """One with a default may be missing; an output of the part itself comes with it."""
    only_d, from_c = part_of(FLOW, only="d"), part_of(FLOW, from_step="c")
    assert needed_steps(only_d) == ["a", "b", "c"]
    assert needed_steps(from_c) == ["a", "b"]

    def missing(part: Any, *outputs: str) -> list[tuple[str, str, str]]:
        found = missing_outputs(part, outputs)
        return [(step.id, error.pointer, error.code) for step, error in found]

    assert missing(only_d, "a", "b", "c") == []
    assert missing(only_d, "b") == [("d", "/0", "no_output"), ("d", "/1", "no_output")]
    assert missing(from_c, "a") == [("d", "", "no_output")]
