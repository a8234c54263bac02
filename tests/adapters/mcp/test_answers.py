"""Over HTTP, a short call that asked for no progress is answered in one piece; nothing is streamed for it."""

import asyncio
import json
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager
from contextvars import Context
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp_types import HEADER_MISMATCH
from mcp_types.jsonrpc import jsonrpc_message_adapter

from perplexity_connector.adapters.mcp import HttpOptions, make_server, serve_http
from perplexity_connector.adapters.mcp import server as server_module
from perplexity_connector.adapters.mcp.answers import OnePiece
from perplexity_connector.adapters.mcp.bodies import RepairedBodies
from perplexity_connector.contract import ActionContext, ActionResult
from perplexity_connector.host import Host
from tests.adapters.mcp.stage import CHAT, QUESTION, SEARCH, Served
from tests.host.stage import CONNECTION, changed, toy_host
from tests.toy.toy import ToyPlugin

HEADERS = {"accept": "application/json, text/event-stream"}
MODERN = "2026-07-28"
META = "io.modelcontextprotocol/"
CALL = "tools/call"


def request(
    method: str, name: object, meta: object = None, number: int | None = 1
) -> Any:
    """A message about a tool; a notification without a number."""
    params = {"name": name} if meta is None else {"name": name, "_meta": meta}
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    return message if number is None else {**message, "id": number}


@pytest.mark.parametrize(
    ("message", "whole"),
    [
        (request(CALL, "short"), True),
        (request(CALL, "short", {"other": 1}), True),
        (request(CALL, "short", {"progressToken": 0}), False),
        (request(CALL, "short", "no object"), True),
        (request(CALL, "long"), False),
        (request(CALL, ["short"]), False),
        (request("tools/list", "short"), False),
        (request(CALL, "short", number=None), False),
        ({"jsonrpc": "2.0", "id": 1, "method": CALL}, False),
        ({"jsonrpc": "2.0", "id": 1, "result": {}}, False),
        (None, False),
    ],
)
def test_only_a_short_call_without_a_token_is_answered_in_one_piece(
    message: Any, whole: bool
) -> None:
    """Each message chooses anew, whatever the one before it on the connection was."""
    switch = OnePiece(lambda name: name == "short")
    read = jsonrpc_message_adapter.validate_python

    def choose() -> Iterator[bool]:
        yield bool(switch)
        for before in (request(CALL, "short"), None):
            switch.heed(before and read(before))
            switch.heed(message and read(message))
            yield bool(switch)

    assert Context().run(list, choose()) == [False, whole, whole]


def test_a_call_is_short_if_it_ends_within_a_minute() -> None:
    """By its manifest, or by the bound that the operator gave."""
    assert make_server(Host(environ={}), {}).is_short(SEARCH)
    assert not make_server(Host(environ={}), {}).is_short(CHAT)
    assert not make_server(Host(environ={}), {}).is_short("no_such_tool")
    assert make_server(Host(environ={}), {}, timeout=60).is_short(CHAT)
    assert not make_server(Host(environ={}), {}, timeout=61).is_short(SEARCH)


