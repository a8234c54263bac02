"""The logs of a row that runs a flow, and of the runs of its steps."""

from typing import TYPE_CHECKING

from perplexity_connector.contract import ErrorCode, JsonObject
from perplexity_connector.host.ledger.entries import Claim, State
from perplexity_connector.host.ledger.writing.waiting import committed
from perplexity_connector.host.runs.logs.ledger_log import refusing
from perplexity_connector.host.runs.logs.run_log import RunLog
from perplexity_connector.host.runs.logs.step_log import LaterLog, StepLog
from perplexity_connector.host.tables.rows.brakes import Brakes, stops_all
from perplexity_connector.host.tables.rows.row_log import BrakedLog, RowLog

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument
    from perplexity_connector.host.ledger.entries import NewRun
    from perplexity_connector.host.ledger.ledger import Ledger


class StepOfRowLog(BrakedLog, StepLog):
    """The log of a step's run while the job of its row may be stopped."""

    def __init__(
        self,
        ledger: "Ledger",
        new: "NewRun",
        brakes: Brakes,
        *,
        within: Claim,
        resumes: bool,
    ) -> None:
        """Write nothing yet."""
        super().__init__(ledger, new, within=within, resumes=resumes)
        self._brakes = brakes


class FlowRowLog(RowLog):
    """The log of a row that runs a flow: its steps have logs of their own, and it sends nothing itself.

    * `is_unsure`: whether the flow ended at a step that may have been paid, and whose answer is lost.
    * `_steps`: the logs of the runs of its steps in this process, by run.
    * `_is_stopped`: whether this row alone was stopped.
    """

    def __init__(self, ledger: "Ledger", claim: Claim, brakes: Brakes) -> None:
        """Write into the row of `claim`."""
        super().__init__(ledger, claim, brakes, idempotent=False)
        self.is_unsure = False
        self._steps: dict[str, StepOfRowLog] = {}
        self._is_stopped = False

    async def begin_flow(self, state: JsonObject) -> None:
        """Write the checkpoint by which another process goes on with the flow, before its first step.

        Raises `ConnectorError` if the ledger cannot take it.
        """
        await refusing(committed(self._ledger.checkpoint(self._claim, state)))
        self._checkpoint = state

    def may_begin(self) -> bool:
        """Return whether a further step may begin."""
        return self._brakes.reason is None and not self._is_stopped

    def stop(self) -> None:
        """Let no further step begin."""
        self._is_stopped = True

    def step_log(self) -> RunLog:
        """Return the log of the next run of a step."""
        return LaterLog(make=self._make_log)

    def _make_log(self, new: "NewRun", resumes: bool) -> RunLog:
        log = StepOfRowLog(
            self._ledger, new, self._brakes, within=self._claim, resumes=resumes
        )
        self._steps[new.run_id] = log
        return log

    def run_ended(self, envelope: "EnvelopeDocument") -> None:
        """Let the run of a step stop the job, if the next row would end like it."""
        self._brakes.state_after(envelope, is_begun=True, is_harmless=True)
        is_new = envelope["run_id"] in self._steps
        error = envelope["error"]
        if error is not None and error["effect"] == "unknown" and not is_new:
            # An earlier process sent it, and its answer is lost.
            self.is_unsure = True

    def _state_of(self, envelope: "EnvelopeDocument") -> "State":
        error = envelope["error"]
        states = {log.state for log in self._steps.values()}
        if error is None:
            return "done"
        if self.is_unsure or "unsure" in states:
            return "unsure"
        is_stopped = envelope["status"] == "cancelled" and self._brakes.reason
        if is_stopped or stops_all(error) or "begun" in states:
            return "begun"
        # Alone, it waits for the end of others.
        is_held = error["code"] in {ErrorCode.CANCELLED, ErrorCode.UNAVAILABLE}
        return "claimed" if is_held else "failed"
