"""Check that a flow may run as it is asked for, before anything is sent."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from perplexity_connector.contract import Flow, FlowStep, JsonObject
from perplexity_connector.host.flows.checks.checking import (
    Connections,
    FlowCheck,
    errors_in_flow,
)
from perplexity_connector.host.flows.inputs import InputForm
from perplexity_connector.host.flows.params import FlowOptions
from perplexity_connector.host.flows.parts import (
    Part,
    missing_outputs,
    needed_steps,
    part_of,
)
from perplexity_connector.host.flows.reading import read_flow
from perplexity_connector.host.flows.references import Values
from perplexity_connector.host.flows.starting.kept import (
    Kept,
    given_outputs,
    outputs_of_flow,
)
from perplexity_connector.host.flows.starting.options import plain_outputs
from perplexity_connector.host.validation.schema_validator import invalid_input_error
from perplexity_connector.host.validation.to_json import to_json

if TYPE_CHECKING:
    from perplexity_connector.contract import KeptStepDocument
    from perplexity_connector.host.ledger.ledger import Ledger

# An option of these asks for a part of a flow.
_OF_A_PART = ("only", "from_step", "outputs")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFlow:
    """A flow that may run.

    * `document`: the flow as it was given, as plain JSON.
    * `part`: its steps that run, and those before.
    * `inputs`: the values of its inputs.
    * `kept`: the kept outputs.
    * `is_new`: whether its stream may have the items that version 1 did not have.
    """

    document: JsonObject = field(repr=False)
    flow: Flow
    part: Part
    inputs: JsonObject = field(repr=False)
    kept: Kept
    is_new: bool

    @property
    def known(self) -> Values:
        """The values that are known before a step has run."""
        return Values(outputs=self.kept.outputs, inputs=self.inputs)

    def kept_steps(self) -> "list[KeptStepDocument]":
        """Return the steps whose kept outputs are used."""
        return [
            {"step": step, "stale": step in self.kept.stale}
            for step in needed_steps(self.part)
            if step in self.kept.records
        ]


async def check_flow(
    check: FlowCheck,
    ledger: "Ledger | None",
    document: JsonObject,
    options: FlowOptions,
) -> CheckedFlow:
    """Return a flow that may run. Raises `ConnectorError` as `Host.stream_flow` does."""
    flow = readable_flow(document)
    inputs, errors = InputForm(flow).prepare(options.get("inputs"))
    if errors:
        raise invalid_input_error(errors, "The input of the flow")
    part = part_of(flow, options.get("only"), options.get("from_step"))
    kept = await _find_kept(ledger, part.before, flow, inputs, options)
    checked = CheckedFlow(
        document=cast("JsonObject", to_json(document).value),
        flow=flow,
        part=part,
        inputs=inputs,
        kept=kept,
        is_new=flow.flow_version > 1
        or any(options.get(name) is not None for name in _OF_A_PART),
    )
    connections = options.get("connections") or {}
    require_valid(check, flow, part, checked.known, connections)
    return checked


def readable_flow(document: JsonObject) -> Flow:
    """Read a flow. Raises `ConnectorError` (`invalid_input`)."""
    flow, errors = read_flow(document)
    if errors:
        raise invalid_input_error(errors, "The flow")
    return flow


def require_valid(
    check: FlowCheck, flow: Flow, part: Part, known: Values, connections: Connections
) -> None:
    """Raise `ConnectorError` (`invalid_input`) if a step that runs has an error."""
    problems = [
        *check.problems(flow, part, known, connections),
        *missing_outputs(part, known.outputs),
    ]
    if problems:
        raise invalid_input_error(errors_in_flow(flow, problems), "The flow")


async def _find_kept(
    ledger: "Ledger | None",
    before: Sequence[FlowStep],
    flow: Flow,
    inputs: JsonObject,
    options: FlowOptions,
) -> Kept:
    given = options.get("outputs")
    if given is None:
        return Kept()
    if isinstance(given, str):
        return await outputs_of_flow(ledger, given, before, flow, inputs)
    return given_outputs(before, plain_outputs(given))
