"""Find the steps of a flow that run: all of them, only one, or those from one on."""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from perplexity_connector.contract import (
    ConnectorError,
    ErrorCode,
    FieldError,
    Flow,
    FlowStep,
)
from perplexity_connector.contract.near_matches import unknown_name
from perplexity_connector.host.flows.references import steps_needed, steps_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a flow.

    * `before`: the steps before it, whose kept outputs are used.
    * `steps`: the steps that run.
    """

    before: Sequence[FlowStep]
    steps: Sequence[FlowStep]


def part_of(flow: Flow, only: str | None = None, from_step: str | None = None) -> Part:
    """Return the part of a flow that runs; the whole flow if nothing is named.

    Raises `ConnectorError` (`invalid_input`) for an unknown step, and for both names.
    """
    if only is not None and from_step is not None:
        message = "Give `only` or `from_step`, not both."
        raise ConnectorError(ErrorCode.INVALID_INPUT, message)
    if only is not None:
        index = _index(flow, only)
        return Part(before=flow.steps[:index], steps=flow.steps[index : index + 1])
    index = 0 if from_step is None else _index(flow, from_step)
    return Part(before=flow.steps[:index], steps=flow.steps[index:])


def needed_steps(part: Part) -> Sequence[str]:
    """Return the ids of the steps before a part that it refers to, in the order of the flow."""
    needed = {source for step in part.steps for source in steps_of(step)}
    return [step.id for step in part.before if step.id in needed]


def missing_outputs(
    part: Part, outputs: Container[str]
) -> list[tuple[FlowStep, FieldError]]:
    """Return an error (`no_output`) for each binding that needs a kept output that is not there.

    Its pointer is the target of the binding; it is empty for the list of an `each`.
    """
    before = {step.id for step in part.before}
    return [
        (step, _no_output(target, source))
        for step in part.steps
        for source, target in dict.fromkeys(steps_needed(step))
        if source in before and source not in outputs
    ]


def _no_output(target: str, source: str) -> FieldError:
    message = f"Needs the output of the step {source!r}, which has not run. Run the flow from that step."
    return FieldError(pointer=target, code="no_output", message=message)


def _index(flow: Flow, step_id: str) -> int:
    ids = [step.id for step in flow.steps]
    if step_id not in ids:
        message = unknown_name(f"step {step_id!r}", step_id, ids)
        raise ConnectorError(ErrorCode.INVALID_INPUT, message)
    return ids.index(step_id)
