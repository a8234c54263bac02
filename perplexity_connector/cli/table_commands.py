"""The command `run-table` and its arguments.

Imports are inside the command, so that `actions` and `describe` start fast (docs/performance.md).
"""

from typing import Annotated

import typer

from perplexity_connector.cli import hosts
from perplexity_connector.cli.ending import reporting_errors
from perplexity_connector.cli.options import (
    ConnectionName,
    Plain,
    UseSandbox,
    check_sandbox,
    silence_logs,
)
from perplexity_connector.cli.terminal import use_plain

Action = Annotated[
    str | None,
    typer.Argument(
        metavar="ACTION",
        help="An action, such as execute_search, or the .json file of a saved flow.",
    ),
]
TABLE = typer.Argument(metavar="TABLE", help="A .csv or .jsonl file.")
TEMPLATES = typer.Argument(
    metavar="FIELD=TEMPLATE",
    help="A text for each field: {name} is the cell of that column, {{name}} is literal. FIELD:=JSON is JSON. "
    "A flow without them takes the columns that have the names of its inputs.",
)
Out = Annotated[
    str,
    typer.Option(metavar="FILE", help="The output: one record for each valid line."),
]
Job = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Name the job; by default, FILE does."),
]
MostUsd = Annotated[
    str | None,
    typer.Option(
        metavar="USD", help="The most that the job may cost, over all its starts."
    ),
]
AtOnce = Annotated[
    int, typer.Option(min=1, metavar="N", help="How many rows run at once.")
]
Key = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="The column that names a row.")
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=/POINTER",
        help="A column of the output, from the run's output. Repeatable.",
    ),
]
PlanOnly = Annotated[
    bool, typer.Option("--plan", help="Show the plan and its price, and end.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Ordered = Annotated[
    bool, typer.Option("--ordered", help="Write the records in the table's order.")
]
Fresh = Annotated[
    bool,
    typer.Option(
        "--fresh", help="Begin a new job that pays again. The old output is FILE.1."
    ),
]
Retry = Annotated[
    str | None,
    typer.Option(
        metavar="failed|unsure",
        help="Run such rows again. An unsure one may be paid twice.",
    ),
]
Raw = Annotated[
    bool,
    typer.Option(
        "--raw", help="Do not escape answers that a spreadsheet reads as formulas."
    ),
]
AsJsonLines = Annotated[
    bool,
    typer.Option(
        "--json", help="Print each event as a line of JSON on stdout, and nothing else."
    ),
]


@reporting_errors()
def run_table(  # noqa: PLR0913 - each option of the command is a parameter
    action: Action = None,
    table: Annotated[str | None, TABLE] = None,
    fields: Annotated[list[str] | None, TEMPLATES] = None,
    *,
    out: Out,
    job: Job = None,
    budget: MostUsd = None,
    at_once: AtOnce = 16,
    key: Key = None,
    column: Columns = None,
    plan: PlanOnly = False,
    yes: Yes = False,
    ordered: Ordered = False,
    fresh: Fresh = False,
    retry: Retry = None,
    raw: Raw = False,
    connection: ConnectionName = None,
    sandbox: UseSandbox = False,
    as_json: AsJsonLines = False,
    plain: Plain = False,
) -> None:
    """Run an action or a flow for each line of a table. The same command again runs only the missing rows.

    The plan and its price are shown first. On a terminal it asks; elsewhere a likely price above 1
    USD needs --budget or --yes. Ctrl-C sends nothing new and leaves what the provider has begun;
    a second one stops that too.

    With --job and --out alone it sends nothing, and writes FILE with all rows of that job that are
    done by now, wherever they ran.

    Exit codes: 0 every line is done; 6 some lines are invalid, failed or unsure, or go on; 2 invalid
    table or usage; 3 the budget, or credentials, permission or quota, ended it; 4 the provider was
    unavailable; 5 unsupported; 1 internal, or records that could not be written; stopped by a
    signal: 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP.
    """
    from perplexity_connector.cli.table_running import TableArgs, run_table_action
    from perplexity_connector.cli.table_writing import write_table

    check_sandbox(sandbox, connection)
    silence_logs()
    use_plain(plain)
    args = TableArgs(
        action=action,
        table=table,
        templates=tuple(fields or ()),
        out=out,
        job=job,
        budget=budget,
        at_once=at_once,
        key=key,
        columns=tuple(column or ()),
        plan=plan,
        yes=yes,
        ordered=ordered,
        fresh=fresh,
        retry=retry,
        raw=raw,
        connection=connection,
        sandbox=sandbox,
        as_json=as_json,
    )
    with hosts.make_records() as records:
        work = run_table_action if action else write_table
        raise typer.Exit(work(args, hosts.make_host, records))
