"""A flow that runs for one row: its outputs and costs so far, and the envelope of the row."""

from typing import TYPE_CHECKING, Any, cast

from perplexity_connector.contract import (
    ActionResult,
    ConnectorError,
    ErrorCode,
    JsonObject,
    JsonValue,
)
from perplexity_connector.host.ledger.entries import ENDED
from perplexity_connector.host.ledger.flow_entries import WHOLE
from perplexity_connector.host.runs.record import RunRecord
from perplexity_connector.host.spending.money import NANO, cost_of

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        EnvelopeDocument,
        FlowItem,
        RunStatusName,
    )
    from perplexity_connector.host.ledger.flow_entries import KnownFlow, KnownStep
    from perplexity_connector.host.tables.rows.flow_logs import FlowRowLog


class RowFlow:
    """The items of a flow that runs for a row, added up.

    * `_before`: the earlier flow of the row, which goes on, or whose outputs are kept; None without one.
    * `_outputs`: those of the steps that succeeded, by id.
    * `_cost`: nano-USD of all its runs; None if that of one is not known.
    * `_paid`: the runs of an earlier process that are in it already.
    * `_each`: the steps that run for each item of a list: their items have the costs.
    * `_status`: how it ended; None if it has not.
    * `_last`: the envelope of the last step that ended.
    """

    def __init__(
        self, log: "FlowRowLog", before: "KnownFlow | None", *, is_same: bool
    ) -> None:
        """Begin with the earlier runs. They are in the cost only if the same flow goes on."""
        self._log = log
        self._before = {
            step.step: step.record
            for step in (before.steps if before else ())
            if step.item == WHOLE and step.record is not None
        }
        runs = before.steps if before and is_same else ()
        is_known = all(_has_cost(step) for step in runs)
        known = before.cost or 0 if before and is_same else 0
        self._cost: int | None = known if is_known else None
        self._paid = {step.run_id for step in runs if step.run_state in ENDED}
        self._outputs: dict[str, JsonValue] = {}
        self._each: set[str] = set()
        self._status: RunStatusName | None = None
        self._last: EnvelopeDocument | None = None

    def take(self, item: "FlowItem") -> None:
        """Add an item of the flow."""
        match item["type"]:
            case "flow.started":
                for kept in item["kept"]:
                    self._outputs[kept["step"]] = self._before[kept["step"]]["output"]
            case "step.started":
                self._each |= {item["step"]} if "items" in item else set()
            case "item.finished":
                self._run_ended(item["envelope"])
            case "step.finished":
                self._step_ended(item["step"], item["envelope"])
            case "flow.finished":
                self._status = item["status"]
            case _:
                pass

    def envelope(self, record: RunRecord) -> "EnvelopeDocument":
        """Return the envelope of the row."""
        last = self._last
        usage: JsonObject = {}
        if self._cost is not None:
            usage = {"cost": {"total_cost": self._cost / NANO, "currency": "USD"}}
        summary = last["summary"] if last else ""
        record.attempts = 1
        record.result = ActionResult(output={}, summary=summary, usage=usage)
        if self._status == "succeeded":
            return record.success_envelope(self._outputs)
        return self._failure(record, usage)

    def _failure(self, record: RunRecord, usage: JsonObject) -> "EnvelopeDocument":
        last = self._last
        if self._status is None or last is None or last["error"] is None:
            message = "The table was stopped before the next step of the flow."
            return record.failure_envelope(ConnectorError(ErrorCode.CANCELLED, message))
        # The outputs of the steps before are not lost if the ledger cannot take the end.
        ended: dict[str, Any] = {
            **record.failure_envelope(_as_error(last)),
            "usage": usage,
            "error": last["error"],
            "partial": self._outputs,
        }
        return cast("EnvelopeDocument", ended)

    def _step_ended(self, step: str, envelope: "EnvelopeDocument") -> None:
        self._last = envelope
        if step not in self._each:
            self._run_ended(envelope)
        if envelope["error"] is None:
            self._outputs[step] = envelope["output"]

    def _run_ended(self, envelope: "EnvelopeDocument") -> None:
        self._log.run_ended(envelope)
        if envelope["run_id"] in self._paid or self._cost is None:
            return
        error = envelope["error"]
        cost, _ = cost_of(envelope["usage"])
        if cost is None and error is not None and error["effect"] == "none":
            cost = 0
        self._cost = None if cost is None else self._cost + cost


def _has_cost(step: "KnownStep") -> bool:
    """Return whether the cost of an earlier run is known; one that has not ended counts when it ends."""
    if step.run_state == "done" and step.record:
        usage: Any = step.record["usage"]
        return cost_of(usage)[0] is not None
    return step.run_state != "unsure"


def _as_error(envelope: "EnvelopeDocument") -> ConnectorError:
    error: Any = envelope["error"]
    return ConnectorError(ErrorCode(error["code"]), error["user_message"])
