"""The command `mcp`: serves the actions as MCP tools, over stdin and stdout or over HTTP."""

import asyncio
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import typer

from perplexity_connector.cli.connections import connection_by_connector
from perplexity_connector.cli.exits import ExitCode, UsageError
from perplexity_connector.cli.output import say
from perplexity_connector.cli.records import Records
from perplexity_connector.cli.targets import (
    Connection,
    HostMaker,
    choose_target,
    with_sandbox,
)
from perplexity_connector.contract import Secret
from perplexity_connector.host import Host, HostOptions
from perplexity_connector.rendering.text import one_line

if TYPE_CHECKING:
    from perplexity_connector.adapters.mcp import HttpOptions

TOKEN = "PERPLEXITY_MCP_TOKEN"  # noqa: S105 - the variable's name
# Version 1 of the SDK does not have this package.
_EXTRA = "mcp_types"
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class McpArgs:
    """The arguments of `mcp`, as typed. Without a port it serves stdin and stdout."""

    port: int | None
    address: str | None
    names: Sequence[str] = ()
    connection: str | None
    sandbox: bool
    timeout: float | None = None


def serve_tools(args: McpArgs, make_host: HostMaker, records: Records) -> None:
    """Serve until the client leaves or Ctrl-C is pressed.

    With a sandbox, connectors that have none are not served. Raises `UsageError` for a mistake in
    the arguments, `typer.Exit` without the `[mcp]` extra.
    """
    if args.port is None and (args.names or args.address is not None):
        option = "--host" if args.address is not None else "--allow-host"
        message = f"{option} needs a port for HTTP: add --http PORT."
        raise UsageError(message)
    if find_spec(_EXTRA) is None:
        say("error: This command needs: pip install 'perplexity-connector[mcp]'")
        raise typer.Exit(ExitCode.INTERNAL)
    _log_to_stderr()
    host = make_host(HostOptions())
    connections = connection_by_connector(host, args.connection)
    connectors = with_sandbox(host.connectors()) if args.sandbox else ()
    target = choose_target(connectors, connections, sandbox=args.sandbox)
    with target as chosen, suppress(KeyboardInterrupt):
        options = HostOptions(
            settings=chosen.settings,
            connectors=chosen.settings.keys() if args.sandbox else None,
            ledger=records.ledger,
            sandbox=args.sandbox,
        )
        host = make_host(options)
        asyncio.run(_serve(args, host, chosen.connections))


async def _serve(
    args: McpArgs, host: Host, connections: Mapping[str, Connection]
) -> None:
    from perplexity_connector.adapters import mcp  # noqa: PLC0415 - it imports the extra

    server = mcp.make_server(host, connections, timeout=args.timeout)
    if args.port is None:
        await mcp.serve_stdio(server)
        return
    try:
        await mcp.serve_http(
            server,
            _http_options(args, args.port),
            lambda url: say(f"Serving MCP at {url}; Ctrl-C stops it."),
        )
    except OSError as problem:
        message = (
            f"Port {args.port} of that address cannot be used: {problem.strerror}."
        )
        raise UsageError(message) from None


def _http_options(args: McpArgs, port: int) -> "HttpOptions":
    from perplexity_connector.adapters import mcp  # noqa: PLC0415 - it imports the extra

    secret = os.environ.get(TOKEN)
    token = Secret(secret) if secret else None
    address = args.address or _LOOPBACK
    try:
        options = mcp.HttpOptions(
            address=address, port=port, token=token, names=args.names
        )
    except ValueError:
        message = f"No client can send the token in {TOKEN}: use visible ASCII characters, without spaces."
        raise UsageError(message) from None
    if token is None and not options.is_loopback:
        message = f"Serving beyond this machine needs a token: set {TOKEN} to a long random text."
        raise UsageError(message)
    return options


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)


class _OneLine(logging.Formatter):
    """Writes a log record on one line, safe for a terminal: a name in it may be from a manifest."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a traceback: that may hold what a client sent."""
        return one_line(f"{record.levelname}: {record.getMessage()}")
