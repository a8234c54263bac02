"""The open sessions of the HTTP server: clients that leave theirs open shut nobody out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import httpx

from perplexity_connector.adapters.mcp import make_server
from perplexity_connector.adapters.mcp.sessions import BoundedSessions
from perplexity_connector.contract import ActionContext, ActionResult
from tests.host.stage import CONNECTION, toy_host
from tests.toy.toy import ToyPlugin

ACCEPT = {"accept": "application/json, text/event-stream"}
WHO = {"name": "a client", "version": "1"}
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": WHO}


class Client:
    """A client that opens sessions, uses them, and never ends one by itself."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        """Speak through that client."""
        self._http = http
        self._ids = count(1)

    async def ask(
        self, session: str | None, method: str, params: Any
    ) -> httpx.Response:
        """The answer to one request."""
        call = {"jsonrpc": "2.0", "id": next(self._ids)}
        body = call | {"method": method, "params": params}
        headers = ACCEPT | ({"mcp-session-id": session} if session else {})
        return await self._http.post("/mcp", json=body, headers=headers)

    async def open(self) -> str:
        """The id of a new session."""
        answer = await self.ask(None, "initialize", HELLO)
        assert answer.status_code == 200, answer.text
        session: str = answer.headers["mcp-session-id"]
        return session

    async def uses(self, session: str) -> bool:
        """Whether that session is still open."""
        answer = await self.ask(session, "ping", {})
        assert answer.status_code in (200, 404)
        return answer.status_code == 200

    async def leave(self, session: str) -> int:
        """End a session."""
        headers = {"mcp-session-id": session}
        return (await self._http.delete("/mcp", headers=headers)).status_code


@asynccontextmanager
async def served(most: int, plugin: ToyPlugin | None = None) -> AsyncIterator[Client]:
    """A client of a server in this process, which keeps so many sessions."""
    server = make_server(toy_host(plugin or ToyPlugin()), {"toy": CONNECTION})
    app = server.streamable_http_app(host="0.0.0.0", max_sessions=most + 2)  # noqa: S104 - nothing listens
    bounded = BoundedSessions(app, path="/mcp", most=most, has_run=server.has_run)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(bounded), base_url="http://127.0.0.1:8000"
        ) as http,
    ):
        yield Client(http)


def test_the_session_that_is_idle_longest_ends_first() -> None:
    """Each use counts; a client that ends its session makes room by itself."""

    async def work() -> list[bool]:
        async with served(3) as client:
            first, second, third = [await client.open() for _ in range(3)]
            assert await client.uses(first)
            fourth = await client.open()
            assert await client.leave(fourth) == 200
            fifth = await client.open()
            return [
                await client.uses(one) for one in (first, second, third, fourth, fifth)
            ]

    assert asyncio.run(work()) == [True, False, True, False, True]


def test_a_session_with_an_active_run_is_never_ended() -> None:
    """Though it is idle longest, and its client has left the answer; afterwards it may end."""
    begun, over = asyncio.Event(), asyncio.Event()

    async def greet(_: Any, ctx: ActionContext) -> ActionResult:
        del ctx
        begun.set()
        await over.wait()
        return ActionResult(output={"text": "Hello"}, summary="Greeted.")

    async def work() -> list[bool]:
        async with served(2, ToyPlugin(greet=greet)) as client:
            busy = await client.open()
            call = {"name": "greet", "arguments": {"name": "Ada"}}
            asking = asyncio.create_task(client.ask(busy, "tools/call", call))
            await begun.wait()
            asking.cancel()
            others = [await client.open() for _ in range(4)]
            during = [await client.uses(one) for one in (busy, *others)]
            over.set()
            return during

    assert asyncio.run(work()) == [True, False, False, False, True]


def test_a_session_is_idle_from_the_end_of_its_last_run() -> None:
    """Others that were opened during the run end before it."""
    begun, over = asyncio.Event(), asyncio.Event()

    async def greet(_: Any, ctx: ActionContext) -> ActionResult:
        del ctx
        begun.set()
        await over.wait()
        return ActionResult(output={"text": "Hello"}, summary="Greeted.")

    async def work() -> list[bool]:
        async with served(2, ToyPlugin(greet=greet)) as client:
            busy = await client.open()
            call = {"name": "greet", "arguments": {"name": "Ada"}}
            asking = asyncio.create_task(client.ask(busy, "tools/call", call))
            await begun.wait()
            other = await client.open()
            over.set()
            await asking
            newest = await client.open()
            return [await client.uses(one) for one in (busy, other, newest)]

    assert asyncio.run(work()) == [True, False, True]


def test_refused_requests_open_and_end_nothing() -> None:
    """An opening of another form, and sessions that do not exist."""

    async def work() -> list[bool]:
        async with served(2) as client:
            opened = [await client.open() for _ in range(2)]
            for number in range(3):
                assert (await client.ask(None, "ping", {})).status_code == 400
                assert await client.leave(f"unknown-{number}") == 404
            return [await client.uses(one) for one in opened]

    assert asyncio.run(work()) == [True, True]


def test_more_runs_than_sessions_are_served() -> None:
    """The bound gives way up to the limit of the SDK, which refuses."""
    begun, over = asyncio.Semaphore(0), asyncio.Event()

    async def greet(_: Any, ctx: ActionContext) -> ActionResult:
        del ctx
        begun.release()
        await over.wait()
        return ActionResult(output={"text": "Hello"}, summary="Greeted.")

    async def work() -> tuple[list[int], int]:
        async with served(1, ToyPlugin(greet=greet)) as client:
            call = {"name": "greet", "arguments": {"name": "Ada"}}
            calls = []
            for _ in range(3):
                asking = client.ask(await client.open(), "tools/call", call)
                calls.append(asyncio.create_task(asking))
                await begun.acquire()
            refused = await client.ask(None, "initialize", HELLO)
            over.set()
            answers = await asyncio.gather(*calls)
            return [answer.status_code for answer in answers], refused.status_code

    assert asyncio.run(work()) == ([200, 200, 200], 503)
