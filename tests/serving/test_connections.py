"""Connections that say nothing, or nothing good, take no place from the others. On real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from perplexity_connector.serving import connections
from perplexity_connector.serving.listener import LOOPBACK, listen
from perplexity_connector.serving.middleware import RefusalMiddleware
from perplexity_connector.serving.server import NotifyingServer, quiet_config

GOOD, WRONG = "/good", "/wrong"


@dataclass(frozen=True, slots=True)
class Connection:
    """A client's connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, path: str) -> int:
        """The status of the answer."""
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split()[0])
        await self.reader.readexactly(length)
        return int(head.split()[1])

    async def is_closed(self) -> bool:
        """Whether the server closes it, now or soon."""
        return await self.reader.read() == b""


Connect = Callable[[], Awaitable[Connection]]


@asynccontextmanager
async def served(most: int) -> AsyncIterator[Connect]:
    """A server with room for so many admitted connections, which refuses the wrong path."""

    async def hello(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("hello")(scope, receive, send)

    def refuse(request: Request) -> Response | None:
        is_wrong = request.url.path == WRONG
        return PlainTextResponse("no", 403) if is_wrong else None

    answers = asyncio.Event()
    app = RefusalMiddleware(hello, refuse)
    server = NotifyingServer(
        quiet_config(app, lifespan="off", grace_seconds=1, max_connections=most),
        on_ready=answers.set,
        on_stop=lambda: None,
    )
    listener = listen(LOOPBACK, 0)
    port = listener.getsockname()[1]
    serving = asyncio.create_task(server.serve([listener]))
    await answers.wait()
    opened: list[Connection] = []

    async def connect() -> Connection:
        opened.append(Connection(*await asyncio.open_connection(LOOPBACK, port)))
        return opened[-1]

    try:
        yield connect
    finally:
        for one in opened:
            one.writer.close()
        server.should_exit = True
        await serving


def test_the_oldest_stranger_makes_room_for_a_new_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that was refused is a stranger still; an admitted one is not, as long as it stays."""
    monkeypatch.setattr(connections, "MOST_STRANGERS", 2)

    async def work() -> None:
        async with served(9) as connect:
            admitted = await connect()
            assert await admitted.ask(GOOD) == 200
            refused, silent = await connect(), await connect()
            assert await refused.ask(WRONG) == 403
            newest = await connect()
            assert await refused.is_closed()
            assert await newest.ask(GOOD) == 200
            assert await silent.ask(GOOD) == 200
            assert await admitted.ask(GOOD) == 200

    asyncio.run(work())


def test_any_number_of_silent_connections_shuts_nobody_out() -> None:
    """With the numbers as they are."""

    async def work() -> None:
        async with served(2) as connect:
            for _ in range(connections.MOST_STRANGERS + 20):
                await connect()
            assert await (await connect()).ask(GOOD) == 200

    asyncio.run(work())


def test_a_stranger_is_closed_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it says nothing, or sends its request too slowly."""
    monkeypatch.setattr(connections, "STRANGER_SECONDS", 0.2)

    async def work() -> None:
        async with served(9) as connect:
            admitted, silent, slow = [await connect() for _ in range(3)]
            assert await admitted.ask(GOOD) == 200
            slow.writer.write(b"GET / HTTP/1.1\r\n")
            assert await silent.is_closed()
            assert await slow.is_closed()
            assert await admitted.ask(GOOD) == 200

    asyncio.run(work())


def test_too_many_admitted_connections_are_told_so() -> None:
    """503, until one of them goes; those that are in stay in."""

    async def work() -> None:
        async with served(2) as connect:
            first, second, third = [await connect() for _ in range(3)]
            assert await first.ask(GOOD) == await second.ask(GOOD) == 200
            assert await third.ask(GOOD) == 503
            assert await first.ask(GOOD) == 200
            second.writer.close()
            while await third.ask(GOOD) == 503:
                pass

    asyncio.run(work())
