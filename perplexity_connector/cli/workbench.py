"""The workbench on the command line: a server on loopback, and the browser that shows it."""

import tempfile
import threading
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import typer

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.sandboxing import can_stand_in, private_sandbox
from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.json import as_object, as_text
from perplexity_connector.host import ConnectionStore, Host, HostOptions

# So that an answer is seen to be written, as a real one is.
_DELTA_SECONDS = 0.03


def serve(
    make_host: Callable[[HostOptions], Host], *, port: int, sandbox: bool, browser: bool
) -> None:
    """Serve the workbench, saying where it is; Ctrl-C ends it quietly.

    Raises `UsageError` when the port is taken, or no connector can be pointed at a sandbox.
    """
    from perplexity_connector.workbench.server import WorkbenchServer  # noqa: PLC0415 - a web server: heavy

    def ready(address: str) -> None:
        typer.echo(f"The workbench is at {address}\nCtrl-C stops it.")
        if browser:
            # Some browsers run in the terminal and return when they are closed: not on the server's own thread.
            threading.Thread(
                target=webbrowser.open, args=(address,), daemon=True
            ).start()

    with ExitStack() as stack:
        options = (
            stack.enter_context(_sandboxed(make_host({}))) if sandbox else HostOptions()
        )
        try:
            server = WorkbenchServer(
                make_host(options), port=port, sandbox=sandbox, ready=ready
            )
        except OSError as problem:
            message = f"Port {port} cannot be used: {problem.strerror}. Choose another one, or 0 for any free one."
            raise UsageError(message) from None
        server.serve_until_stopped()


@contextmanager
def _sandboxed(host: Host) -> Iterator[HostOptions]:
    """A host's options that know a sandbox, test keys and an empty store alone: no real key ever gets there."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        settings: dict[str, Mapping[str, str]] = {}
        environ: dict[str, str] = {}
        for connector in filter(can_stand_in, _connectors(host)):
            target = stack.enter_context(private_sandbox(connector, _DELTA_SECONDS))
            settings |= target.settings
            given = as_object(target.connection)
            variables = as_object(as_object(connector["connection"])["env"])
            environ |= {
                as_text(name): as_text(given[field])
                for field, name in variables.items()
                if field in given
            }
        if not settings:
            message = "There is no connector that can be pointed at a sandbox."
            raise UsageError(message)
        yield HostOptions(
            settings=settings, environ=environ, store=ConnectionStore(Path(folder), {})
        )


def _connectors(host: Host) -> list[JsonObject]:
    actions = {
        as_text(entry["connector"]): as_text(entry["action"])
        for entry in host.actions()
    }
    return [
        as_object(host.describe(connector, action)["connector"])
        for connector, action in actions.items()
    ]
