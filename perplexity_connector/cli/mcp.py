"""The actions as an MCP server, for the client that started this process or for any over HTTP."""

import asyncio
import logging
import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from importlib.util import find_spec

import typer

from perplexity_connector.cli.connections import NAME, known_name
from perplexity_connector.cli.exits import ExitCode, UsageError
from perplexity_connector.cli.progress import say
from perplexity_connector.cli.running import HostMaker
from perplexity_connector.cli.sandboxing import RunTarget, private_sandbox
from perplexity_connector.contract import Secret
from perplexity_connector.contract.json import as_object, as_text
from perplexity_connector.host import Host

TOKEN = "PERPLEXITY_MCP_TOKEN"  # noqa: S105 - the variable's name
# v1 of the SDK has no such package.
_EXTRA = "mcp_types"
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class McpArgs:
    """The server that is to run, as it was typed; without a port it serves stdin and stdout."""

    port: int | None
    address: str | None
    connection: str | None
    sandbox: bool


def serve(service: McpArgs, make_host: HostMaker) -> None:
    """Serve until the client leaves, or until Ctrl-C, and then end quietly.

    Raises `UsageError` for what cannot be served so, `typer.Exit` without the `[mcp]` extra.
    """
    if service.address is not None and service.port is None:
        message = "--host says where to serve HTTP: give a port with --http."
        raise UsageError(message)
    if find_spec(_EXTRA) is None:
        say("error: This command needs: pip install 'perplexity-connector[mcp]'")
        raise typer.Exit(ExitCode.INTERNAL)
    _log_to_stderr()
    with ExitStack() as stack:
        targets = _targets(service, make_host({}), stack)
        settings = {
            connector: found
            for target in targets.values()
            for connector, found in target.settings.items()
        }
        connections = {
            connector: target.connection
            for connector, target in targets.items()
            if target.connection
        }
        with suppress(KeyboardInterrupt):
            asyncio.run(_serve(service, make_host(settings), connections))


def _targets(service: McpArgs, host: Host, stack: ExitStack) -> Mapping[str, RunTarget]:
    """What each connector's tools go against; those that are not named have the real service and the environment."""
    if service.connection is not None and service.sandbox:
        message = (
            "A private sandbox has a connection of its own: name none with --sandbox."
        )
        raise UsageError(message)
    if service.connection is not None:
        name = known_name(host, service.connection)
        kept = next(kept for kept in host.connections.list() if kept[NAME] == name)
        return {as_text(kept["connector"]): RunTarget(connection=name)}
    if not service.sandbox:
        return {}
    found = {
        as_text(entry["connector"]): as_text(entry["action"])
        for entry in host.actions()
    }
    return {
        connector: stack.enter_context(
            private_sandbox(as_object(host.describe(connector, action)["connector"]))
        )
        for connector, action in found.items()
    }


async def _serve(
    service: McpArgs, host: Host, connections: Mapping[str, str | Mapping[str, str]]
) -> None:
    from perplexity_connector.adapters import mcp  # noqa: PLC0415 - it imports the extra

    server = mcp.make_server(host, connections)
    if service.port is None:
        await mcp.serve_stdio(server)
        return
    token = os.environ.get(TOKEN)
    address = service.address or _LOOPBACK
    options = mcp.HttpOptions(
        address=address, port=service.port, token=Secret(token) if token else None
    )
    if options.token is None and not options.is_loopback:
        message = f"Serving beyond this machine needs a token: set {TOKEN} to a long random text."
        raise UsageError(message)
    try:
        await mcp.serve_http(
            server, options, lambda url: say(f"Serving MCP at {url}; Ctrl-C stops it.")
        )
    except OSError as problem:
        message = f"{address} port {service.port} cannot be used: {problem.strerror}."
        raise UsageError(message) from None


def _log_to_stderr() -> None:
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s: %(message)s"
    )
    for handler in logging.getLogger().handlers:
        # A traceback may hold what a client sent; the message alone says what to look for.
        handler.addFilter(_without_traceback)


def _without_traceback(record: logging.LogRecord) -> bool:
    record.exc_info = record.exc_text = record.stack_info = None
    return True