class Caller:
    """A client of a server over HTTP, in one era of the protocol."""

    def __init__(self, http: httpx.AsyncClient, *, modern: bool) -> None:
        """Speak through that client."""
        self._http = http
        self._modern = modern
        self._headers = dict(HEADERS)
        self._number = 0

    async def open(self) -> None:
        """Open a session where there are sessions."""
        if self._modern:
            self._headers["mcp-protocol-version"] = MODERN
            return
        who = {"name": "a client", "version": "1"}
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": who}
        opened = await self._ask("initialize", hello)
        self._headers["mcp-session-id"] = opened.headers["mcp-session-id"]

    async def call(
        self, tool: str, arguments: Any, token: str | None = None, **headers: str
    ) -> httpx.Response:
        """The answer to a call."""
        meta: dict[str, Any] = {} if token is None else {"progressToken": token}
        if self._modern:
            meta |= {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": {}}
            headers |= {"mcp-method": CALL, "mcp-name": tool}
        params = {"name": tool, "arguments": arguments, "_meta": meta}
        return await self._ask(CALL, params, headers)

    async def _ask(
        self, method: str, params: Any, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        self._number += 1
        body = {"jsonrpc": "2.0", "id": self._number, "method": method}
        return await self._http.post(
            "/mcp",
            json=body | {"params": params},
            headers={**self._headers, **(headers or {})},
        )


def kind(answer: httpx.Response) -> str:
    """Whether an answer is one document or a stream."""
    assert answer.status_code == 200, answer.text
    return answer.headers["content-type"].partition(";")[0]


def messages(answer: httpx.Response) -> list[Any]:
    """The messages of an answer of either kind."""
    if kind(answer) == "application/json":
        return [answer.json()]
    lines = [line for line in answer.text.splitlines() if line.startswith("data: ")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


@asynccontextmanager
async def calling(host: Host, *, modern: bool) -> AsyncIterator[Caller]:
    """A client of a server in this process, wired as `serve_http` does."""
    server = make_server(host, {"toy": CONNECTION})
    switch: Any = OnePiece(server.is_short)
    app = server.streamable_http_app(host="0.0.0.0", json_response=switch)  # noqa: S104 - nothing listens
    bodies = RepairedBodies(app, most=10_000, heed=switch.heed)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(bodies), base_url="http://127.0.0.1:8000"
        ) as http,
    ):
        caller = Caller(http, modern=modern)
        await caller.open()
        yield caller


@pytest.mark.parametrize("modern", [False, True])
@pytest.mark.usefixtures("sandbox")
def test_a_server_streams_only_what_may_take_long_or_has_progress(
    served: Served, modern: bool
) -> None:
    """A search is one document; the same search with a token, and a chat, are streams with the same answer."""

    async def work() -> list[tuple[str, int]]:
        async with httpx.AsyncClient(
            base_url=served.url.removesuffix("/mcp"), timeout=30
        ) as http:
            caller = Caller(http, modern=modern)
            await caller.open()
            moon = {"query": "moon"}
            answers = [
                await caller.call(SEARCH, moon),
                await caller.call(CHAT, QUESTION, "p"),
                await caller.call(SEARCH, moon),
            ]
        assert all(
            "structuredContent" in messages(one)[-1]["result"] for one in answers
        )
        return [(kind(one), min(len(messages(one)), 2)) for one in answers]

    document, stream = ("application/json", 1), ("text/event-stream", 2)
    assert asyncio.run(work()) == [document, stream, document]


def test_progress_of_a_call_reaches_its_stream_beside_calls_in_one_piece() -> None:
    """In the same session at the same time, in both orders."""
    others = asyncio.Event()

    async def greet(input: Any, ctx: ActionContext) -> ActionResult:
        if input["name"] == "Ada":
            await others.wait()
            ctx.emit({"type": "status", "message": "Thinking"})
        return ActionResult(output={"text": "Hello"})

    async def work() -> None:
        host = toy_host(ToyPlugin(greet=greet))
        async with calling(host, modern=False) as caller:
            slow = asyncio.create_task(caller.call("greet", {"name": "Ada"}, "p"))
            quick = await caller.call("greet", {"name": "Bob"})
            others.set()
            told = messages(await slow)
        assert kind(quick) == "application/json"
        assert [one.get("method") for one in told] == ["notifications/progress", None]

    asyncio.run(work())


def test_a_call_lists_no_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the newest protocol the SDK would do so at each call, to look for arguments that are headers too."""
    lists: list[object] = []
    monkeypatch.setattr(server_module, "with_hints", lambda *what: lists.append(what))

    async def work() -> list[Any]:
        async with calling(toy_host(), modern=True) as caller:
            return messages(await caller.call("toy-greet", {"name": "Ada"}))

    (answer,) = asyncio.run(work())
    assert answer["result"]["structuredContent"] == {"text": "Hello, Ada!"}
    assert lists == []


def test_arguments_that_are_headers_too_are_compared(tmp_path: Path) -> None:
    """As the protocol wants it, for a connector whose schema says so."""
    word = {"type": "string", "x-mcp-header": "Text"}
    schema = {"type": "object", "properties": {"text": word}}
    manifest = changed(tmp_path, schemas={"count.v1.input": schema})

    async def work() -> list[int]:
        host = toy_host(manifest=manifest)
        async with calling(host, modern=True) as caller:
            text = {"text": "abc"}
            good = {"mcp-param-text": "abc"}
            wrong = await caller.call("toy-count", text)
            assert wrong.json()["error"]["code"] == HEADER_MISMATCH
            right = await caller.call("toy-count", text, **good)
            return [wrong.status_code, right.status_code]

    assert asyncio.run(work()) == [400, 200]


@pytest.mark.parametrize("modern", [False, True])
def test_a_client_that_leaves_a_call_in_one_piece_stops_its_run(modern: bool) -> None:
    """It closes the connection; the server serves on."""
    begun, stopped = threading.Event(), threading.Event()

    async def greet(_: Any, ctx: ActionContext) -> ActionResult:
        del ctx
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        raise AssertionError

    async def leave(url: str) -> None:
        async with httpx.AsyncClient(base_url=url.removesuffix("/mcp")) as http:
            caller = Caller(http, modern=modern)
            await caller.open()
            asking = asyncio.create_task(caller.call("greet", {"name": "Ada"}))
            assert await asyncio.to_thread(begun.wait, 10)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            assert await asyncio.to_thread(stopped.wait, 10)
            assert (
                kind(await caller.call("count", {"text": "abc"})) == "application/json"
            )

    in_process(ToyPlugin(greet=greet), leave)
    assert stopped.is_set()


def in_process(
    plugin: ToyPlugin, visit: Callable[[str], Coroutine[Any, Any, None]]
) -> None:
    """Serve until a visitor, in a thread of its own, has gone."""
    ends: list[str] = []

    def visiting(url: str) -> None:
        try:
            asyncio.run(visit(url))
            ends.append("well")
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    visitors: list[threading.Thread] = []

    def ready(url: str) -> None:
        visitors.append(threading.Thread(target=visiting, args=[url]))
        visitors[0].start()

    serving = make_server(toy_host(plugin), {"toy": CONNECTION})
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(serve_http(serving, HttpOptions(port=0), ready))
    visitors[0].join()
    assert ends == ["well"]
