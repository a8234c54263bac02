"""Tables of one host: plan a table, run its rows, write the records."""

import asyncio
import inspect
import os
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host.catalogue.catalogue import Catalogue
from perplexity_connector.host.ledger.entries import (
    KnownJob,
    KnownLine,
    KnownRow,
    LedgerError,
)
from perplexity_connector.host.ledger.writing.waiting import committed
from perplexity_connector.host.runs.runs import Runs
from perplexity_connector.host.tables.figures import (
    planned_item,
    require_enough,
)
from perplexity_connector.host.tables.inputs.planning import Plan, Planner, Recipe
from perplexity_connector.host.tables.jobs import TableJob, prepare_job
from perplexity_connector.host.tables.params import JobOptions, TableOptions
from perplexity_connector.host.tables.refusals import refusal
from perplexity_connector.host.tables.request import Request, check_request
from perplexity_connector.host.tables.rows.items import Items
from perplexity_connector.host.tables.start import Start
from perplexity_connector.host.tables.starting import (
    check_output,
    enter_job,
    open_output,
)

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        JobItem,
        TableFinishedItem,
        TableItem,
        TablePlannedItem,
    )
    from perplexity_connector.host.ledger.ledger import Ledger
    from perplexity_connector.host.tables.outputs.output import Output
    from perplexity_connector.host.tables.rows.running import RunningRows

# The jobs that this process works on, by ledger and id. The ledger itself refuses other processes.
_ACTIVE: set[tuple[str, str]] = set()
# More than a stop in order takes. A reader that takes no items holds the end back.
_CLOSING_S = 30.0


class Tables:
    """The tables of one host. The catalogue describes actions; the runs validate and run them.

    * `_running`: the rows of the jobs under way, by id of the job.
    * `_tasks`: those that bring them to their end.
    """

    def __init__(self, catalogue: Catalogue, runs: Runs) -> None:
        """Use the catalogue and the runs of the host."""
        self._catalogue = catalogue
        self._runs = runs
        self._running: dict[str, RunningRows] = {}
        self._tasks: set[asyncio.Task[TableFinishedItem]] = set()
        runs.before_close = self._end_all

    def cancel(self, job_id: str) -> bool:
        """Stop a job: in order the first time, at the provider the second. Return whether it is known."""
        rows = self._running.get(job_id)
        return rows is not None and rows.stop()

    async def stream(
        self,
        connector: str,
        action: str,
        table: str | Path,
        template: Mapping[str, str],
        options: TableOptions,
    ) -> "AsyncGenerator[TableItem, None]":
        """See `Host.stream_table`."""
        request = check_request(connector, action, table, template, options)
        ledger = self._ledger(request)
        name = options.get("job") or str(request.out)
        with _usable_ledger():
            found = await committed(ledger.find_job(name))
            job = await asyncio.to_thread(
                prepare_job,
                request,
                self._catalogue,
                found,
                is_sandbox=self._is_sandbox,
            )
            plan = await self._plan(ledger, job)
        try:
            with _usable_ledger():
                item = await self._planned(ledger, job, plan)
            yield item
            _require_a_row(job, plan)
            if options.get("plan_only") or not await _is_confirmed(options, item):
                return
            async with aclosing(self._start(ledger, job, plan)) as items:
                async for later in items:
                    yield later
        finally:
            plan.spool.close()

    async def stream_job(
        self, job: str, options: JobOptions
    ) -> "AsyncGenerator[JobItem, None]":
        """See `Host.stream_job`."""
        raise NotImplementedError(job, options)
        yield

    async def write(
        self, job: str, out: str | Path, *, raw: bool
    ) -> "TableFinishedItem":
        """See `Host.write_table`."""
        raise NotImplementedError(job, out, raw)

    @property
    def _is_sandbox(self) -> bool:
        return self._runs.logs is not None and self._runs.logs.is_sandbox

    def _ledger(self, request: Request) -> "Ledger":
        logs = self._runs.logs
        if logs is None or logs.ledger is None:
            message = "A table needs a host with a ledger: Host(ledger=Ledger())."
            raise refusal(message)
        if not logs.ledger.is_local and request.options.get("job") is None:
            message = "This ledger is shared by machines, so a path does not name the job: use --job NAME."
            raise refusal(message)
        return logs.ledger

    async def _plan(self, ledger: "Ledger", job: TableJob) -> Plan:
        """Make the plan in another thread, which ends early if the caller leaves."""
        request, options = job.request, job.request.options
        where = (request.connector, request.action)
        recipe = Recipe(
            make_input=job.make_input,
            key=options.get("key"),
            retry=options.get("retry"),
            appraise=lambda content: self._runs.appraise(*where, content, job.version),
        )
        planner = Planner(job.table, recipe, _JobReader(ledger, job.known))
        try:
            return await asyncio.to_thread(planner.plan)
        finally:
            planner.leave()

    async def _planned(
        self, ledger: "Ledger", job: TableJob, plan: Plan
    ) -> "TablePlannedItem":
        request = job.request
        percentiles: dict[str, int] = {}
        for group in plan.groups:
            found = ledger.percentile(request.connector, request.action, group)
            if nano := await committed(found):
                percentiles[group] = nano
        cap = request.cap
        if cap is None and job.known is not None:
            cap = job.known.cap
        require_enough(plan, percentiles, cap)
        seconds = self._runs.seconds_for(
            request.connector,
            request.action,
            request.options.get("connection"),
            plan.runs - plan.going_on,
        )
        return planned_item(job, plan, percentiles, seconds)

    async def _start(
        self, ledger: "Ledger", job: TableJob, plan: Plan
    ) -> "AsyncGenerator[TableItem, None]":
        with _alone(ledger, job):
            with _usable_ledger():
                output = await self._begin(ledger, job, plan)
            items = Items()
            start = Start(self._runs, ledger, job, plan, output, items.put)
            self._running[job.job_id] = start.rows
            task = asyncio.create_task(start.run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(lambda _: items.end())
            try:
                while (item := await items.get()) is not None:
                    yield item
            finally:
                # The reader may have left: then no item is wanted any more.
                items.leave()
                if not task.done():
                    start.rows.stop()
                finished = await _end_of(task, start.rows)
                del self._running[job.job_id]
            yield finished

    async def _end_all(self) -> None:
        """Stop all jobs in order, and wait for their end: the host closes."""
        for rows in self._running.values():
            if rows.brakes.reason is None:
                rows.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CLOSING_S)

    async def _begin(self, ledger: "Ledger", job: TableJob, plan: Plan) -> "Output":
        await check_output(ledger, job)
        await enter_job(ledger, job, plan, is_sandbox=self._is_sandbox)
        try:
            return await open_output(ledger, job)
        except ConnectorError:
            await committed(ledger.end_job(job.job_id, "failed"))
            raise


