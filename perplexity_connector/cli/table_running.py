"""The command `run-table`: shows the plan, asks, runs the rows, and shows their progress and end."""

import asyncio
import functools
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from perplexity_connector.cli.delivery import Delivery
from perplexity_connector.cli.exits import EXIT_BY_ERROR, ExitCode, UsageError
from perplexity_connector.cli.output import print_json, print_lines, say
from perplexity_connector.cli.records import Records
from perplexity_connector.cli.stopping import StopSignals
from perplexity_connector.cli.table_arguments import (
    budget_of,
    columns_of,
    retry_of,
    template_of,
)
from perplexity_connector.cli.table_lines import plan_lines, summary_line, trouble_lines
from perplexity_connector.cli.table_plan import may_begin
from perplexity_connector.cli.table_progress import TableProgress
from perplexity_connector.cli.table_work import table_work
from perplexity_connector.cli.targets import HostMaker, choose_target
from perplexity_connector.host import Host, HostOptions
from perplexity_connector.host.tables.params import AnyTableOptions

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        InvalidLineDocument,
        TableFinishedItem,
        TableItem,
        TablePlannedItem,
    )

# The first signal sends nothing new, the second stops at the provider, the third ends the process.
_REQUESTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TableArgs:
    """The arguments of `run-table`, as typed. `templates` are the FIELD=TEMPLATE.

    Without `action` and `table`, only the output of the job is written.
    """

    action: str | None = None
    table: str | None = None
    templates: Sequence[str] = ()
    out: str
    job: str | None = None
    budget: str | None = None
    at_once: int = 16
    key: str | None = None
    columns: Sequence[str] = ()
    plan: bool = False
    yes: bool = False
    ordered: bool = False
    fresh: bool = False
    retry: str | None = None
    raw: bool = False
    connection: str | None = None
    sandbox: bool = False
    as_json: bool = False


def run_table_action(args: TableArgs, make_host: HostMaker, records: Records) -> int:
    """Run an action or a flow for each line of a table. Return the exit code.

    Raises `UsageError` for a mistake in the arguments, `ConnectorError` for a table, a template or
    an output that cannot be used. Nothing is sent then.
    """
    action_name, table = action_and_table(args)
    host = make_host({})
    work = table_work(host, action_name, args.connection)
    template = template_of(args.templates, work.schema)
    options = table_options(args)
    connectors = [one for one in host.connectors() if one["id"] in work.connectors]
    target = choose_target(connectors, work.names, sandbox=args.sandbox)
    with StopSignals(_REQUESTS) as signals, target as chosen:
        host = make_host(
            HostOptions(
                settings=chosen.settings, ledger=records.ledger, sandbox=args.sandbox
            )
        )
        items = work.stream(host, table, template, chosen.connections, **options)
        return asyncio.run(_TableRun(args, host, signals).follow(items))


def action_and_table(args: TableArgs) -> tuple[str, str]:
    """Return both as typed. Raises `UsageError` without one of them."""
    if args.action is None or args.table is None:
        message = "Give ACTION and TABLE: an action or the file of a flow, and the file with a row on each line."
        raise UsageError(message)
    return args.action, args.table


def table_options(args: TableArgs) -> AnyTableOptions:
    """Return the options of the table but its connections. Raises `UsageError` for a mistake in them."""
    return AnyTableOptions(
        out=args.out,
        job=args.job,
        key=args.key,
        columns=columns_of(args.columns),
        budget=budget_of(args.budget),
        at_once=args.at_once,
        ordered=args.ordered,
        fresh=args.fresh,
        retry=retry_of(args.retry),
        raw=args.raw,
        plan_only=args.plan,
    )


class _TableRun:
    """One start of a table's job.

    * `_args`, `_host`, `_signals`: of the command.
    * `_delivery`: writes on stdout.
    """

    def __init__(self, args: TableArgs, host: Host, signals: StopSignals) -> None:
        """Show nothing yet."""
        self._args = args
        self._host = host
        self._signals = signals
        self._delivery = Delivery()

    async def follow(self, items: "AsyncGenerator[TableItem, None]") -> int:
        """Show the plan, ask, and show all that follows. Return the exit code."""
        async with self._host, aclosing(items):
            plan = cast("TablePlannedItem", await anext(items))
            self._show_plan(plan)
            is_shown = self._args.plan or self._delivery.has_failed
            # Nothing is sent before the next item. A signal still ends the command at once.
            if is_shown or not self._may_begin(plan):
                return self._delivery.code(ExitCode.SUCCEEDED)
            stop = functools.partial(self._host.cancel, plan["job_id"])
            with self._signals.asking(stop), closing(TableProgress(plan)) as progress:
                finished = await self._progress(items, progress)
            return self._end(plan, finished)

    def _show_plan(self, plan: "TablePlannedItem") -> None:
        if self._args.as_json:
            self._delivery.write(print_json, plan, on_one_line=True)
        elif self._args.plan:
            self._delivery.write(print_lines, plan_lines(plan))
        else:
            for line in plan_lines(plan):
                say(line)

    def _may_begin(self, plan: "TablePlannedItem") -> bool:
        args = self._args
        is_sure = args.yes or args.sandbox
        return may_begin(plan, is_sure=is_sure, has_budget=args.budget is not None)

    async def _progress(
        self, items: "AsyncGenerator[TableItem, None]", progress: TableProgress
    ) -> "TableFinishedItem":
        has_left = False
        while True:
            item = await anext(items)
            if self._args.as_json:
                self._delivery.write(print_json, item, on_one_line=True)
            if item["type"] == "table.finished":
                return item
            if item["type"] == "row.finished":
                progress.show(item)
            if self._delivery.reader_left and not has_left:
                has_left = True
                self._signals.ask()

    def _end(self, plan: "TablePlannedItem", finished: "TableFinishedItem") -> int:
        code = show_end(
            finished,
            self._delivery,
            as_json=self._args.as_json,
            invalid=plan["invalid"],
        )
        # A reader that left had all that it wanted.
        has_left = self._delivery.reader_left and self._signals.code is None
        if code == ExitCode.INTERRUPTED and has_left:
            code = ExitCode.SUCCEEDED
        is_signal = code == ExitCode.INTERRUPTED or self._signals.is_late
        return (is_signal and self._signals.code) or self._delivery.code(code)


def show_end(
    finished: "TableFinishedItem",
    delivery: Delivery,
    *,
    as_json: bool,
    invalid: "Sequence[InvalidLineDocument]" = (),
) -> ExitCode:
    """Show the end of a table. Return its exit code."""
    for line in trouble_lines(invalid, finished):
        say(line)
    if not as_json:
        delivery.write(print_lines, [summary_line(finished)])
    if finished["unsaved"] or finished["unsaved_lines"]:
        return ExitCode.INTERNAL
    match finished["reason"]:
        case "stopped":
            return ExitCode.INTERRUPTED
        case "budget":
            return ExitCode.NOT_ALLOWED
        case "failed":
            return EXIT_BY_ERROR.get(finished["cause"] or "", ExitCode.INTERNAL)
    rows = finished["rows"]
    is_whole = sum(rows.values()) == rows.get("done", 0) and not invalid
    return ExitCode.SUCCEEDED if is_whole else ExitCode.PARTLY
