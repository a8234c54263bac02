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
from perplexity_connector.host.tables.outputs.writing import Writer
from perplexity_connector.host.tables.rows.running import Course, Step

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from perplexity_connector.contract import RowFinishedItem, TableFinishedItem
    from perplexity_connector.host.ledger.ledger import Ledger

_AT_ONCE = 16


class Start:
    """A start of a job whose rows are in the ledger and whose output is open.

    `course`: its rows.
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
        self._at_once = options.get("at_once", _AT_ONCE)
        self._writer = Writer(
            ledger,
            job_id,
            job.request.out,
            output,
            job.layout,
            is_ordered=options.get("ordered", False),
        )
        step = Step(
            connector=job.request.connector,
            action=job.request.action,
            version=job.version,
            connection=options.get("connection"),
            timeout=options.get("timeout"),
            idempotent=job.is_idempotent,
        )
        self.course = Course(
            runs,
            ledger,
            job_id,
            step,
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
            await self.course.run(self._at_once)
            with suppress(LedgerError):
                await self.course.save_again()
                await self._writer.write_missing()
        finally:
            self._writer.close()
        return await self._end()

    async def _end(self) -> "TableFinishedItem":
        course, out = self.course, self._job.request.out
        with suppress(LedgerError):
            await self._writer.rewrite()
        unsaved, lines = course.unsaved.write(out)
        job: KnownJob | None = None
        failures: Sequence[KnownLine] = ()
        try:
            reason = course.brakes.reason or "done"
            await committed(self._ledger.end_job(self._job_id, reason))
            job = await committed(self._ledger.find_job(self._job_id))
            failed = self._ledger.find_failures(self._job_id)
            failures = await committed(failed)
        except LedgerError as error:
            course.unsaved.problem = str(error)
        return finished_item(
            self._job_id,
            job,
            course.brakes,
            failures=failures,
            begun=course.begun,
            has_keys=self._job.request.options.get("key") is not None,
            problem=course.unsaved.problem or self._writer.problem,
            output=str(out),
            unsaved=None if unsaved is None else str(unsaved),
            unsaved_lines=lines,
        )
