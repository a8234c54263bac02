"""Prepare a flow that the ledger may have, so that it goes on from its step."""

from typing import TYPE_CHECKING, Any

from perplexity_connector.contract import ConnectorError, ErrorCode, Flow
from perplexity_connector.host.flows.checks.checking import Connections, FlowCheck
from perplexity_connector.host.flows.parts import Part, part_of
from perplexity_connector.host.flows.references import Values
from perplexity_connector.host.flows.running.flow_log import begin_flow
from perplexity_connector.host.flows.running.flow_row import FlowRow
from perplexity_connector.host.flows.running.work import FlowWork
from perplexity_connector.host.flows.starting.checked_flow import (
    readable_flow,
    require_valid,
)
from perplexity_connector.host.flows.starting.kept import find_flow, usable
from perplexity_connector.host.flows.starting.recalling import (
    Recalled,
    recall,
    take_over,
)
from perplexity_connector.host.ledger.flow_entries import NewFlow
from perplexity_connector.host.runs.logs.ledger_log import refusing

if TYPE_CHECKING:
    from perplexity_connector.contract import JsonObject
    from perplexity_connector.host.ledger.flow_entries import KnownFlow
    from perplexity_connector.host.ledger.ledger import Ledger


class Resumer:
    """Prepares flows to go on from their step. `_check` finds the errors of their steps."""

    def __init__(self, ledger: "Ledger", check: FlowCheck) -> None:
        """Take no flow over yet."""
        self._ledger = ledger
        self._check = check

    async def resumed(
        self, flow_id: str, connections: Connections, *, is_sandbox: bool
    ) -> FlowWork:
        """Take a flow over, and return the work that is left. Raises as `Host.resume_flow` does."""
        known = await find_flow(self._ledger, flow_id)
        _require_same_provider(known, is_sandbox=is_sandbox)
        if known.status == "succeeded":
            message = "This flow has succeeded, so nothing is left to run."
            raise ConnectorError(ErrorCode.INVALID_INPUT, message)
        flow = readable_flow(known.document or {})
        inputs = known.inputs or {}
        recalled = await recall(self._ledger, known, flow)
        values = Values(outputs=recalled.outputs, inputs=inputs)
        part = _part(flow, known.part)
        require_valid(self._check, flow, part, values, connections)
        known = await take_over(self._ledger, flow_id)
        recalled = await recall(self._ledger, known, flow)
        return _work(flow_id, flow, inputs, known.part, recalled)

    async def of_row(self, flow: Flow, row: FlowRow, *, is_sandbox: bool) -> FlowWork:
        """Return the work that is left of a row's flow, which is begun if it is not known.

        Raises `ConnectorError` (`unavailable`, `cancelled`) if the ledger cannot be written.
        """
        recalled = await self._recall_last(flow, row)
        known = await usable(self._ledger.flow(row.flow_id))
        if known is None:
            new = NewFlow(
                flow_id=row.flow_id,
                document={},  # the job has it, once for all rows
                inputs=row.inputs,
                is_sandbox=is_sandbox,
                row_id=row.row_id,
            )
            kept = list(recalled.records.items())
            await refusing(begin_flow(self._ledger, new, {row.after: kept}))
        else:
            if known.status != "succeeded":
                known = await take_over(self._ledger, row.flow_id, row.claim)
            recalled = (await recall(self._ledger, known, flow)).over(recalled)
        return _work(row.flow_id, flow, row.inputs, None, recalled)

    async def _recall_last(self, flow: Flow, row: FlowRow) -> Recalled:
        """Return the work of the row's last flow, if it goes on from there."""
        if row.after is None:
            return Recalled()
        last = await usable(self._ledger.flow(row.after))
        if last is None:
            return Recalled()
        return (await recall(self._ledger, last, flow)).elsewhere()


def _require_same_provider(known: "KnownFlow", *, is_sandbox: bool) -> None:
    """Raise `ConnectorError` if one record would have invented answers and real ones."""
    if known.is_sandbox == is_sandbox:
        return
    message = "This flow ran with the provider, so it cannot go on with a sandbox."
    if known.is_sandbox:
        message = "This flow ran on a sandbox, so it cannot go on with the provider."
    raise ConnectorError(ErrorCode.INVALID_INPUT, message)


def _part(flow: Flow, part: "JsonObject | None") -> Part:
    names: Any = part or {}
    return part_of(flow, **names)


def _work(
    flow_id: str,
    flow: Flow,
    inputs: "JsonObject",
    part: "JsonObject | None",
    recalled: Recalled,
) -> FlowWork:
    steps = _part(flow, part).steps
    return FlowWork(
        flow_id=flow_id,
        inputs=inputs,
        steps=[step for step in steps if step.id not in recalled.records],
        outputs=recalled.outputs,
        kept=[{"step": step, "stale": False} for step in recalled.records],
        memory=recalled.memory,
        is_announced=True,
    )
