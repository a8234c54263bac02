"""The sandbox as a server on loopback: in a background thread, or in the foreground."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from types import TracebackType
from typing import Self

from perplexity_connector.sandbox.app import create_app
from perplexity_connector.sandbox.state import RequestRecord, State
from perplexity_connector.serving.listener import LOOPBACK, listen
from perplexity_connector.serving.server import NotifyingServer, quiet_config

_GRACE_SECONDS = 2


class Sandbox:
    """A context manager that runs a sandbox in a thread and an event loop of its own.

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
        """Make a sandbox that is not running yet.

        Args:
            port: Where to listen; 0 takes any free port.
            slow_seconds: How long `sandbox:slow-first-byte` waits.
            delta_seconds: The pause after each event of a stream.
            clock: Returns epoch seconds, for the rate limits and for `created_at`.
        """
        self._port = port
        self._state = State(
            clock=clock, slow_seconds=slow_seconds, delta_seconds=delta_seconds
        )
        self._listening = Event()
        self._server = NotifyingServer(
            quiet_config(
                create_app(self._state), lifespan="off", grace_seconds=_GRACE_SECONDS
            ),
            on_ready=self._listening.set,
            on_stop=self._state.closing.set,
        )
        self._thread: Thread | None = None

    @property
    def port(self) -> int:
        """Return the port that it listens on; a requested 0 stays 0 until it is entered."""
        return self._port

    @property
    def url(self) -> str:
        """Return the base URL, such as `http://127.0.0.1:43211`."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def billed_runs(self) -> int:
        """Return how many POST requests have started a run."""
        return self._state.billed_runs

    @property
    def billed_searches(self) -> int:
        """Return how many POST requests have searched."""
        return self._state.billed_searches

    @property
    def requests(self) -> list[RequestRecord]:
        """Return every answered API request, in order. A stream is recorded when it begins."""
        return list(self._state.requests)

    def __enter__(self) -> Self:
        """Listen, and return once requests are answered.

        Raises:
            OSError: the port is taken.
        """
        listener = listen(LOOPBACK, self._port)
        self._port = listener.getsockname()[1]
        self._thread = Thread(
            target=self._server.run,
            args=([listener],),
            name="perplexity-sandbox",
            daemon=True,
        )
        self._thread.start()
        self._listening.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End open streams and stop the server; its thread has ended when this returns."""
        if self._thread:
            self._server.should_exit = True
            self._thread.join()


@contextmanager
def start(*, pace: float) -> Iterator[str]:
    """Run a sandbox until the block ends, and give its base URL: `sandbox.start` of the manifest.

    `pace` is the pause in seconds after each event of a stream.
    """
    with Sandbox(delta_seconds=pace) as sandbox:
        yield sandbox.url


def serve(port: int, ready: Callable[[str], None]) -> None:
    """Run a sandbox until Ctrl-C, and then end quietly.

    Args:
        port: Where to listen; 0 takes any free port.
        ready: Called with the base URL once the sandbox answers.

    Raises:
        OSError: the port is taken.
    """
    with suppress(KeyboardInterrupt), Sandbox(port) as sandbox:
        ready(sandbox.url)
        Event().wait()
