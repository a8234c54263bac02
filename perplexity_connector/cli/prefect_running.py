"""The command `prefect run-table`: plan here, let workers of Prefect run the rows, write here."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from perplexity_connector.cli.delivery import Delivery
from perplexity_connector.cli.exits import ExitCode, UsageError
from perplexity_connector.cli.output import print_json, say
from perplexity_connector.cli.prefect_progress import JobProgress
from perplexity_connector.cli.prefect_setup import reporting_server, require_extra
from perplexity_connector.cli.records import Records
from perplexity_connector.cli.stopping import StopSignals
from perplexity_connector.cli.table_arguments import template_of
from perplexity_connector.cli.table_lines import plan_lines
from perplexity_connector.cli.table_plan import may_begin
from perplexity_connector.cli.table_running import (
    TableArgs,
    action_and_table,
    show_end,
    table_options,
)
from perplexity_connector.cli.table_work import table_work
from perplexity_connector.cli.targets import HostMaker
from perplexity_connector.contract import ConnectorError
from perplexity_connector.host import Host, HostOptions
from perplexity_connector.host.ledger.entries import State, count_ended
from perplexity_connector.host.ledger.writing.waiting import committed
from perplexity_connector.rendering.text import one_line

if TYPE_CHECKING:
    from perplexity_connector.adapters.prefect.chunks import Chunk
    from perplexity_connector.contract import (
        JsonObject,
        TableEnteredItem,
        TableFinishedItem,
        TableItem,
        TablePlannedItem,
    )

# Between two looks at the flow runs, and between two writings of the output.
_LOOK_S = 2.0
_WRITE_S = 60.0
# Of several flow runs, the first of these is the reason of the job's end.
_REASONS = ("budget", "failed", "stopped")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefectArgs(TableArgs):
    """The arguments of `prefect run-table`, as typed. `chunks`: how many flow runs share the rows."""

    chunks: int


def run_on_prefect(args: PrefectArgs, make_host: HostMaker, records: Records) -> int:
    """Run an action or a flow for each line of a table on workers. Return the exit code.

    Raises as `run_table_action` does, and `UsageError` for a server that is not set up.
    """
    require_extra()
    from perplexity_connector.adapters.prefect.store import BlockStore  # noqa: PLC0415 - it imports the extra

    host = make_host(HostOptions(store=BlockStore(), ledger=records.ledger))
    action_name, table = action_and_table(args)
    work = table_work(host, action_name, args.connection)
    template = template_of(args.templates, work.schema)
    options = table_options(args)
    options["enter_only"] = True
    with StopSignals() as signals, reporting_server():
        items = work.stream(host, table, template, work.names, **options)
        return asyncio.run(_JobOnPrefect(args, host, records, signals).follow(items))


class _Writing:
    """When the output is written again: if rows have ended since, and a minute is over.

    * `_at`, `_ended`: when it was last due, and how many rows had ended by then.
    """

    def __init__(self) -> None:
        """Wait from now on."""
        self._at, self._ended = time.monotonic(), 0

    def is_due(self, ended: int) -> bool:
        """Return whether to write now, when so many rows have ended."""
        now = time.monotonic()
        if ended <= self._ended or now - self._at < _WRITE_S:
            return False
        self._at, self._ended = now, ended
        return True


class _JobOnPrefect:
    """One start of a job, whose rows the workers run.

    * `_args`, `_host`, `_records`, `_signals`: of the command.
    * `_delivery`: writes on stdout.
    * `_left`: set when this command stops watching.
    * `_chunks`: the flow runs, as they were last seen.
    """

    def __init__(
        self, args: PrefectArgs, host: Host, records: Records, signals: StopSignals
    ) -> None:
        """Show nothing yet."""
        self._args = args
        self._host = host
        self._records = records
        self._signals = signals
        self._delivery = Delivery()
        self._left = asyncio.Event()
        self._chunks: Sequence[Chunk] = ()

    async def follow(self, items: "AsyncGenerator[TableItem, None]") -> int:
        """Show the plan, ask, start the flow runs, watch them, and write the output."""
        async with self._host, aclosing(items):
            plan = cast("TablePlannedItem", await anext(items))
            self._show_plan(plan)
            args = self._args
            if self._delivery.has_failed or not may_begin(
                plan, is_sure=args.yes, has_budget=args.budget is not None
            ):
                return self._delivery.code(ExitCode.SUCCEEDED)
            entered = cast("TableEnteredItem", await anext(items))
            self._event(entered)
            ids = await asyncio.to_thread(self._begin, plan, entered)
            with self._signals.asking(self._leave):
                await self._watch(entered["job_id"], ids)
            if self._left.is_set():
                return self._end_watching(entered, ids)
            return self._end(plan, await self._write(entered["job_id"]))

    def _show_plan(self, plan: "TablePlannedItem") -> None:
        self._event(plan)
        for line in () if self._args.as_json else plan_lines(plan):
            say(line)

    def _event(self, item: "Mapping[str, object]") -> None:
        if self._args.as_json:
            self._delivery.write(print_json, item, on_one_line=True)

    def _begin(
        self, plan: "TablePlannedItem", entered: "TableEnteredItem"
    ) -> Sequence[str]:
        from perplexity_connector.adapters.prefect.chunks import begin_chunks  # noqa: PLC0415 - it imports the extra

        chunks = min(self._args.chunks, plan["runs"])
        parameters: JsonObject = {"job": entered["job"], "at_once": self._args.at_once}
        try:
            return begin_chunks(entered["job_id"], entered["start"], chunks, parameters)
        except LookupError:
            message = "Prefect's server has no deployment for tables. First: perplexity-connector prefect setup"
            raise UsageError(message) from None

    def _leave(self) -> bool:
        self._left.set()
        return True

    async def _watch(self, job_id: str, ids: Sequence[str]) -> None:
        """Show how far the job is until its flow runs have ended, and write the output now and then."""
        writing = _Writing()
        with closing(JobProgress()) as progress:
            while not self._left.is_set():
                is_seen = await self._look(ids)
                counts, cost = await self._counts(job_id)
                progress.show(counts, cost, self._chunks)
                if is_seen and all(chunk.is_final for chunk in self._chunks):
                    return
                if writing.is_due(count_ended(counts)):
                    with suppress(ConnectorError):  # the last writing says why
                        await self._write(job_id)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._left.wait(), _LOOK_S)

    async def _counts(self, job_id: str) -> tuple[Mapping[State, int], int]:
        """Return how many rows are in each state, and what the job has cost."""
        job = await committed(self._records.ledger.find_job(job_id))
        return (job.counts, job.cost) if job else ({}, 0)

    async def _write(self, job_id: str) -> "TableFinishedItem":
        out, raw = self._args.out, self._args.raw
        return await self._host.write_table(job_id, out, raw=raw)

    async def _look(self, ids: Sequence[str]) -> bool:
        """Look at the flow runs, and report each new state. Return whether the server answers."""
        from perplexity_connector.adapters.prefect.chunks import look_at  # noqa: PLC0415 - it imports the extra

        before = {chunk.flow_run_id: chunk.state for chunk in self._chunks}
        try:
            self._chunks = await asyncio.to_thread(look_at, ids)
        except Exception as error:  # noqa: BLE001 - the client raises errors of several libraries
            say(f"warning: Prefect's server does not answer: {type(error).__name__}.")
            return False
        for chunk in self._chunks:
            if before.get(chunk.flow_run_id) != chunk.state:
                self._event(
                    {
                        "type": "prefect.flow_run",
                        "flow_run_id": chunk.flow_run_id,
                        "name": chunk.name,
                        "state": chunk.state,
                        "message": chunk.message,
                    }
                )
        return True

    def _end_watching(self, entered: "TableEnteredItem", ids: Sequence[str]) -> int:
        say(
            f"The flow runs go on. To cancel one: prefect flow-run cancel ID, of {', '.join(ids)}"
        )
        say(
            f"To write the output: perplexity-connector run-table --job {one_line(entered['job'])} --out FILE"
        )
        return self._signals.code or ExitCode.INTERRUPTED

    def _end(self, plan: "TablePlannedItem", finished: "TableFinishedItem") -> int:
        for chunk in self._chunks:
            if chunk.reason is not None:
                say(f"flow run {chunk.name}: {chunk.state}. {chunk.message}".rstrip())
        ended = _with_reason(finished, self._chunks)
        self._event(ended)
        as_json, invalid = self._args.as_json, plan["invalid"]
        code = show_end(ended, self._delivery, as_json=as_json, invalid=invalid)
        return self._delivery.code(code)


def _with_reason(
    finished: "TableFinishedItem", chunks: "Sequence[Chunk]"
) -> "TableFinishedItem":
    """Return the end of a job with the reason of the flow runs, if rows are left and the ledger has none.

    A worker that was lost has written no reason.
    """
    rows = finished["rows"]
    if finished["reason"] != "done" or sum(rows.values()) == count_ended(rows):
        return finished
    reasons = {chunk.reason for chunk in chunks}
    for reason in _REASONS:
        if reason in reasons:
            # pyright takes the literals of a loop for any text.
            return cast("TableFinishedItem", {**finished, "reason": reason})
    return finished
