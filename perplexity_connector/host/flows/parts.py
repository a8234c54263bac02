"""Find the steps of a flow that run: all of them, only one, or those from one on."""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from perplexity_connector.contract import FieldError, Flow, FlowStep


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a flow.

    * `before`: the steps before it, whose outputs of before are used.
    * `steps`: the steps that run.
    """

    before: Sequence[FlowStep]
    steps: Sequence[FlowStep]


def part_of(flow: Flow, only: str | None = None, from_step: str | None = None) -> Part:
    """Return the part of a flow that runs; the whole flow if nothing is named.

    Raises `ConnectorError` (`invalid_input`) for an unknown step, and for both names.
    """
    raise NotImplementedError


def needed_steps(part: Part) -> Sequence[str]:
    """Return the ids of the earlier steps that a part refers to, in the order of the flow."""
    raise NotImplementedError


def missing_outputs(
    part: Part, outputs: Container[str]
) -> list[tuple[FlowStep, FieldError]]:
    """Return an error (`no_output`) for each binding that needs an output of before that is not there."""
    raise NotImplementedError
