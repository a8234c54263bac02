"""The commands of `perplexity-connector` and their arguments.

Imports are inside the commands, so that `actions` and `describe` start fast (docs/performance.md).
"""

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perplexity_connector.cli.ending import reporting_errors
from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.output import print_json, print_lines, say
from perplexity_connector.contract.json import as_text
from perplexity_connector.host import Host

if TYPE_CHECKING:
    from perplexity_connector.cli.journal import Journal
    from perplexity_connector.cli.targets import Settings
    from perplexity_connector.host import HostOptions

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Run the actions of installed connectors, such as Perplexity's, from the command line.",
)

ActionName = Annotated[
    str, typer.Argument(metavar="ACTION", help="An action, such as execute_search.")
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON on stdout, and nothing else.")
]
ConnectionName = Annotated[
    str | None,
    typer.Option(
        "--connection",
        metavar="NAME",
        help="Use this stored connection. By default, the environment's key is used.",
    ),
]
UseSandbox = Annotated[
    bool, typer.Option("--sandbox", help="Use a private sandbox: no key, no cost.")
]
Stream = Annotated[
    bool, typer.Option("--stream", help="Show the answer, or the events, live.")
]
Port = Annotated[
    int, typer.Option(min=0, max=65535, help="The port; 0 takes any free one.")
]


def main() -> None:
    """Run the command line of this process, and exit with its code."""
    for name in ("stdin", "stdout", "stderr"):
        # A process can be started without one of them.
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("r+", encoding="utf-8"))  # noqa: SIM115 - open until the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    app(prog_name="perplexity-connector")


def make_host(settings: "Settings") -> Host:
    """Make the host that runs the actions. Tests replace this."""
    return Host(settings=settings)


def make_workbench_host(options: "HostOptions") -> Host:
    """Make the host behind the workbench. Tests replace this."""
    return Host(**options)


def journal_folder() -> Path:
    """Return the folder of the unfinished runs. Tests replace this.

    Raises `UsageError` if the user has no home folder.
    """
    from perplexity_connector.host.environment import state_folder

    try:
        return state_folder("perplexity-connector") / "runs"
    except RuntimeError:
        message = (
            "Unfinished runs are kept in the home folder, but you have none. Set HOME."
        )
        raise UsageError(message) from None


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("perplexity-connector"))
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
def actions(*, as_json: AsJson = False) -> None:
    """List the available actions."""
    from perplexity_connector.cli.palette import palette_lines

    host = make_host({})
    entries = host.actions()
    if as_json:
        print_json(entries)
    else:
        print_lines(palette_lines(entries))
    _show_missing_connectors(host)


@app.command()
@reporting_errors()
def describe(action: ActionName, *, as_json: AsJson = False) -> None:
    """Show an action's fields, output, examples and credential."""
    from perplexity_connector.cli.palette import description_lines, find_action

    host = make_host({})
    _show_missing_connectors(host)
    description = host.describe(*find_action(host.actions(), action))
    if as_json:
        print_json(description)
    else:
        print_lines(description_lines(description))


