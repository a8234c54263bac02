"""The commands `runs` and `usage`, and their arguments.

Imports are inside the commands, so that `actions` and `describe` start fast (docs/performance.md).
"""

from typing import Annotated

import typer

from perplexity_connector.cli import hosts
from perplexity_connector.cli.ending import reporting_errors
from perplexity_connector.cli.options import (
    AsJson,
    ConnectionName,
    Since,
    silence_logs,
)

# `last` is another run than for the other commands: the newest one may have ended.
Resumable = Annotated[
    str,
    typer.Argument(
        metavar="RUN_ID|last", help="A run's id, or last for the newest unfinished run."
    ),
]
RunOrJob = Annotated[
    str,
    typer.Argument(
        metavar="ID|last",
        help="A run's id, a job's id or name, or last for the newest.",
    ),
]

runs = typer.Typer(
    invoke_without_command=True,
    rich_markup_mode=None,
    help="List the recorded runs; show, resume, cancel or forget one.",
)


@runs.callback()
@reporting_errors()
def list_runs(
    context: typer.Context,
    *,
    status: Annotated[
        str | None,
        typer.Option(
            metavar="STATE",
            help="Only runs in this state: planned, claimed, sent, begun, done, failed or unsure.",
        ),
    ] = None,
    since: Since = None,
    limit: Annotated[
        int, typer.Option(min=1, help="At most so many runs, the newest.")
    ] = 50,
    as_json: AsJson = False,
) -> None:
    """List the recorded runs, newest first: when, action, state, cost and first words.

    A table is one line; an unfinished one says since when.
    """
    if context.invoked_subcommand is not None:
        return
    from perplexity_connector.cli.history import list_history

    with hosts.make_records() as records:
        list_history(records, status, since, limit, as_json=as_json)


@runs.command()
@reporting_errors()
def show(run: RunOrJob, *, as_json: AsJson = False) -> None:
    """Show all that is recorded of a run or a job."""
    from perplexity_connector.cli.history import show_entry

    with hosts.make_records() as records:
        show_entry(records, run, as_json=as_json)


@runs.command()
@reporting_errors()
def resume(
    run: Resumable, *, connection: ConnectionName = None, as_json: AsJson = False
) -> None:
    """Go on with a run that a crash or a failure cut short, or show its answer again."""
    from perplexity_connector.cli.running import RunArgs, run_action

    silence_logs()
    with hosts.make_records() as records:
        args = RunArgs(resume=run, connection=connection, as_json=as_json)
        raise typer.Exit(run_action(args, hosts.make_host, records))


@runs.command()
@reporting_errors()
def cancel(run: RunOrJob) -> None:
    """Ask the process that works on a run or a job to stop it."""
    from perplexity_connector.cli.history import cancel_entry

    with hosts.make_records() as records:
        cancel_entry(records, run)


@runs.command()
@reporting_errors()
def forget(run: RunOrJob) -> None:
    """Close a run or a job, and erase all that was asked and answered in it. Costs stay counted."""
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
) -> None:
    """Show the runs, tokens and costs of a time, by model, action, connection or day (UTC)."""
    from perplexity_connector.cli.usage import show_usage

    with hosts.make_records() as records:
        show_usage(records, by, since, as_json=as_json)
