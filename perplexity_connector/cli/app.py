"""The commands of `perplexity-connector` and their arguments.

Imports are inside the commands, so that `actions` and `describe` start fast (docs/performance.md).
"""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Annotated

import typer

from perplexity_connector.cli import (
    connection_commands,
    history_commands,
    hosts,
    prefect_commands,
    run_commands,
    server_commands,
    table_commands,
)
from perplexity_connector.cli.ending import reporting_errors
from perplexity_connector.cli.examples import EPILOG, add_examples
from perplexity_connector.cli.exits import ExitCode
from perplexity_connector.cli.options import ActionName, AsJson, Plain
from perplexity_connector.cli.output import print_json, say
from perplexity_connector.cli.shortcuts import COMPLETE, PROGRAM, Commands
from perplexity_connector.cli.terminal import print_page, use_plain
from perplexity_connector.host import Host

# The parser's own class has no public name, and it depends on typer's version.
_ParseError: type[Exception] = typer.BadParameter.__bases__[0]

app = typer.Typer(
    cls=Commands,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EPILOG,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Run the actions of installed connectors, such as Perplexity's, from the command line.",
)


def main() -> None:
    """Run the command line of this process, and exit with its code."""
    for name in ("stdin", "stdout", "stderr"):
        # A process can be started without one of them.
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("r+", encoding="utf-8"))  # noqa: SIM115 - open until the end
    with _prepared_output("stdout"), _prepared_output("stderr"):
        sys.exit(_run())


def _prepared_output(name: str) -> AbstractContextManager[None]:
    """Let a stream write UTF-8, and, until the block ends, each text to its end."""
    given = getattr(sys, name)
    if isinstance(given, io.TextIOWrapper):
        given.reconfigure(encoding="utf-8", errors="replace")
    raw: object = getattr(given, "buffer", None)
    return _buffered(name, raw) if isinstance(raw, io.RawIOBase) else nullcontext()


@contextmanager
def _buffered(name: str, raw: io.RawIOBase) -> Iterator[None]:
    # `python -u`, as in many containers. Such a stream drops what one call of the system does not
    # take, after a signal or on a nearly full disk, and reports no error.
    given = getattr(sys, name)
    buffer = io.BufferedWriter(raw)
    whole = io.TextIOWrapper(buffer, "utf-8", "replace", line_buffering=True)
    setattr(sys, name, whole)
    try:
        yield
    finally:
        setattr(sys, name, given)
        # The file belongs to the given stream, so it stays open.
        with suppress(OSError):
            whole.detach()
            buffer.detach()


def _run() -> int:
    try:
        if os.environ.get(COMPLETE):
            from perplexity_connector.cli.completing import complete

            return complete(app)
        code: int | None = app(prog_name=PROGRAM, standalone_mode=False)
    except _ParseError as mistake:
        from perplexity_connector.cli.parsing import report_parse_error

        report_parse_error(mistake, is_empty=not sys.argv[1:])
        return ExitCode.INVALID
    except (KeyboardInterrupt, typer.Abort):
        return ExitCode.INTERRUPTED
    return code or ExitCode.SUCCEEDED


def _print_version(wanted: bool) -> None:
    if wanted:
        from perplexity_connector.contract.version import own_version

        typer.echo(own_version())
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    del version


@app.command()
@reporting_errors()
def actions(*, as_json: AsJson = False, plain: Plain = False) -> None:
    """List the available actions."""
    from perplexity_connector.cli.palette import palette_lines

    use_plain(plain)
    host = hosts.make_host({})
    entries = host.actions()
    if as_json:
        print_json(entries)
    else:
        print_page(palette_lines(entries))
    _show_missing_connectors(host)


@app.command()
@reporting_errors()
def describe(
    action: ActionName, *, as_json: AsJson = False, plain: Plain = False
) -> None:
    """Show an action's fields, output, examples and credential."""
    from perplexity_connector.cli.palette import description_lines, find_action

    use_plain(plain)
    host = hosts.make_host({})
    _show_missing_connectors(host)
    description = host.describe(*find_action(host.actions(), action))
    if as_json:
        print_json(description)
    else:
        print_page(description_lines(description))


@app.command()
@reporting_errors()
def where(*, as_json: AsJson = False) -> None:
    """Show the places of all files, the settings and the versions.

    The files are the stored connections, the ledger of runs, saved flows and tables. Each setting has
    its source. Keys and passwords are not shown.
    """
    from perplexity_connector.cli.where import show_places

    host = hosts.make_host({})
    show_places(host, as_json=as_json)
    _show_missing_connectors(host)


@app.command()
@reporting_errors()
def completion(
    shell: Annotated[
        str,
        typer.Argument(metavar="SHELL", help="bash, zsh, fish, powershell or pwsh."),
    ],
) -> None:
    """Print a script that lets a shell complete command lines.

    It completes commands, actions, fields, connections, models and the ids of runs. For this shell:
    eval "$(perplexity-connector completion bash)". For each new one, put that into ~/.bashrc.
    """
    from perplexity_connector.cli.completing import print_script

    print_script(shell)


app.command()(run_commands.run)
app.command()(run_commands.run_flow)
app.command()(table_commands.run_table)
app.add_typer(history_commands.runs, name="runs")
app.command()(history_commands.usage)
app.command()(connection_commands.connect)
app.command(name="connections")(connection_commands.list_connections)
app.command(name="test")(connection_commands.check_connections)
app.command()(connection_commands.disconnect)
app.command(name="models")(connection_commands.list_models)
app.command()(server_commands.sandbox)
app.command()(server_commands.workbench)
app.command()(server_commands.mcp)
app.add_typer(prefect_commands.prefect, name="prefect")
add_examples(app)


def _show_missing_connectors(host: Host) -> None:
    for problem in host.problems():
        say(f"warning: connector {problem['connector']}: {problem['message']}")
