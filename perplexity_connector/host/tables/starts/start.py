"""One start of a job in this process: its rows run, their records are written, and its end is counted."""

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perplexity_connector.host.ledger.entries import (
    KnownJob,
    KnownLine,
    LedgerError,
)
from perplexity_connector.host.ledger.writing.waiting import committed
from perplexity_connector.host.runs.runs import Runs
from perplexity_connector.host.tables.figures import EndReason, finished_item
from perplexity_connector.host.tables.outputs.writing import Records
from perplexity_connector.host.tables.rows.items import Items
from perplexity_connector.host.tables.rows.running import RunningRows
from perplexity_connector.host.tables.rows.work import Work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perplexity_connector.contract import TableFinishedItem
    from perplexity_connector.host.ledger.ledger import Ledger


class Start:
    """A start of a job whose rows are in the ledger.

    * `job_id`: the job.
    * `items`: an item for each row, on their way to the reader.
    * `rows`: its rows.
    * `_records`: those of its rows.
    * `_keeps_content`: whether the answers outlive the job.
    """

    def __init__(
        self, runs: Runs, ledger: "Ledger", work: Work, records: Records
    ) -> None:
        """Run nothing yet."""
        self.job_id = work.job_id
        self.items = Items()
        self._ledger = ledger
        self._work = work
        self._records = records
        self._keeps_content = runs.logs is None or runs.logs.keeps_content
        self.rows = RunningRows(runs, ledger, work, records, self.items.put)

    async def run(self) -> "TableFinishedItem":
        """Run the rows to the end, or until the job is stopped. Return the last item."""
        try:
            await self._records.write_missing()
            await self.rows.run()
            with suppress(LedgerError):
                await self.rows.save_again()
                await self._records.write_missing()
        finally:
            self._records.close()
        return await self._end()

    async def _end(self) -> "TableFinishedItem":
        rows, work = self.rows, self._work
        reason: EndReason = rows.brakes.reason or "done"
        with suppress(LedgerError):
            await self._records.rewrite()
        unsaved, lines = rows.unsaved.write(work.beside)
        end = await end_job(
            self._ledger,
            self.job_id,
            reason,
            is_writer=self._records.are_written,
            keeps_content=self._keeps_content,
        )
        if reason == "done" and end.job and end.job.cancel_requested:
            reason = "stopped"
        return finished_item(
            self.job_id,
            end.job,
            reason,
            cause=rows.brakes.cause,
            message=end.problem
            or rows.unsaved.problem
            or self._records.problem
            or rows.brakes.message,
            failures=end.failures,
            begun=rows.begun,
            has_keys=work.has_keys,
            output=work.output,
            unsaved=None if unsaved is None else str(unsaved),
            unsaved_lines=lines,
        )


@dataclass(slots=True)
class JobEnd:
    """The state of a job when this process stops to work for it.

    * `job`: None if the ledger cannot be read.
    * `failures`: the lines whose row failed or is unsure.
    * `problem`: of the ledger; None if all is well.
    """

    job: KnownJob | None = None
    failures: "Sequence[KnownLine]" = ()
    problem: str | None = None


async def end_job(
    ledger: "Ledger",
    job_id: str,
    reason: str | None,
    *,
    is_writer: bool = True,
    keeps_content: bool,
) -> JobEnd:
    """Stop to work for a job, and read its state. Erase its content if it has ended, and is not kept."""
    end = JobEnd()
    try:
        is_over = await committed(ledger.end_job(job_id, reason, is_writer=is_writer))
        end.job = await committed(ledger.find_job(job_id))
        end.failures = await committed(ledger.find_failures(job_id))
        if is_over and not keeps_content:
            await committed(ledger.erase(job_id))
    except LedgerError as error:
        end.problem = str(error)
    return end
