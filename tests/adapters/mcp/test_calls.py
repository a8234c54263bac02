"""Calls over HTTP as the SDK's application answers them, in this process."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp_types import HEADER_MISMATCH

from perplexity_connector.adapters.mcp import make_server
from perplexity_connector.adapters.mcp import server as server_module
from perplexity_connector.host import Host
from tests.host.stage import CONNECTION, changed, toy_host

HEADERS = {"accept": "application/json, text/event-stream"}
MODERN = "2026-07-28"
META = "io.modelcontextprotocol/"
CALL = "tools/call"


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


def messages(answer: httpx.Response) -> list[Any]:
    """The messages of an answer of either kind."""
    if answer.headers["content-type"].startswith("application/json"):
        return [answer.json()]
    lines = [line for line in answer.text.splitlines() if line.startswith("data: ")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


@asynccontextmanager
async def calling(host: Host, *, modern: bool) -> AsyncIterator[Caller]:
    """A client of a server in this process, wired as `serve_http` does."""
    server = make_server(host, {"toy": CONNECTION})
    app = server.streamable_http_app(host="0.0.0.0")  # noqa: S104 - nothing listens
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8000"
        ) as http,
    ):
        caller = Caller(http, modern=modern)
        await caller.open()
        yield caller


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
