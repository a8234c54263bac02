"""Tables of one host: plan a table, run its rows, write the records."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from perplexity_connector.contract import ConnectorError, JsonObject
from perplexity_connector.host.catalogue.catalogue import Catalogue
from perplexity_connector.host.ledger.entries import (
    FLOW,
    KnownJob,
    KnownLine,
    KnownRow,
)
from perplexity_connector.host.ledger.writing.waiting import committed
from perplexity_connector.host.runs.runs import Runs
from perplexity_connector.host.tables.figures import planned_item, require_enough
from perplexity_connector.host.tables.inputs.kept_plans import kept_plan
from perplexity_connector.host.tables.inputs.planning import Plan, Planner, Recipe
from perplexity_connector.host.tables.jobs import Find, TableJob, prepare_job
from perplexity_connector.host.tables.outputs.opening import check_output, open_output
from perplexity_connector.host.tables.outputs.writing import Records, RecordWriter
from perplexity_connector.host.tables.params import (
    AnyTableOptions,
    FlowTableOptions,
    JobOptions,
    TableOptions,
)
from perplexity_connector.host.tables.refusals import refusal
from perplexity_connector.host.tables.request import (
    Request,
    check_action,
    check_flow_request,
    check_job,
    check_request,
    check_writing,
)
from perplexity_connector.host.tables.rows.work import Work
from perplexity_connector.host.tables.runnables.runnable import Runnable
from perplexity_connector.host.tables.runnables.runnable_action import RunnableAction
from perplexity_connector.host.tables.starts.alone import alone, usable_ledger
from perplexity_connector.host.tables.starts.entered import (
    connections_of,
    find_entered,
    place_of,
    require_runnable,
    restarted,
    work_of,
    write_records,
)
from perplexity_connector.host.tables.starts.start import Start
from perplexity_connector.host.tables.starts.starting import enter_job, work_of_table
from perplexity_connector.host.tables.starts.under_way import UnderWay

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        JobItem,
        TableEnteredItem,
        TableFinishedItem,
        TableItem,
        TablePlannedItem,
    )
    from perplexity_connector.host.flows.checking import Connections
    from perplexity_connector.host.flows.flows import Flows
    from perplexity_connector.host.ledger.ledger import Ledger
    from perplexity_connector.host.tables.outputs.output import Output

NO_FLOW: JsonObject = {"flow_version": 1, "steps": []}


class Tables:
    """The tables of one host. The catalogue describes actions; the runs validate and run them.

    * `_flows`: returns the flows of the host, which only some tables need.
    * `_under_way`: the jobs whose rows it runs.
    """

    def __init__(
        self, catalogue: Catalogue, runs: Runs, flows: "Callable[[], Flows]"
    ) -> None:
        """Use the catalogue, the runs and the flows of the host."""
        self._catalogue = catalogue
        self._runs = runs
        self._flows = flows
        self._under_way = UnderWay()
        runs.before_close = self._under_way.end_all

    def cancel(self, job_id: str) -> bool:
        """Stop a job: in order the first time, at the provider the second. Return whether it is known."""
        return self._under_way.cancel(job_id)

    def stream(
        self,
        connector: str,
        action: str,
        table: str | Path,
        template: Mapping[str, str],
        options: TableOptions,
    ) -> "AsyncGenerator[TableItem, None]":
        """See `Host.stream_table`."""

        def find(version: int | None) -> Runnable:
            version = options.get("version") or version
            return self._action((connector, action), version, options)

        def ask() -> Request:
            check_action(connector, action)
            return check_request(table, template, options)

        return self._stream(ask, find)

    def stream_flow(
        self,
        flow: JsonObject,
        table: str | Path,
        template: Mapping[str, str] | None,
        options: FlowTableOptions,
    ) -> "AsyncGenerator[TableItem, None]":
        """See `Host.stream_flow_table`."""
        connections = options.get("connections") or {}
        timeout = options.get("timeout")

        def find(_: int | None) -> Runnable:
            return self._flow(flow, connections, timeout)

        def ask() -> Request:
            return check_flow_request(table, template or {}, options)

        return self._stream(ask, find)

    async def _stream(
        self, ask: Callable[[], Request], find: Find
    ) -> "AsyncGenerator[TableItem, None]":
        request = ask()
        options, ledger = request.options, self._ledger()
        if not ledger.is_local and options.get("job") is None:
            message = "This ledger is shared by machines, so a path does not name the job: use --job NAME."
            raise refusal(message)
        with usable_ledger():
            job = await self._prepare(ledger, request, find)
            plan = await self._plan(ledger, job)
        try:
            with usable_ledger():
                item = await self._planned(ledger, job, plan)
            yield item
            _require_a_row(job, plan)
            if options.get("plan_only") or not await _is_confirmed(options, item):
                return
            if options.get("enter_only"):
                yield await self._enter(ledger, job, plan)
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
        check_job(job, options)
        ledger = self._ledger()
        with usable_ledger():
            known = await find_entered(ledger, job)
        with alone(ledger, known.name or known.job_id, "rows"):
            work = await self._work(ledger, known, options)
            start = Start(self._runs, ledger, work, Records())
            async with aclosing(self._under_way.follow(start)) as items:
                async for item in items:
                    yield item

    async def write(
        self, job: str, out: str | Path, *, raw: bool
    ) -> "TableFinishedItem":
        """See `Host.write_table`."""
        path = check_writing(job, out, raw=raw)
        ledger, logs = self._ledger(), self._runs.logs
        keeps_content = logs is None or logs.keeps_content
        with usable_ledger():
            known = await find_entered(ledger, job)
            place = place_of(known, path, raw=raw)
            with alone(ledger, known.name or known.job_id, "output"):
                return await write_records(
                    ledger, known, place, keeps_content=keeps_content
                )

    async def _work(
        self, ledger: "Ledger", known: KnownJob, options: JobOptions
    ) -> Work:
        """Return the rows of a job that the ledger has, after a new start if no other is given."""
        require_runnable(known, options, is_sandbox=self._is_sandbox)
        runnable = await self._runnable(ledger, known, options)
        with usable_ledger():
            if options.get("start") is None:
                known = await restarted(ledger, known, options.get("retry"))
            groups = await committed(ledger.price_groups(known.job_id))
        return work_of(known, options, groups, runnable)

    async def _runnable(
        self, ledger: "Ledger", known: KnownJob, options: JobOptions
    ) -> Runnable:
        """Return what the rows of a job run that the ledger has."""
        if known.connector == FLOW:
            with usable_ledger():
                flow = await committed(ledger.job_flow(known.job_id))
            connections = connections_of(known, options)
            # Without a flow, no row is left to run it.
            return self._flow(flow or NO_FLOW, connections, options.get("timeout"))
        connection = options.get("connection") or known.connection
        where = (known.connector, known.action)
        given = JobOptions(connection=connection, timeout=options.get("timeout"))
        return self._action(where, known.version, given)

    def _flow(
        self, flow: JsonObject, connections: "Connections", timeout: float | None
    ) -> Runnable:
        from perplexity_connector.host.tables.runnables.runnable_flow import (  # noqa: PLC0415 - only a table of flows needs them
            RunnableFlow,
        )

        return RunnableFlow(
            self._catalogue,
            self._runs,
            self._flows(),
            flow,
            connections=connections,
            timeout=timeout,
        )

    def _action(
        self,
        where: tuple[str, str],
        version: int | None,
        options: TableOptions | JobOptions,
    ) -> Runnable:
        return RunnableAction(
            self._catalogue,
            self._runs,
            where,
            version,
            connection=options.get("connection"),
            timeout=options.get("timeout"),
        )

    @property
    def _is_sandbox(self) -> bool:
        return self._runs.logs is not None and self._runs.logs.is_sandbox

    def _ledger(self) -> "Ledger":
        logs = self._runs.logs
        if logs is None or logs.ledger is None:
            message = "A table needs a host with a ledger: Host(ledger=Ledger())."
            raise refusal(message)
        return logs.ledger

    async def _prepare(
        self, ledger: "Ledger", request: Request, find: Find
    ) -> TableJob:
        """Return the job of a table, with its kept plan if the ledger has one."""
        options, kept = request.options, None
        found = await committed(ledger.find_job(request.job_name))
        if found and not options.get("fresh"):
            retry = options.get("retry")
            kept = await committed(ledger.kept_plan(found.job_id, retry))
        return await asyncio.to_thread(
            prepare_job,
            request,
            find,
            found,
            kept,
            is_sandbox=self._is_sandbox,
        )

    async def _plan(self, ledger: "Ledger", job: TableJob) -> Plan:
        """Make the plan in another thread, which ends early if the caller leaves."""
        options = job.request.options
        if job.kept:
            return kept_plan(job.kept, job.table_digest, options.get("retry"))
        recipe = Recipe(
            make_input=job.make_input,
            key=options.get("key"),
            retry=options.get("retry"),
            appraise=job.runnable.appraise,
        )
        planner = Planner(job.table, recipe, _JobReader(ledger, job.known))
        try:
            return await asyncio.to_thread(planner.plan)
        finally:
            planner.leave()

    async def _planned(
        self, ledger: "Ledger", job: TableJob, plan: Plan
    ) -> "TablePlannedItem":
        named = job.runnable.named
        percentiles: dict[str, int] = {}
        for group in plan.groups:
            found = ledger.percentile(named.connector, named.action, group)
            if nano := await committed(found):
                percentiles[group] = nano
        cap = job.request.cap
        if cap is None and job.known is not None:
            cap = job.known.cap
        require_enough(plan, percentiles, cap)
        seconds = job.runnable.seconds(plan.runs - plan.going_on)
        return planned_item(job, plan, percentiles, seconds)

    async def _start(
        self, ledger: "Ledger", job: TableJob, plan: Plan
    ) -> "AsyncGenerator[TableItem, None]":
        with alone(ledger, job.name, "rows", "output"):
            with usable_ledger():
                output = await self._begin(ledger, job, plan)
            is_ordered = job.request.options.get("ordered", False)
            records = RecordWriter(ledger, job.place, output, is_ordered=is_ordered)
            start = Start(self._runs, ledger, work_of_table(job, plan), records)
            async with aclosing(self._under_way.follow(start)) as items:
                async for item in items:
                    yield item

    async def _enter(
        self, ledger: "Ledger", job: TableJob, plan: Plan
    ) -> "TableEnteredItem":
        with alone(ledger, job.name, "output"), usable_ledger():
            await self._enter_rows(ledger, job, plan)
            known = await find_entered(ledger, job.job_id)
            await committed(ledger.end_job(job.job_id, None))
        return {
            "type": "table.entered",
            "job_id": job.job_id,
            "job": job.name,
            "start": known.starts,
        }

    async def _begin(self, ledger: "Ledger", job: TableJob, plan: Plan) -> "Output":
        await self._enter_rows(ledger, job, plan)
        try:
            return await open_output(ledger, job.place)
        except ConnectorError:
            await committed(ledger.end_job(job.job_id, "failed"))
            raise

    async def _enter_rows(self, ledger: "Ledger", job: TableJob, plan: Plan) -> None:
        if not job.is_fresh:
            output = job.known.output if job.known else None
            await check_output(ledger, job.place, output)
        await enter_job(ledger, job, plan, is_sandbox=self._is_sandbox)


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


async def _is_confirmed(options: AnyTableOptions, item: "TablePlannedItem") -> bool:
    confirm = options.get("confirm")
    if confirm is None:
        return True
    answer = confirm(item)
    return bool(await answer if inspect.isawaitable(answer) else answer)
