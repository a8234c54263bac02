"""The commands of `perplexity-connector`, and what each takes from the command line.

Each command imports what it carries its args out with, when it is given: to look at what there is must not cost what a
run needs (docs/performance.md).
"""

import io
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perplexity_connector.cli.ending import told_to_the_user
from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.progress import say
from perplexity_connector.contract.json import as_text
from perplexity_connector.host import Host

if TYPE_CHECKING:
    from perplexity_connector.cli.journal import Journal
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


def main() -> None:
    """Run the command line of this process; it ends with the exit code."""
    for name in ("stdin", "stdout", "stderr"):
        # A process may be begun without one of them.
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("r+", encoding="utf-8"))  # noqa: SIM115 - for good
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    app(prog_name="perplexity-connector")


def make_host(settings: Mapping[str, Mapping[str, str]]) -> Host:
    """The host that runs the actions; tests put another in its place."""
    return Host(settings=settings)


def make_workbench_host(options: "HostOptions") -> Host:
    """The host behind the workbench; tests put another in its place."""
    return Host(**options)


def journal_folder() -> Path:
    """Where unfinished runs are kept; tests put another in its place. Raises `UsageError` where there is no home."""
    from platformdirs import user_state_path

    try:
        return user_state_path("perplexity-connector") / "runs"
    except RuntimeError:
        message = "There is no home folder to keep an unfinished run in: set HOME."
        raise UsageError(message) from None


def _tell_version(wanted: bool) -> None:
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
            callback=_tell_version,
            is_eager=True,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    del version


@app.command()
def actions(*, as_json: AsJson = False) -> None:
    """List the actions there are."""
    from perplexity_connector.cli import palette
    from perplexity_connector.rendering.text import json_text

    with told_to_the_user():
        host = make_host({})
        entries = host.actions()
        lines = (
            [json_text(entries, indent=2)]
            if as_json
            else palette.palette_lines(entries)
        )
        for line in lines:
            typer.echo(line)
        _tell_problems(host)


@app.command()
def describe(action: ActionName, *, as_json: AsJson = False) -> None:
    """Show an action's fields, output, examples and credential."""
    from perplexity_connector.cli import palette
    from perplexity_connector.rendering.text import json_text

    with told_to_the_user():
        host = make_host({})
        _tell_problems(host)
        description = host.describe(*palette.find(host.actions(), action))
        lines = (
            [json_text(description, indent=2)]
            if as_json
            else palette.description_lines(description)
        )
        for line in lines:
            typer.echo(line)


@app.command()
def run(  # noqa: PLR0913 - each option of the command is a parameter
    action: Annotated[
        str,
        typer.Argument(
            metavar="ACTION",
            help="An action, such as execute_search; none with --resume.",
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
    stream: Annotated[
        bool,
        typer.Option("--stream", help="Show the answer, or the events, as they come."),
    ] = False,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Use a private sandbox: no key, no cost.")
    ] = False,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="RUN_ID",
            help="Go on with a run that a crash or a failure cut short.",
        ),
    ] = None,
    connection: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A stored connection; the environment's key if left out.",
        ),
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds the run may take in all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run an action and show what it gives back.

    Exit codes: 0 succeeded; 2 invalid input or usage; 3 credentials, permission or quota; 4 rate limited, unavailable
    or timed out; 5 refused, or an unusable answer; 1 internal; 130 interrupted.
    """
    from perplexity_connector.cli import running

    _check_timeout(timeout)
    _silence_logs()
    args = running.RunArgs(
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
    with told_to_the_user():
        raise typer.Exit(running.carry_out(args, make_host, _journal()))


@app.command()
def run_flow(  # noqa: PLR0913 - each option of the command is a parameter
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A saved flow; - reads stdin.")
    ],
    *,
    connection: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A stored connection, in place of those that the steps name.",
        ),
    ] = None,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Use a private sandbox: no key, no cost.")
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option(metavar="S", help="Seconds that each step may take in all."),
    ] = None,
    stream: Annotated[
        bool,
        typer.Option("--stream", help="Show the answers, or the events, as they come."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run the steps of a saved flow, and show what each gives back.

    The first step that does not succeed ends the flow; the exit code is that of its run, see `run`.
    """
    from perplexity_connector.cli import flow_running

    _check_timeout(timeout)
    _silence_logs()
    args = flow_running.FlowArgs(
        file=file,
        connection=connection,
        sandbox=sandbox,
        timeout=timeout,
        stream=stream,
        as_json=as_json,
    )
    with told_to_the_user():
        raise typer.Exit(flow_running.carry_out(args, make_host, _journal()))