async def _end_of(
    task: "asyncio.Task[TableFinishedItem]", rows: "RunningRows"
) -> "TableFinishedItem":
    """Wait for the end of a start. A caller that is cancelled once more stops it at the provider."""
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            rows.stop()
    return task.result()


@contextmanager
def _usable_ledger() -> Iterator[None]:
    """Raise `ConnectorError` (`unavailable`) if the ledger cannot be used: nothing was sent yet."""
    try:
        yield
    except LedgerError as error:
        message = f"The ledger cannot be used, so nothing was sent: {error}"
        raise ConnectorError(ErrorCode.UNAVAILABLE, message) from None


@contextmanager
def _alone(ledger: "Ledger", job: TableJob) -> Iterator[None]:
    """Work on a job, if this process does not do so already. The ledger refuses other processes."""
    name = (ledger.place, job.name)
    if name in _ACTIVE:
        message = f"Process {os.getpid()} works on this job already."
        raise refusal(message)
    _ACTIVE.add(name)
    try:
        yield
    finally:
        _ACTIVE.discard(name)


def _require_a_row(job: TableJob, plan: Plan) -> None:
    """Refuse a new job without a valid line, which a corrected template would have to replace."""
    if job.known is None and plan.invalid and not plan.rows:
        first = plan.invalid[0]
        where = f"line {first['line']} {first['pointer']}".rstrip()
        message = f"No line can run, so no job was begun. The first error, in {where}: {first['message']}"
        raise refusal(message)


class _JobReader:
    """Reads a job in the ledger, in the thread of the plan."""

    def __init__(self, ledger: "Ledger", known: KnownJob | None) -> None:
        self._ledger = ledger
        self._known = known

    def lines(self, after: int) -> Sequence[KnownLine]:
        """Return the next lines after that number; none of a new job."""
        if self._known is None:
            return ()
        return self._ledger.known_lines(self._known.job_id, after=after).result()

    def rows(self, keys: Sequence[str]) -> Mapping[str, KnownRow]:
        """Return the rows of these keys that are known."""
        if self._known is None:
            return {}
        return self._ledger.find_rows(self._known.job_id, keys).result()


async def _is_confirmed(options: TableOptions, item: "TablePlannedItem") -> bool:
    confirm = options.get("confirm")
    if confirm is None:
        return True
    answer = confirm(item)
    return bool(await answer if inspect.isawaitable(answer) else answer)
