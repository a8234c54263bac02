"""The commands of `prefect` and their arguments.

Imports are inside the commands, so that `actions` and `describe` start fast (docs/performance.md).
"""

from typing import Annotated

import typer

from perplexity_connector.cli import hosts
from perplexity_connector.cli.ending import reporting_errors
from perplexity_connector.cli.options import (
    ActionName,
    AsJson,
    ConnectionName,
    silence_logs,
)
from perplexity_connector.cli.table_commands import (
    TABLE,
    TEMPLATES,
    AsJsonLines,
    AtOnce,
    Columns,
    Key,
    MostUsd,
    Out,
    Raw,
    Retry,
    Yes,
)

prefect = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Run actions and tables on workers of Prefect. Needs the [prefect] extra.",
)


@prefect.command()
@reporting_errors()
def setup(
    *,
    pool: Annotated[
        str, typer.Option(metavar="NAME", help="The work pool, made if it is new.")
    ] = "perplexity",
    as_json: AsJson = False,
) -> None:
    """Make what our flows need on Prefect's server.

    Run it again to renew that.

    A work pool of processes, the type of the credentials block, a deployment for each action and for
    tables, and one automation, which schedules our runs again when their worker is lost.
    PREFECT_API_URL names the server.
    """
    from perplexity_connector.cli.prefect_setup import set_up_server

    raise typer.Exit(set_up_server(pool, as_json=as_json))


@prefect.command()
@reporting_errors()
def run_table(  # noqa: PLR0913 - each option of the command is a parameter
    action: ActionName,
    table: Annotated[str, TABLE],
    fields: Annotated[list[str], TEMPLATES],
    *,
    out: Out,
    job: Annotated[
        str, typer.Option(metavar="NAME", help="Name the job in the ledger.")
    ],
    chunks: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many flow runs share the rows.")
    ] = 2,
    budget: MostUsd = None,
    at_once: AtOnce = 16,
    key: Key = None,
    column: Columns = None,
    yes: Yes = False,
    retry: Retry = None,
    raw: Raw = False,
    connection: ConnectionName = None,
    as_json: AsJsonLines = False,
) -> None:
    """Run an action for each line of a table, on workers of Prefect.

    The table is read and the output is written here; the workers share the ledger, which
    AUTOMATION_HOST_LEDGER names. --connection is the name of a saved block. Ctrl-C stops watching:
    the flow runs go on. The same command again does only the rows that are left.

    Exit codes: as of run-table; 1 if a flow run has crashed, 130 if one was cancelled.
    """
    from perplexity_connector.cli.prefect_running import PrefectArgs, run_on_prefect

    silence_logs()
    args = PrefectArgs(
        action=action,
        table=table,
        templates=tuple(fields),
        out=out,
        job=job,
        chunks=chunks,
        budget=budget,
        at_once=at_once,
        key=key,
        columns=tuple(column or ()),
        yes=yes,
        retry=retry,
        raw=raw,
        connection=connection,
        as_json=as_json,
    )
    with hosts.make_records() as records:
        raise typer.Exit(run_on_prefect(args, hosts.make_host, records))
