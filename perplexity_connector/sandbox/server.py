"""The sandbox as a server on the loopback interface: in a background thread, or in the foreground."""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from types import TracebackType
from typing import Self

import uvicorn

from perplexity_connector.sandbox.app import create_app
from perplexity_connector.sandbox.state import RequestRecord, State

_HOST = "127.0.0.1"
_GRACE_SECONDS = 2


class Sandbox:
    """A context manager that runs a sandbox while it is entered, on its own thread and its own event loop.

    It installs no signal handler, and can be entered from any thread, once.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        slow_seconds: float = 1.0,
        delta_seconds: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """A sandbox not yet running.

        Args:
            port: Where to listen; 0 is any free port.
            slow_seconds: How long `sandbox:slow-first-byte` waits.
            delta_seconds: The pause after each event of a stream.
            clock: Gives epoch seconds, to the rate limits and to `created_at`.
        """
        self._port = port
        self._state = State(
            clock=clock, slow_seconds=slow_seconds, delta_seconds=delta_seconds
        )
        self._server: _Server | None = None
        self._thread: Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on; 0 before it is entered if any free one will do."""
        return self._port

    @property
    def url(self) -> str:
        """The base URL, such as `http://127.0.0.1:43211`."""
        return f"http://{_HOST}:{self._port}"

    @property
    def billed_runs(self) -> int:
        """How many POSTs have started a run."""
        return self._state.billed_runs

    @property
    def billed_searches(self) -> int:
        """How many POSTs have been searched for."""
        return self._state.billed_searches

    @property
    def requests(self) -> list[RequestRecord]:
        """Every request to the API that was answered, in order. A stream is recorded as it begins."""
        return list(self._state.requests)

    def __enter__(self) -> Self:
        """The sandbox, already listening.

        Raises:
            OSError: the port is taken.
        """
        listener = _listen(self._port)
        self._port = listener.getsockname()[1]
        self._server = _Server(self._state)
        self._thread = Thread(
            target=self._server.run,
            args=([listener],),
            name="perplexity-sandbox",
            daemon=True,
        )
        self._thread.start()
        self._server.listening.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends streams under way and stops the server; its thread is over when this returns."""
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join()


def serve(port: int, ready: Callable[[str], None]) -> None:
    """Runs a sandbox until Ctrl-C, and then ends quietly.

    Args:
        port: Where to listen; 0 is any free port.
        ready: Told the base URL as soon as it answers.

    Raises:
        OSError: the port is taken.
    """
    with suppress(KeyboardInterrupt), Sandbox(port) as sandbox:
        ready(sandbox.url)
        Event().wait()


class _Server(uvicorn.Server):
    """uvicorn, saying when it listens, and telling the streams under way that it is closing."""

    def __init__(self, state: State) -> None:
        # No logging set-up: a workbench in the same process may have its own.
        super().__init__(
            uvicorn.Config(
                create_app(state),
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self.listening = Event()
        self._state = state

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts, and says so."""
        await super().startup(sockets)
        self.listening.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends the streams under way, then stops."""
        self._state.closing.set()
        await super().shutdown(sockets)


def _listen(port: int) -> socket.socket:
    # asyncio turns Nagle's delay off only where the socket names its protocol; each event is to be a packet of its own.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
    except OSError:
        listener.close()
        raise
    return listener
