"""Who is let in over HTTP, and how much of it."""

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from perplexity_connector.adapters.mcp import HttpOptions, make_server, serve_http
from perplexity_connector.adapters.mcp.refusals import LoggedRefusals
from perplexity_connector.contract import Secret
from perplexity_connector.sandbox import Sandbox
from perplexity_connector.serving.middleware import RefusalMiddleware
from tests.adapters.mcp.stage import CHAT, QUESTION, Served, http
from tests.host.stage import CONNECTION, toy_host

TOKEN = "a-token-of-the-operator"
LIST: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
PING: dict[str, Any] = {"jsonrpc": "2.0", "id": 2, "method": "ping", "params": {}}
OPENING: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "a client", "version": "1"},
    },
}
ACCEPT: dict[str, Any] = {
    "accept": "application/json, text/event-stream",
    "content-type": "application/json",
}


def status_of(options: HttpOptions, headers: Mapping[str, str]) -> int:
    """The status of one request; 200 for one that is let in."""

    async def ask() -> int:
        async def inside(_: object, __: object, send: object) -> None:
            await httpx_answer(send)

        transport = httpx.ASGITransport(RefusalMiddleware(inside, options.refuse))
        async with httpx.AsyncClient(transport=transport) as client:
            return (
                await client.post("http://127.0.0.1:8000/mcp", headers=headers)
            ).status_code

    return asyncio.run(ask())


async def httpx_answer(send: object) -> None:
    """An empty 200."""
    assert callable(send)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


LOG = "perplexity_connector.adapters.mcp.refusals"
LOCAL = HttpOptions(port=0)
REMOTE = HttpOptions(port=0, address="192.0.2.1", token=Secret(TOKEN))
NAMED = HttpOptions(port=0, names=["Tools.example", "host.docker.internal:8765"])
PADDED = HttpOptions(port=0, token=Secret(f" {TOKEN}\n"))


@pytest.mark.parametrize(
    ("options", "headers", "status"),
    [
        (LOCAL, {}, 200),
        (LOCAL, {"host": "localhost"}, 200),
        (LOCAL, {"host": "[::1]:8000"}, 200),
        (LOCAL, {"host": "evil.example:8000"}, 421),
        (LOCAL, {"host": "127.0.0.1.evil.example"}, 421),
        (LOCAL, {"host": ""}, 421),
        (LOCAL, {"origin": "http://127.0.0.1:8000"}, 200),
        (LOCAL, {"origin": "http://localhost:3000"}, 403),
        (LOCAL, {"origin": "https://evil.example"}, 403),
        (LOCAL, {"origin": "null"}, 403),
        (NAMED, {"host": "tools.example"}, 200),
        (NAMED, {"host": "Tools.Example:443"}, 200),
        (NAMED, {"host": "host.docker.internal:9000"}, 200),
        (NAMED, {"host": "localhost:8000"}, 200),
        (NAMED, {"host": ""}, 421),
        (NAMED, {"host": "evil.example"}, 421),
        (NAMED, {"host": "tools.example.evil.example"}, 421),
        (NAMED, {"host": "tools.example", "origin": "https://tools.example"}, 200),
        # A proxy that gives us its own Host.
        (NAMED, {"origin": "https://tools.example"}, 200),
        (NAMED, {"origin": "https://evil.example"}, 403),
        (NAMED, {"origin": "null"}, 403),
        (PADDED, {"authorization": f"Bearer {TOKEN}"}, 200),
        (PADDED, {"authorization": f" Bearer  {TOKEN} "}, 200),
        (PADDED, {"authorization": "Bearer "}, 401),
        (REMOTE, {"host": "any.example", "authorization": f"Bearer {TOKEN}"}, 200),
        (REMOTE, {"host": "any.example", "authorization": f"bearer  {TOKEN}"}, 200),
        (REMOTE, {"host": "any.example"}, 401),
        (REMOTE, {"authorization": TOKEN}, 401),
        (REMOTE, {"authorization": f"Basic {TOKEN}"}, 401),
        (REMOTE, {"authorization": f"Bearer {TOKEN[:-1]}"}, 401),
        (REMOTE, {"authorization": f"Bearer {TOKEN}x"}, 401),
        (REMOTE, {"authorization": "Bearer "}, 401),
        (
            REMOTE,
            {"authorization": f"Bearer {TOKEN}", "origin": "https://evil.example"},
            403,
        ),
    ],
)
def test_only_who_may_come_in_is_let_in(
    options: HttpOptions, headers: Mapping[str, str], status: int
) -> None:
    """By name on loopback, by origin and by token wherever there is one."""
    assert status_of(options, headers) == status


@pytest.mark.parametrize("token", [None, Secret("")])
def test_beyond_this_machine_nothing_is_served_without_a_token(
    token: Secret | None,
) -> None:
    """It is refused before anything is bound; an empty token, of a variable that is not set, is none."""
    server = make_server(toy_host(), {})
    with pytest.raises(ValueError, match="token"):
        asyncio.run(
            serve_http(
                server, HttpOptions(port=0, address="192.0.2.1", token=token), print
            )
        )


@pytest.mark.parametrize("token", ["two words", "a\nb", "s\u00e9same", "  ", "\u200b"])
def test_a_token_that_no_client_can_send_is_refused_at_once(token: str) -> None:
    """A server with it would refuse every client; the message does not have it."""
    with pytest.raises(ValueError, match="token") as refusal:
        HttpOptions(port=0, token=Secret(token))
    assert token not in str(refusal.value)