@app.command()
def connect(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="What to call it; asked for if left out."),
    ] = None,
    *,
    connector: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Whose connection it is, if several fit."),
    ] = None,
    test: Annotated[
        bool, typer.Option("--test/--no-test", help="Test it before it is saved.")
    ] = True,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the key of a stored connection.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Store a connection: its key is asked for without being shown, or read from stdin, and kept encrypted.

    Nothing is saved unless the test finds it good. Exit codes are those of `test`.
    """
    from perplexity_connector.cli import connecting

    _silence_logs()
    wish = connecting.ConnectArgs(
        name=name, connector=connector, test=test, replace=replace, as_json=as_json
    )
    with told_to_the_user():
        raise typer.Exit(connecting.connect(make_host({}), wish))


@app.command(name="connections")
def list_connections(*, as_json: AsJson = False) -> None:
    """List the stored connections; keys are never shown."""
    from perplexity_connector.cli import connections

    with told_to_the_user():
        connections.list_connections(make_host({}), as_json=as_json)


@app.command(name="test")
def try_connections(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="A stored connection; all if left out."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Test a stored connection, or all of them and the environment's. It costs nothing.

    Exit codes: 0 ok; 3 invalid_credentials, permission_denied or quota_exhausted; 4 rate_limited or unreachable; 5
    unknown.
    """
    from perplexity_connector.cli import connections

    _silence_logs()
    with told_to_the_user():
        raise typer.Exit(
            connections.try_connections(make_host({}), name, as_json=as_json)
        )


@app.command()
def disconnect(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A stored connection.")],
) -> None:
    """Forget a stored connection."""
    from perplexity_connector.cli import connections

    with told_to_the_user():
        connections.disconnect(make_host({}), name)


@app.command(name="models")
def list_models(
    search: Annotated[
        str,
        typer.Argument(metavar="[WORDS]", help="Only models that hold these words."),
    ] = "",
    *,
    connection: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A stored connection to ask with."),
    ] = None,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Ask a private sandbox.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the models that can be picked, with what they stand for or cost."""
    from perplexity_connector.cli import language_models

    _silence_logs()
    with told_to_the_user():
        language_models.show_models(
            make_host, connection, search, sandbox=sandbox, as_json=as_json
        )


@app.command()
def sandbox(
    *,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port; 0 takes any free one.")
    ] = 0,
) -> None:
    """Serve a local stand-in for the Perplexity API until Ctrl-C."""
    from perplexity_connector.cli import sandboxing

    with told_to_the_user():
        sandboxing.serve_until_interrupted(port)


@app.command(name="workbench")
def show_workbench(
    *,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port; 0 takes any free one.")
    ] = 0,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Use a private sandbox: no key, no cost.")
    ] = False,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open it in a browser.")
    ] = True,
) -> None:
    """Serve a web page to try the actions in, for this machine only, until Ctrl-C."""
    from perplexity_connector.cli import workbench

    _silence_logs()
    with told_to_the_user():
        workbench.serve(
            make_workbench_host, port=port, sandbox=sandbox, browser=browser
        )


@app.command(name="mcp")
def serve_tools(
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
            help="With --http; all but loopback need a token.",
        ),
    ] = None,
    connection: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A stored connection; the environment's key if left out.",
        ),
    ] = None,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Use a private sandbox: no key, no cost.")
    ] = False,
) -> None:
    """Serve the actions as tools to an MCP client, over stdin and stdout, or over HTTP.

    Over HTTP, clients must send the bearer token in PERPLEXITY_MCP_TOKEN, if there is one.
    """
    from perplexity_connector.cli import mcp

    _silence_retries()
    service = mcp.McpArgs(
        port=http, address=address, connection=connection, sandbox=sandbox
    )
    with told_to_the_user():
        mcp.serve(service, make_host)


def _journal() -> "Journal":
    from perplexity_connector.cli.journal import Journal

    return Journal(journal_folder())


def _tell_problems(host: Host) -> None:
    for problem in host.problems():
        say(
            f"warning: connector {as_text(problem.get('connector'))}: {as_text(problem.get('message'))}"
        )


def _check_timeout(timeout: float | None) -> None:
    if timeout is not None and not 0 < timeout < float("inf"):
        message = "must be more than 0 seconds"
        raise typer.BadParameter(message, param_hint="--timeout")


def _silence_logs() -> None:
    import logging

    # What a run has to say is in its envelope; logging's own last resort would put it on stderr a second time.
    logging.getLogger().addHandler(logging.NullHandler())
    _silence_retries()


def _silence_retries() -> None:
    from stamina.instrumentation import set_on_retry_hooks

    set_on_retry_hooks([])
