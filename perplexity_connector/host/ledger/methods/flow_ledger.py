"""The flows of a ledger, and its history."""

from typing import TYPE_CHECKING

from perplexity_connector.host.ledger import lazy
from perplexity_connector.host.ledger.flow_entries import WHOLE, read_cursor
from perplexity_connector.host.ledger.methods.using import LedgerUser

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from perplexity_connector.contract import (
        EnvelopeDocument,
        JsonObject,
        RunStatusName,
    )
    from perplexity_connector.host.ledger.entries import Claim
    from perplexity_connector.host.ledger.flow_entries import (
        HistoryEntry,
        HistoryStatus,
        KnownFlow,
        NewFlow,
        StepState,
    )
    from perplexity_connector.host.ledger.writing.owners import Transaction


class FlowLedger(LedgerUser):
    """The flows of all processes that share a database.

    The runs of their steps are runs outside jobs, and are begun by `begin_run`. They are joined to the
    flow by the id that `begin_step` names, so it comes first. A step that began is fenced: `FencedError`
    if another process has resumed the flow.
    """

    # A flow.

    def begin_flow(self, flow: "NewFlow") -> "Future[None]":
        """Record a run of a flow, which this process works on. `FencedError` for a known id."""
        return self._write(
            lambda tx: lazy.flows.begin_flow(tx.connection, tx.owner, flow, now=tx.now)
        )

    def keep_steps(
        self,
        flow_id: str,
        from_flow: str | None,
        steps: "Sequence[tuple[str, JsonObject]]",
    ) -> "Future[None]":
        """Record steps that do not run, each with a kept envelope, or with `{"output": …}` alone.

        `from_flow`: the flow that they are of; None for given outputs.
        """
        return self._write(
            lambda tx: lazy.flows.keep_steps(
                tx.connection, tx.owner, flow_id, from_flow, steps
            )
        )

    def begin_step(
        self, flow_id: str, step: str, run_id: str, *, item: int = WHOLE
    ) -> "Future[None]":
        """Record that a step, or its run for one item, begins: before the run itself.

        A step that began before, in a flow that was resumed, has a new run then.
        """
        return self._write(
            lambda tx: lazy.flows.begin_step(
                tx.connection, tx.owner, flow_id, (step, item), run_id
            )
        )

    def end_step(
        self,
        flow_id: str,
        step: str,
        envelope: "EnvelopeDocument | None",
        state: "StepState",
        *,
        item: int = WHOLE,
    ) -> "Future[None]":
        """Record the end of a step. An item needs no envelope: its run has it.

        A skipped step need not have begun.
        """
        return self._write(
            lambda tx: lazy.flows.end_step(
                tx.connection, tx.owner, flow_id, (step, item), envelope, state
            )
        )

    def end_flow(self, flow_id: str, status: "RunStatusName | None") -> "Future[None]":
        """Record the end of a flow. With None, this process only leaves it: any process may resume it.

        A flow that another process has resumed stays as it is.
        """
        is_erasing = status is not None and not self.record_content

        def work(tx: "Transaction") -> None:
            lazy.flows.end_flow(tx.connection, tx.owner, flow_id, status, now=tx.now)
            if is_erasing:
                lazy.erasing.erase(tx.connection, flow_id)

        return self._write(work, is_erasing=is_erasing)

    def resume_flow(
        self, flow_id: str, *, within: "Claim | None" = None
    ) -> "Future[KnownFlow]":
        """Take over a flow that its process has left, or that failed or was cancelled.

        The runs of its steps get their true states. `within`: the claim of the row that it runs for,
        whose owner has the flow too. `LookupError` if there is nothing to go on with, or it was erased;
        `FencedError` while a process works on it.
        """

        def work(tx: "Transaction") -> "KnownFlow":
            lazy.flows.resume_flow(
                tx.connection,
                tx.owner,
                flow_id,
                within=within,
                is_alive=tx.is_alive,
                now=tx.now,
            )
            return lazy.flow_reading.known_flow(
                tx.connection, flow_id, is_alive=tx.is_alive
            )

        return self._write(work)

    # The records.

    def flow(self, flow_id: str) -> "Future[KnownFlow | None]":
        """Return a flow with its steps and their records; None if it is not known."""
        return self._read(
            lambda tx: lazy.flow_reading.find_flow(
                tx.connection, flow_id, is_alive=tx.is_alive
            )
        )

    def last_flow(self, source: str) -> "Future[KnownFlow | None]":
        """Return the newest flow of a source that ran for no table, as `flow` does."""
        return self._read(
            lambda tx: lazy.flow_reading.last_flow(
                tx.connection, source, is_alive=tx.is_alive
            )
        )

    def row_flow(self, row_id: int) -> "Future[KnownFlow | None]":
        """Return the newest flow of a table's row, as `flow` does."""
        return self._read(
            lambda tx: lazy.flow_reading.row_flow(
                tx.connection, row_id, is_alive=tx.is_alive
            )
        )

    def job_flow(self, job_id: str) -> "Future[JsonObject | None]":
        """Return the flow that a job runs for each of its rows; None if it runs an action, or is erased."""
        return self._read(lambda tx: lazy.flow_reading.job_flow(tx.connection, job_id))

    def flows(
        self,
        *,
        search: str | None = None,
        before: str | None = None,
        limit: int = 50,
        status: "HistoryStatus | None" = None,
    ) -> "Future[Sequence[KnownFlow]]":
        """Return the flows that ran for no table, newest first, without the records of their steps.

        `search`: a text in the title, the source, the document, the inputs or the summary. `before`: the
        cursor of the last flow of the page before. `ValueError` for a text that is not a cursor.
        """
        place = None if before is None else read_cursor(before)
        return self._read(
            lambda tx: lazy.flow_reading.find_flows(
                tx.connection,
                search=search,
                before=place,
                limit=limit,
                status=status,
                is_alive=tx.is_alive,
            )
        )

    def history(
        self,
        *,
        search: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> "Future[Sequence[HistoryEntry]]":
        """Return flows, runs outside flows and jobs, and tables, newest first.

        `search`: a text in a name, a flow, an input, a summary, an action or a model. `before`: the cursor
        of the last entry of the page before. `ValueError` for a text that is not a cursor.
        """
        place = None if before is None else read_cursor(before)
        return self._read(
            lambda tx: lazy.history.find_history(
                tx.connection,
                search=search,
                before=place,
                limit=limit,
                is_alive=tx.is_alive,
            )
        )
