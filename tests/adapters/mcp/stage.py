"""What the tests of the MCP server stand on: servers in processes of their own, and the official client."""

import asyncio
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from mcp import Client, StdioServerParameters
from mcp.server import Server

from perplexity_connector.sandbox import GOOD_KEY, Sandbox

T = TypeVar("T")
COMMAND = [sys.executable, "-m", "perplexity_connector", "mcp"]
ERAS = ["auto", "legacy"]
QUESTION = {
    "model": "sonar",
    "messages": [{"role": "user", "content": "How far away is the Moon?"}],
}
SLOW = {
    "model": "sonar-pro",
    "messages": [{"role": "user", "content": "sandbox:slow moon"}],
}
CHAT = "perplexity-create_chat_completion"
SEARCH = "perplexity-execute_search"
# In the `_meta` of a call: asks for the run's envelope.
WITH_ENVELOPE: Any = {"automation-host/envelope": True}
_URL = re.compile(r"http://\S+/mcp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A server over HTTP: where it is, and its process."""

    url: str
    process: "subprocess.Popen[str]"


@dataclass(slots=True)
class Progress:
    """A progress callback that keeps what it was told."""

    numbers: list[float] = field(default_factory=list)
    words: list[str | None] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(
        self, progress: float, total: float | None, message: str | None
    ) -> None:
        """Keep it."""
        del total
        self.numbers.append(progress)
        self.words.append(message)
        if len(self.words) > 5:
            self.begun.set()


def environment(base_url: str, key: str = GOOD_KEY, **more: str) -> dict[str, str]:
    """The environment of a server whose provider is a sandbox."""
    return {
        **os.environ,
        "PERPLEXITY_BASE_URL": base_url,
        "PERPLEXITY_API_KEY": key,
        **more,
    }


def stdio(base_url: str, key: str = GOOD_KEY, *arguments: str) -> StdioServerParameters:
    """How a client starts a server of its own."""
    return StdioServerParameters(
        command=COMMAND[0],
        args=[*COMMAND[1:], *arguments],
        env=environment(base_url, key),
    )


@contextmanager
def http(base_url: str, *arguments: str, **more: str) -> Iterator[Served]:
    """A server over HTTP on a free port, ended by Ctrl-C if it is still there."""
    process = subprocess.Popen(
        [*COMMAND, "--http", "0", *arguments],
        env=environment(base_url, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stderr
            found = next(filter(None, map(_URL.search, process.stderr)))
            yield Served(url=found.group(), process=process)
        finally:
            process.terminate()


class Session:
    """A client that many tests share: it stays connected, on a thread and an event loop of its own."""

    def __init__(
        self, server: Server[Any] | StdioServerParameters | str, mode: str
    ) -> None:
        """Connect when it is entered."""
        self._server = server
        self._mode = mode
        self._connected: Future[Client] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()))

    def __enter__(self) -> Self:
        """Wait until the client is connected."""
        self._thread.start()
        self._connected.result(60)
        return self

    def __exit__(self, *trouble: object) -> None:
        """Disconnect, which ends a server over stdio."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def do(self, work: Callable[[Client], Awaitable[T]]) -> T:
        """Return the result of `work` with the client."""

        async def done() -> T:
            async with asyncio.timeout(60):
                return await work(self._connected.result())

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result()

    async def _main(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with Client(self._server, mode=self._mode) as client:
                self._connected.set_result(client)
                await self._over.wait()
        except BaseException as trouble:
            if self._connected.done():
                raise
            self._connected.set_exception(trouble)


def in_client(
    server: StdioServerParameters | str,
    work: Callable[[Client], Awaitable[T]],
    mode: str = "auto",
) -> T:
    """What `work` gives with a client of that server."""

    async def connected() -> T:
        async with asyncio.timeout(60), Client(server, mode=mode) as client:
            return await work(client)

    return asyncio.run(connected())


def until(holds: Callable[[], bool]) -> None:
    """Wait for what another process brings about; fails after ten seconds."""
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline


def stopped_runs(sandbox: Sandbox) -> int:
    """How many runs the provider was asked to stop."""
    return sum(
        request.path.endswith("/cancel") and request.status == 200
        for request in sandbox.requests
    )
