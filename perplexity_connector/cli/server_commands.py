"""The commands that serve until Ctrl-C, and their arguments.

Imports are inside the commands, so that `actions` and `describe` start fast (docs/performance.md).
"""

from typing import Annotated

import typer

from perplexity_connector.cli import hosts
from perplexity_connector.cli.ending import reporting_errors
from perplexity_connector.cli.options import (
    ConnectionName,
    Port,
    UseSandbox,
    check_sandbox,
    check_timeout,
    silence_logs,
    silence_retries,
)


@reporting_errors()
def sandbox(*, port: Port = 0) -> None:
    """Serve a local copy of the Perplexity API until Ctrl-C."""
    from perplexity_connector.cli.sandboxing import serve_sandbox

    serve_sandbox(port)


@reporting_errors()
def workbench(
    *,
    port: Port = 0,
    sandbox: UseSandbox = False,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open it in a browser.")
    ] = True,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Also answer to this name, for a proxy or a tunnel in front; may be repeated.",
        ),
    ] = None,
) -> None:
    """Serve a web page to try the actions in, until Ctrl-C.

    Only browsers of this machine can open it, or a proxy or a tunnel that --allow-host names.
    """
    from perplexity_connector.cli.workbench import WorkbenchArgs, serve_workbench

    silence_logs()
    args = WorkbenchArgs(
        port=port, sandbox=sandbox, browser=browser, allowed=tuple(allow_host or ())
    )
    with hosts.make_records() as records:
        serve_workbench(hosts.make_host, args, records)


@reporting_errors()
def mcp(  # noqa: PLR0913 - each option of the command is a parameter
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
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Serve loopback by this name too, for a TLS proxy or a container. Repeatable.",
        ),
    ] = None,
    connection: ConnectionName = None,
    sandbox: UseSandbox = False,
    timeout: Annotated[
        float | None,
        typer.Option(metavar="S", help="Maximum seconds for each call."),
    ] = None,
) -> None:
    """Serve the actions as tools to an MCP client.

    It speaks over stdin and stdout, or with --http over HTTP.

    If PERPLEXITY_MCP_TOKEN is set, HTTP clients must send it as a bearer token.
    """
    from perplexity_connector.cli.mcp import McpArgs, serve_tools

    check_timeout(timeout)
    check_sandbox(sandbox, connection)
    silence_retries()
    args = McpArgs(
        port=http,
        address=address,
        names=allow_host or (),
        connection=connection,
        sandbox=sandbox,
        timeout=timeout,
    )
    with hosts.make_records() as records:
        serve_tools(args, hosts.make_host, records)
