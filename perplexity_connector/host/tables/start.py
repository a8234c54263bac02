"""One start of a job: its rows run, their records are written, and its end is counted."""

from contextlib import suppress
from typing import TYPE_CHECKING

from perplexity_connector.host.ledger.entries import (
    KnownJob,
    KnownLine,
    LedgerError,
)
from perplexity_connector.host.ledger.writing.waiting import committed
from perplexity_connector.host.runs.runs import Runs
from perplexity_connector.host.tables.figures import finished_item
from perplexity_connector.host.tables.inputs.planning import Plan
from perplexity_connector.host.tables.jobs import TableJob
from perplexity_connector.host.tables.outputs.output import Output
from perplexity_connector.host.tables.outputs.writing import RecordWriter
from perplexity_connector.host.tables.rows.running import RunningRows, Step

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from perplexity_connector.contract import RowFinishedItem, TableFinishedItem
    from perplexity_connector.host.ledger.ledger import Ledger

_AT_ONCE = 16


class Start:
    """A start of a job whose rows are in the ledger and whose output is open.

    * `rows`: its rows.
    * `_keeps_content`: whether the answers outlive the job.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - all that the steps before have made
        self,
        runs: Runs,
        ledger: "Ledger",
        job: TableJob,
        plan: Plan,
        output: Output,
        report: "Callable[[RowFinishedItem], Awaitable[None]]",
    ) -> None:
        """Run nothing yet. `report` gets an item for each row."""
        options = job.request.options
        self._ledger = ledger
        self._job = job
        self._job_id = job_id = job.job_id
        self._keeps_content = runs.logs is None or runs.logs.keeps_content
        self._at_once = options.get("at_once", _AT_ONCE)
        self._writer = RecordWriter(
            ledger,
            job_id,
            job.request.out,
            output,
            job.layout,
            is_ordered=options.get("ordered", False),
        )
        self.rows = RunningRows(
            runs,
            ledger,
            job_id,
            _step(job),
            self._writer,
            report,
            has_keys=options.get("key") is not None,
            groups=sorted(plan.groups),
            left=plan.runs,
        )

    async def run(self) -> "TableFinishedItem":
        """Run the rows to the end, or until the job is stopped. Return the last item."""
        try:
            await self._writer.write_missing()
            await self.rows.run(self._at_once)
            with suppress(LedgerError):
                await self.rows.save_again()
                await self._writer.write_missing()
        finally:
            self._writer.close()
        return await self._end()

    async def _end(self) -> "TableFinishedItem":
        rows, out = self.rows, self._job.request.out
        with suppress(LedgerError):
            await self._writer.rewrite()
        unsaved, lines = rows.unsaved.write(out)
        job: KnownJob | None = None
        failures: Sequence[KnownLine] = ()
        try:
            reason = rows.brakes.reason or "done"
            await committed(self._ledger.end_job(self._job_id, reason))
            job = await committed(self._ledger.find_job(self._job_id))
            failed = self._ledger.find_failures(self._job_id)
            failures = await committed(failed)
            await self._erase_content()
        except LedgerError as error:
            rows.unsaved.problem = str(error)
        return finished_item(
            self._job_id,
            job,
            rows.brakes,
            failures=failures,
            begun=rows.begun,
            has_keys=self._job.request.options.get("key") is not None,
            problem=rows.unsaved.problem or self._writer.problem,
            output=str(out),
            unsaved=None if unsaved is None else str(unsaved),
            unsaved_lines=lines,
        )

    async def _erase_content(self) -> None:
        """Erase the content of a job that has ended, for a host that records none."""
        if not self._keeps_content:
            await committed(self._ledger.erase(self._job_id))


def _step(job: TableJob) -> Step:
    options = job.request.options
    return Step(
        connector=job.request.connector,
        action=job.request.action,
        version=job.version,
        connection=options.get("connection"),
        timeout=options.get("timeout"),
        idempotent=job.is_idempotent,
    )