def test_a_refused_request_is_logged_without_what_the_client_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its status and the reason; an answer that is good is not logged."""

    async def ask() -> None:
        server = make_server(toy_host(), {})
        options = HttpOptions(port=0, token=Secret(TOKEN))
        app = server.streamable_http_app(host="0.0.0.0")  # noqa: S104 - nothing listens
        inside = LoggedRefusals(RefusalMiddleware(app, options.refuse))
        transport = httpx.ASGITransport(inside)
        good = {**ACCEPT, "authorization": f"Bearer {TOKEN}"}
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1:80"
            ) as client,
        ):
            await client.post("/mcp", json=OPENING, headers=good)
            wrong = {**ACCEPT, "authorization": "Bearer wrong-token"}
            await client.post("/mcp?key=secret-in-address", json=LIST, headers=wrong)
            broken = b'{"id": "secret-in-body", "method": 5}'
            await client.post("/mcp", content=broken, headers=good)

    asyncio.run(ask())
    logged = [one for one in caplog.records if one.name == LOG]
    assert [one.args[0] for one in logged if isinstance(one.args, tuple)] == [401, 400]
    assert "bearer token" in logged[0].getMessage()
    for secret in (TOKEN, "wrong-token", "secret-in"):
        assert secret not in "".join(one.getMessage() for one in logged)


def test_a_foreign_page_or_name_gets_nothing_from_a_real_server(served: Served) -> None:
    """The list of tools is not for it either."""
    for headers, status in (
        ({"host": "evil.example"}, 421),
        ({"origin": "https://evil.example"}, 403),
    ):
        answer = httpx.post(served.url, json=LIST, headers={**ACCEPT, **headers})
        assert answer.status_code == status
        assert CHAT not in answer.text


def test_a_body_too_large_is_refused(served: Served) -> None:
    """Whether its length is told or not."""
    body = b'{"a": "' + b"x" * 4 * 1024 * 1024 + b'"}'
    assert httpx.post(served.url, content=body, headers=ACCEPT).status_code == 413
    assert (
        httpx.post(served.url, content=iter([body]), headers=ACCEPT).status_code == 413
    )


def test_connections_that_say_nothing_shut_nobody_out(served: Served) -> None:
    """More of them than there is room."""
    where = urlsplit(served.url)
    assert where.hostname
    assert where.port
    with ExitStack() as open_ones:
        for _ in range(300):
            open_ones.enter_context(
                socket.create_connection((where.hostname, where.port))
            )
        assert httpx.get(served.url, headers=ACCEPT).status_code == 400


def test_clients_that_never_leave_shut_nobody_out() -> None:
    """Each opens a session of its own; the longest idle one ends."""
    statuses: list[int] = []

    def visit(url: str) -> None:
        with httpx.Client(headers=ACCEPT) as client:
            opened = [client.post(url, json=OPENING) for _ in range(6)]
            statuses.extend(answer.status_code for answer in opened)
            for answer in (opened[0], opened[-1]):
                session = {"mcp-session-id": answer.headers["mcp-session-id"]}
                statuses.append(
                    client.post(url, json=PING, headers=session).status_code
                )
        os.kill(os.getpid(), signal.SIGINT)

    clients: list[threading.Thread] = []

    def ready(url: str) -> None:
        clients.append(threading.Thread(target=visit, args=[url]))
        clients[0].start()

    options = HttpOptions(port=0, sessions=3, concurrency=1)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(serve_http(make_server(toy_host(), {}), options, ready))
    clients[0].join()
    assert statuses == [200] * 6 + [404, 200]


def test_the_token_is_asked_for_and_shown_nowhere(sandbox: Sandbox) -> None:
    """A client that sends it is served; it stands in no log and in no process's arguments."""

    async def ask(url: str) -> bool:
        async with (
            httpx2.AsyncClient(
                headers={"authorization": f"Bearer {TOKEN}"}
            ) as http_client,
            Client(streamable_http_client(url, http_client=http_client)) as client,
        ):
            return (await client.call_tool(CHAT, QUESTION)).is_error

    with http(sandbox.url, PERPLEXITY_MCP_TOKEN=TOKEN) as served:
        for headers in ({}, {"authorization": f"Bearer {TOKEN}x"}):
            answer = httpx.post(served.url, json=LIST, headers={**ACCEPT, **headers})
            assert answer.status_code == 401
            assert TOKEN not in answer.text
        assert asyncio.run(ask(served.url)) is False
        command: Any = served.process.args
        assert not any(TOKEN in str(argument) for argument in command)
        served.process.terminate()
        assert served.process.stderr
        logged = served.process.stderr.read()
        assert TOKEN not in logged
        assert logged.count("401") == 2
    assert sandbox.billed_runs == 1


def test_it_serves_within_this_process_until_it_is_interrupted() -> None:
    """The toy, on either loopback; whoever waits for the address is told it."""
    for address in ("127.0.0.1", "::1"):
        server = make_server(toy_host(), {"toy": CONNECTION})
        results: list[Any] = []
        clients: list[threading.Thread] = []

        async def greet(url: str, results: list[Any] = results) -> None:
            async with Client(url) as client:
                results.append(
                    (
                        await client.call_tool("greet", {"name": "Ada"})
                    ).structured_content
                )

        def visit(url: str) -> None:
            asyncio.run(greet(url))
            os.kill(os.getpid(), signal.SIGINT)

        def ready(url: str, clients: list[threading.Thread] = clients) -> None:
            clients.append(threading.Thread(target=visit, args=[url]))
            clients[0].start()

        with pytest.raises(KeyboardInterrupt):
            asyncio.run(serve_http(server, HttpOptions(port=0, address=address), ready))
        clients[0].join()
        assert results == [{"text": "Hello, Ada!"}]


def test_a_port_that_is_taken_is_told() -> None:
    """As the operating system has it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        serving = serve_http(
            make_server(toy_host(), {}), HttpOptions(port=taken.getsockname()[1]), print
        )
        with pytest.raises(OSError, match="in use"):
            asyncio.run(serving)
