"""What the tests of the MCP server stand on: servers in processes of their own, and the official client."""

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from mcp import Client, StdioServerParameters

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
CHAT = "create_chat_completion"
SEARCH = "execute_search"
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