@app.command()
@reporting_errors()
def run(  # noqa: PLR0913 - each option of the command is a parameter
    action: Annotated[
        str,
        typer.Argument(
            metavar="ACTION",
            help="An action, such as execute_search. Leave it out with --resume.",
        ),
    ] = "",
    fields: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FIELD=VALUE",
            help="Values for the input; dots lead inside: a.b=1, list.0.a=1.",
        ),
    ] = None,
    *,
    document: Annotated[
        str | None,
        typer.Option(
            "--input", metavar="JSON|@FILE|-", help="The input as JSON; - reads stdin."
        ),
    ] = None,
    example: Annotated[
        bool, typer.Option("--example", help="Start from the action's first example.")
    ] = False,
    stream: Stream = False,
    sandbox: UseSandbox = False,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="RUN_ID",
            help="Resume a run that a crash or a failure cut short.",
        ),
    ] = None,
    connection: ConnectionName = None,
    timeout: Annotated[
        float | None,
        typer.Option(metavar="S", help="Maximum seconds for the whole run."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run an action and show its result.

    Exit codes: 0 succeeded; 2 invalid input or usage; 3 credentials, permission or quota; 4 rate
    limited, unavailable or timed out; 5 refused, or an unusable answer; 6 a search whose queries
    failed in part; 1 internal; 130 interrupted.
    """
    from perplexity_connector.cli.running import RunArgs, run_action

    _check_timeout(timeout)
    _check_sandbox(sandbox, connection)
    _silence_logs()
    args = RunArgs(
        action=action,
        assignments=fields or (),
        document=document,
        example=example,
        stream=stream,
        sandbox=sandbox,
        resume=resume,
        connection=connection,
        timeout=timeout,
        as_json=as_json,
    )
    raise typer.Exit(run_action(args, make_host, _journal()))


@app.command()
@reporting_errors()
def run_flow(  # noqa: PLR0913 - each option of the command is a parameter
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A saved flow; - reads stdin.")
    ],
    *,
    connection: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Use this stored connection instead of those that the steps name.",
        ),
    ] = None,
    sandbox: UseSandbox = False,
    timeout: Annotated[
        float | None,
        typer.Option(metavar="S", help="Maximum seconds for each step."),
    ] = None,
    stream: Stream = False,
    as_json: AsJson = False,
) -> None:
    """Run the steps of a saved flow and show each result.

    The first step that does not succeed ends the flow. The exit code is that of its run, see `run`.
    """
    from perplexity_connector.cli.flow_running import FlowArgs, run_saved_flow

    _check_timeout(timeout)
    _check_sandbox(sandbox, connection)
    _silence_logs()
    args = FlowArgs(
        file=file,
        connection=connection,
        sandbox=sandbox,
        timeout=timeout,
        stream=stream,
        as_json=as_json,
    )
    raise typer.Exit(run_saved_flow(args, make_host, _journal()))


@app.command()
@reporting_errors()
def connect(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="The name of the connection; asked for if left out.",
        ),
    ] = None,
    *,
    connector: Annotated[
        str | None,
        typer.Option(metavar="ID", help="The connector, if there are several."),
    ] = None,
    test: Annotated[
        bool, typer.Option("--test/--no-test", help="Test it before it is saved.")
    ] = True,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the key of a stored connection.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Store a connection. Its key is asked for without being shown, or read from stdin.

    The key is kept encrypted. Nothing is saved if the test fails. Exit codes are those of `test`.
    """
    from perplexity_connector.cli import connecting

    _silence_logs()
    args = connecting.ConnectArgs(
        name=name, connector=connector, test=test, replace=replace, as_json=as_json
    )
    raise typer.Exit(connecting.connect(make_host({}), args))


@app.command(name="connections")
@reporting_errors()
def list_connections(*, as_json: AsJson = False) -> None:
    """List the stored connections. Keys are never shown."""
    from perplexity_connector.cli import connections

    connections.list_connections(make_host({}), as_json=as_json)


@app.command(name="test")
@reporting_errors()
def check_connections(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="A stored connection; all if left out."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Test a stored connection, or all of them and the environment's. It costs nothing.

    Exit codes: 0 ok; 3 invalid_credentials, permission_denied or quota_exhausted; 4 rate_limited
    or unreachable; 5 unknown.
    """
    from perplexity_connector.cli import connections

    _silence_logs()
    host = make_host({})
    raise typer.Exit(connections.check_connections(host, name, as_json=as_json))


@app.command()
@reporting_errors()
def disconnect(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A stored connection.")],
) -> None:
    """Remove a stored connection."""
    from perplexity_connector.cli import connections

    connections.disconnect(make_host({}), name)


@app.command(name="models")
@reporting_errors()
def list_models(
    search: Annotated[
        str,
        typer.Argument(metavar="[WORDS]", help="Only models that match these words."),
    ] = "",
    *,
    connection: ConnectionName = None,
    sandbox: UseSandbox = False,
    as_json: AsJson = False,
) -> None:
    """List the models to choose from, with their meaning or price."""
    from perplexity_connector.cli import language_models

    _check_sandbox(sandbox, connection)
    _silence_logs()
    language_models.show_models(
        make_host, connection, search, sandbox=sandbox, as_json=as_json
    )


@app.command()
@reporting_errors()
def sandbox(*, port: Port = 0) -> None:
    """Serve a local copy of the Perplexity API until Ctrl-C."""
    from perplexity_connector.cli.sandboxing import serve_sandbox

    serve_sandbox(port)


@app.command()
@reporting_errors()
def workbench(
    *,
    port: Port = 0,
    sandbox: UseSandbox = False,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open it in a browser.")
    ] = True,
) -> None:
    """Serve a web page to try the actions in, for this machine only, until Ctrl-C."""
    from perplexity_connector.cli.workbench import serve_workbench

    _silence_logs()
    serve_workbench(make_workbench_host, port=port, sandbox=sandbox, browser=browser)


@app.command()
@reporting_errors()
def mcp(
    *,
    http: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            metavar="PORT",
            help="Serve HTTP on this port; 0 takes any free one.",
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            "--host",
            metavar="ADDRESS",
            help="The address for --http. All but loopback need a token.",
        ),
    ] = None,
    connection: ConnectionName = None,
    sandbox: UseSandbox = False,
) -> None:
    """Serve the actions as tools to an MCP client, over stdin and stdout, or over HTTP.

    If PERPLEXITY_MCP_TOKEN is set, HTTP clients must send it as a bearer token.
    """
    from perplexity_connector.cli.mcp import McpArgs, serve_tools

    _check_sandbox(sandbox, connection)
    _silence_retries()
    args = McpArgs(port=http, address=address, connection=connection, sandbox=sandbox)
    serve_tools(args, make_host)


def _journal() -> "Journal":
    from perplexity_connector.cli.journal import Journal

    return Journal(journal_folder())


def _show_missing_connectors(host: Host) -> None:
    for problem in host.problems():
        name = as_text(problem.get("connector"))
        message = as_text(problem.get("message"))
        say(f"warning: connector {name}: {message}")


def _check_timeout(timeout: float | None) -> None:
    if timeout is not None and not 0 < timeout < float("inf"):
        message = "must be more than 0 seconds"
        raise typer.BadParameter(message, param_hint="--timeout")


def _check_sandbox(sandbox: bool, connection: str | None) -> None:
    if sandbox and connection is not None:
        message = "--sandbox has its own connection. Remove --connection."
        raise UsageError(message)


def _silence_logs() -> None:
    import logging

    # The envelope has all that a run reports. Without a handler, logging would print it again.
    logging.getLogger().addHandler(logging.NullHandler())
    _silence_retries()


def _silence_retries() -> None:
    from stamina.instrumentation import set_on_retry_hooks

    set_on_retry_hooks([])
