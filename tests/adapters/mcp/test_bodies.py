"""The bodies of HTTP requests: repaired as the lines of stdin are."""

import asyncio
from typing import Any

import pytest

from perplexity_connector.adapters.mcp.bodies import RepairedBodies

PING = b'{"jsonrpc": "2.0", "id": 7, "method": "ping", "params": {"text": "moon"}}'
GONE = {"type": "http.disconnect"}


def received(*messages: dict[str, Any], most: int = 1000, kind: str = "http") -> Any:
    """The first two messages that the application inside receives."""
    sent = iter(messages)
    found: list[Any] = []

    async def receive() -> Any:
        return next(sent)

    async def app(_: object, receive: Any, __: object) -> None:
        found.extend([await receive(), await receive()])

    async def send(_: object) -> None:
        pass

    asyncio.run(RepairedBodies(app, most=most)({"type": kind}, receive, send))
    return found


def piece(body: bytes, *, more: bool = False) -> dict[str, Any]:
    """A part of a body."""
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.mark.parametrize(
    ("body", "inside"),
    [
        (PING, PING),
        (b"\xef\xbb\xbf" + PING, PING),
        (PING.replace(b"moon", b"a\\ud83d"), PING.replace(b"moon", b"a?")),
        (PING.replace(b"moon", b"a\tb"), PING.replace(b"moon", b"a\\tb")),
        (b"[" + PING + b", 5]", b"[" + PING + b", 5]"),
        (b"{", b"{"),
        (b"", b""),
    ],
)
def test_a_body_is_repaired_where_it_can_be(body: bytes, inside: bytes) -> None:
    """In one piece or in several; any other comes as it was sent, and is answered by the SDK."""
    assert received(piece(body), GONE) == [piece(inside), GONE]
    parts = piece(body[:9], more=True), piece(body[9:])
    assert received(*parts, GONE) == [piece(inside), GONE]


def test_a_body_that_is_too_large_is_passed_on() -> None:
    """It is not read to its end."""
    assert received(piece(b"12345", more=True), piece(b"6"), most=4) == [
        piece(b"12345", more=True),
        piece(b"6"),
    ]


def test_a_client_that_leaves_within_its_body_is_passed_on() -> None:
    """Nothing of the body is used."""
    assert received(piece(b"{", more=True), GONE, GONE) == [GONE, GONE]


def test_the_start_of_the_server_is_passed_on() -> None:
    """It has no body."""
    start, stop = {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}
    assert received(start, stop, kind="lifespan") == [start, stop]
