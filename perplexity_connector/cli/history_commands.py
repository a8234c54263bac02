"""The commands `runs` and `usage`, and their arguments.

Imports are inside the commands, so that `actions` and `describe` start fast (docs/performance.md).
"""

from typing import Annotated

import typer

from perplexity_connector.cli import hosts
from perplexity_connector.cli.ending import reporting_errors
from perplexity_connector.cli.options import (
    SEARCHED,
    AsJson,
    ConnectionName,
    Plain,
    Since,
    silence_logs,
)
from perplexity_connector.cli.terminal import use_plain

# `last` is another run than for the other commands: the newest one may have ended.
Resumable = Annotated[
    str,
    typer.Argument(
        metavar="ID|last",
        help="A run's or a flow's id, or last for the newest unfinished one.",
    ),
]
RunOrJob = Annotated[
    str,
    typer.Argument(
        metavar="ID|last",
        help="The id of a run, a flow or a job, a job's name, or last for the newest.",
    ),
]

runs = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode=None,
    help="List the recorded runs; show, resume, cancel or forget one.",
)


@runs.callback()
@reporting_errors()
def list_runs(  # noqa: PLR0913 - each option of the command is a parameter
    context: typer.Context,
    *,
    status: Annotated[
        str | None,
        typer.Option(
            metavar="STATE",
            help="Only runs and jobs in this state (planned, claimed, sent, begun, done, failed, unsure), "
            "or flows (running, interrupted, succeeded, failed, cancelled).",
        ),
    ] = None,
    search: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help=f"Only entries with this text in their {SEARCHED}.",
        ),
    ] = None,
    since: Since = None,
    limit: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="At most so many entries, the newest."),
    ] = 50,
    as_json: AsJson = False,
    plain: Plain = False,
) -> None:
    """List the recorded runs, newest first: when, action, state, cost and first words.

    A flow is one line, and so is a table. An unfinished table says since when.
    """
    if context.invoked_subcommand is not None:
        return
    from perplexity_connector.cli.history import Wanted, list_history

    use_plain(plain)
    wanted = Wanted(status=status, search=search, since=since, limit=limit)
    with hosts.make_records() as records:
        list_history(records, wanted, as_json=as_json)


@runs.command()
@reporting_errors()
def show(run: RunOrJob, *, as_json: AsJson = False, plain: Plain = False) -> None:
    """Show all that is recorded of a run, a flow or a job."""
    from perplexity_connector.cli.history import show_entry

    use_plain(plain)
    with hosts.make_records() as records:
        show_entry(records, run, as_json=as_json)


@runs.command()
@reporting_errors()
def resume(
    run: Resumable,
    *,
    connection: ConnectionName = None,
    as_json: AsJson = False,
    plain: Plain = False,
) -> None:
    """Go on with a run or a flow that was cut short.

    A run that has ended is shown again.
    """
    from perplexity_connector.cli.resuming import resume_entry

    silence_logs()
    use_plain(plain)
    with hosts.make_records() as records:
        code = resume_entry(records, hosts.make_host, run, connection, as_json=as_json)
        raise typer.Exit(code)


@runs.command()
@reporting_errors()
def cancel(run: RunOrJob) -> None:
    """Ask the process that works on a run, a flow or a job to stop it."""
    from perplexity_connector.cli.history import cancel_entry

    with hosts.make_records() as records:
        cancel_entry(records, run)


@runs.command()
@reporting_errors()
def forget(run: RunOrJob) -> None:
    """Erase the input and the output of a run, a flow or a job.

    It is closed: nothing can go on with it. Its costs stay counted.
    """
    from perplexity_connector.cli.history import forget_entry

    with hosts.make_records() as records:
        forget_entry(records, run)


@reporting_errors()
def usage(
    *,
    by: Annotated[
        str,
        typer.Option(metavar="WORD", help="model, action, connection or day."),
    ] = "model",
    since: Since = "30d",
    as_json: AsJson = False,
    plain: Plain = False,
) -> None:
    """Show what the runs of a time have cost.

    By model, action, connection or day (UTC).
    """
    from perplexity_connector.cli.usage import show_usage

    use_plain(plain)
    with hosts.make_records() as records:
        show_usage(records, by, since, as_json=as_json)
