"""The record of a flow while it runs. A host without a ledger writes nothing."""

from contextlib import suppress
from typing import TYPE_CHECKING

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host.ledger.entries import FencedError, LedgerError
from perplexity_connector.host.ledger.flow_entries import WHOLE
from perplexity_connector.host.ledger.writing.waiting import committed
from perplexity_connector.host.runs.logs.ledger_log import refusing, warn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from perplexity_connector.contract import (
        EnvelopeDocument,
        JsonObject,
        RunStatusName,
    )
    from perplexity_connector.host.ledger.flow_entries import NewFlow, StepState
    from perplexity_connector.host.ledger.ledger import Ledger


class FlowLog:
    """The record of a flow, which is called in this order. This one writes nothing."""

    async def begin_step(self, step: str, run_id: str, item: int = WHOLE) -> bool:
        """Write that a step begins, or its run for one item. Return whether a crash cannot lose that.

        Raises `ConnectorError` if it must not begin.
        """
        del step, run_id, item
        return False

    async def end_step(
        self, step: str, envelope: "EnvelopeDocument", item: int = WHOLE
    ) -> None:
        """Write the end of a step, or of its run for one item."""

    async def skip_step(self, step: str) -> None:
        """Write that a step does not run."""

    async def end(self, status: "RunStatusName | None") -> None:
        """Write the end of the flow; None: it is left, and may be resumed at once."""


class LedgerFlowLog(FlowLog):
    """Writes a flow that the ledger has.

    * `_keeps_content`: whether its content outlives its end.
    * `_is_strict`: whether nothing may run that the ledger does not have, as in a row of a table.
    """

    def __init__(
        self,
        ledger: "Ledger",
        flow_id: str,
        *,
        keeps_content: bool,
        is_strict: bool = False,
    ) -> None:
        """Write nothing yet."""
        self._ledger = ledger
        self._flow_id = flow_id
        self._keeps_content = keeps_content
        self._is_strict = is_strict

    async def begin_step(self, step: str, run_id: str, item: int = WHOLE) -> bool:
        """Wait until the ledger has the step: after a crash, its run must be found.

        If the ledger cannot be written, the run says so by itself.
        """
        try:
            await refusing(self._begin_step(step, run_id, item))
        except ConnectorError as error:
            if self._is_strict or error.code is ErrorCode.CANCELLED:
                raise
            return False
        return True

    async def _begin_step(self, step: str, run_id: str, item: int) -> None:
        await committed(self._ledger.begin_step(self._flow_id, step, run_id, item=item))

    async def end_step(
        self, step: str, envelope: "EnvelopeDocument", item: int = WHOLE
    ) -> None:
        """Write the end. If that fails, the envelope warns: the answer is paid, so it is not lost."""
        # The run of an item that succeeded has its envelope.
        is_known = item != WHOLE and envelope["error"] is None and self._keeps_content
        state: StepState = "failed" if envelope["error"] else "done"
        try:
            await committed(
                self._ledger.end_step(
                    self._flow_id,
                    step,
                    None if is_known else envelope,
                    state,
                    item=item,
                )
            )
        except (LedgerError, FencedError) as error:
            codes = {warning["code"] for warning in envelope["warnings"]}
            if "not_recorded" not in codes:
                warn(envelope, error)

    async def skip_step(self, step: str) -> None:
        """Write that a step does not run. A resumed flow finds that out by itself."""
        with suppress(LedgerError, FencedError):
            await committed(self._ledger.end_step(self._flow_id, step, None, "skipped"))

    async def end(self, status: "RunStatusName | None") -> None:
        """Write the end of the flow. If that fails, it counts as interrupted."""
        with suppress(LedgerError, FencedError):
            await committed(self._ledger.end_flow(self._flow_id, status))
            if status is not None and not self._keeps_content:
                await committed(self._ledger.erase(self._flow_id))


async def begin_flow(
    ledger: "Ledger",
    flow: "NewFlow",
    kept: "Mapping[str | None, Sequence[tuple[str, JsonObject]]]",
) -> None:
    """Record a flow, and its kept outputs by the flow that they are of.

    Raises `LedgerError`, and `ConnectorError` (`invalid_input`) for an id that the ledger has.
    """
    try:
        await committed(ledger.begin_flow(flow))
    except FencedError:
        message = (
            "The ledger has a flow with this flow_id. Choose another, or resume it."
        )
        raise ConnectorError(ErrorCode.INVALID_INPUT, message) from None
    for origin, steps in kept.items():
        if steps:
            await committed(ledger.keep_steps(flow.flow_id, origin, steps))
