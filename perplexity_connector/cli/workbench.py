"""The command `workbench`: serves the page on loopback and opens a browser."""

import threading
import webbrowser
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import typer

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.records import Records
from perplexity_connector.cli.targets import (
    HostMaker,
    sandbox_options,
    with_sandbox,
)
from perplexity_connector.host import HostOptions
from perplexity_connector.serving.listener import is_host_name

# Slow enough to watch the answer being written, as a real one is.
_PACE_SECONDS = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkbenchArgs:
    """The arguments of `workbench`, as typed; `allowed` are the names of a proxy or a tunnel."""

    port: int
    sandbox: bool
    browser: bool
    allowed: Sequence[str]


def serve_workbench(
    make_host: HostMaker, args: WorkbenchArgs, records: Records
) -> None:
    """Serve the workbench and print its addresses; return after Ctrl-C.

    Raises `UsageError` if the port is taken, a name is not one, or no connector has a sandbox.
    """
    if not all(map(is_host_name, args.allowed)):
        message = (
            "--allow-host takes a name, such as bench.example.org or localhost:9000."
        )
        raise UsageError(message)
    from perplexity_connector.workbench.launch import redirect_page  # noqa: PLC0415 - slow to import: a web server
    from perplexity_connector.workbench.server import WorkbenchServer  # noqa: PLC0415 - likewise

    def announce(address: str) -> None:
        typer.echo(f"The workbench is at {address}")
        for other in server.other_addresses:
            typer.echo(f"Through a proxy or a tunnel: {other}")
        typer.echo("Ctrl-C stops it.")
        if args.browser:
            page = server.until_stop.enter_context(redirect_page(server.single_address))
            # Some browsers run in the terminal and return when they are closed.
            # The server's own thread must not wait for them.
            threading.Thread(
                target=webbrowser.open, args=(page.as_uri(),), daemon=True
            ).start()

    host_options: AbstractContextManager[HostOptions] = nullcontext(HostOptions())
    if args.sandbox:
        connectors = with_sandbox(make_host({}).connectors())
        host_options = sandbox_options(connectors, _PACE_SECONDS)
    with host_options as options:
        options["ledger"] = records.ledger
        try:
            server = WorkbenchServer(
                make_host(options),
                port=args.port,
                sandbox=args.sandbox,
                ready=announce,
                allowed=args.allowed,
                ledger=records.ledger,
            )
        except OSError as problem:
            reason = problem.strerror
            message = f"Port {args.port} cannot be used: {reason}. Choose another port, or 0 for any free one."
            raise UsageError(message) from None
        server.serve_until_stopped()
