import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from perplexity_connector.serving.middleware import (
    RefusalMiddleware,
    has_bearer_token,
    is_loopback_host,
    is_own_origin,
    is_same_text,
)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the body of the request."""
    body = await Request(scope, receive).body()
    await PlainTextResponse(body)(scope, receive, send)


def refuse_all_but_lists(request: Request) -> Response | None:
    """Let in requests to one path."""
    return None if request.url.path == "/list" else PlainTextResponse("no", 403)


def ask(path: str, headers: Mapping[str, str], body: Any = b"") -> httpx.Response:
    """The answer to one POST; every answer gets `headers`."""
    app = RefusalMiddleware(application, refuse_all_but_lists, headers)

    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.post(f"http://127.0.0.1{path}", content=body)

    return asyncio.run(post())


def test_a_request_is_let_in_or_answered_in_place_of_the_application() -> None:
    """By what the function returns."""
    answer = ask("/list", {}, b"hello")
    assert (answer.status_code, answer.text) == (200, "hello")
    assert ask("/other", {}).status_code == 403


def test_every_answer_gets_the_headers() -> None:
    """Refused or not."""
    for path in ("/list", "/other"):
        assert ask(path, {"cache-control": "no-store"}).headers["cache-control"] == (
            "no-store"
        )


def test_a_refused_body_is_not_read() -> None:
    """A caller without access cannot make the server keep anything."""

    async def receive() -> Any:
        pytest.fail("the body was read")

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    app = RefusalMiddleware(application, refuse_all_but_lists)
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 403


def test_the_start_and_the_stop_of_a_server_pass() -> None:
    """They are not requests, and nobody asks whether they may come in."""
    seen: list[str] = []

    async def note(scope: Scope, _: Receive, __: Send) -> None:
        seen.append(scope["type"])

    async def unused(*_: Any) -> Any:
        pytest.fail("nothing is sent or received")

    app = RefusalMiddleware(note, refuse_all_but_lists)
    asyncio.run(app({"type": "lifespan"}, unused, unused))
    assert seen == ["lifespan"]


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:8000", True),
        ("localhost:8000", True),
        ("[::1]", True),
        ("[::1]:8000", True),
        ("", False),
        (":8000", False),
        ("evil.example:8000", False),
        ("127.0.0.1.evil.example", False),
        ("localhost:port", False),
    ],
)
def test_a_host_header_names_this_machine_with_or_without_a_port(
    host: str, own: bool
) -> None:
    """A foreign name that resolves to loopback does not."""
    assert is_loopback_host(host) is own


def test_an_origin_is_ours_by_scheme_host_and_port() -> None:
    """By `http`, unless other schemes are named."""
    assert is_own_origin("http://localhost:80", "localhost:80")
    assert not is_own_origin("http://localhost", "localhost:80")
    assert not is_own_origin("https://localhost:80", "localhost:80")
    assert is_own_origin("https://localhost:80", "localhost:80", ("http", "https"))
    assert not is_own_origin("null", "localhost:80")


def test_a_secret_is_compared_whole() -> None:
    """In any script; a part of it is not enough."""
    assert is_same_text("schl\u00fcssel", "schl\u00fcssel")
    assert not is_same_text("schl\u00fcssel", "schlussel")
    assert not is_same_text("", "key")


@pytest.mark.parametrize(
    ("authorization", "good"),
    [
        ("Bearer key", True),
        ("bearer  key ", True),
        ("Bearer ke", False),
        ("Bearer keys", False),
        ("Basic key", False),
        ("Bearer", False),
        ("key", False),
        ("", False),
    ],
)
def test_a_bearer_token_is_read_in_any_case_of_its_scheme(
    authorization: str, good: bool
) -> None:
    """Another scheme, or another token, is not it."""
    assert has_bearer_token(authorization, "key") is good
