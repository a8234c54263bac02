"""The connection itself: refused, reset, broken off, silent, not HTTP, not TLS, slow."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.faults.faults import (
    JSON,
    SSE,
    Cut,
    answer,
    broken,
    broken_unread,
    dripped,
    held_back,
    hinted,
    raw,
    until_closed,
)
from tests.faults.proxy import CONNECT, Rule, head
from tests.faults.row import LONG, SEARCH, Row, Target, Want, chat, search

_SHORT = {"first_byte_timeout": "0.25", "idle_timeout": "0.25"}
_HALF_HEAD = head(200, SSE)[:40]
_JSON_HEAD = head(200, JSON)


def _failing(
    cause: str,
    variant: str,
    code: str,
    effect: str,
    *rules: Rule,
    billed: int = 0,
    **more: Any,
) -> Iterator[Row]:
    """The same failure for a chat and a search; a search is repeated, a chat only when nothing was sent."""
    retries = int(str(more.get("retries", 3)))
    for row in (chat, search):
        is_search = row("", Want()).action == SEARCH
        again = code in {"unavailable", "timeout"} and (effect == "none" or is_search)
        attempts = retries + 1 if again else 1
        want = Want(
            code=code, effect=effect, attempts=attempts, billed=billed * attempts
        )
        yield row(cause, want, *rules, variant=variant, **more)


def _not_connected() -> Iterator[Row]:
    quick: Mapping[str, str] = {"connect_timeout": "0.1"}
    yield from _failing(
        "Connection refused", "", "unavailable", "none", target=Target.CLOSED
    )
    cause = "Connecting takes too long"
    late: Any = {"settings": quick, "retries": 1}
    yield from _failing(cause, "TCP", "unavailable", "none", target=Target.FULL, **late)
    plain, silent = (
        Rule(CONNECT, raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
        Rule(CONNECT, broken(Cut.STALL)),
    )
    tls: Any = {"target": Target.TLS_PROXY}
    yield from _failing(
        cause, "TLS handshake", "unavailable", "none", silent, **late, **tls
    )
    cause = "TLS fails"
    yield from _failing(
        cause, "the port speaks plain HTTP", "unavailable", "none", plain, **tls
    )
    reset = Rule(CONNECT, broken(Cut.RESET, b"\x16\x03\x03"))
    yield from _failing(
        cause, "reset in the handshake", "unavailable", "none", reset, **tls
    )
    closed = Rule(CONNECT, raw())
    yield from _failing(
        cause, "closed in the handshake", "unavailable", "none", closed, **tls
    )
    untrusted = Want(code="unavailable", effect="none", billed=0, lasting=True)
    for row in (chat, search):
        yield row(
            "A certificate that is not trusted", untrusted, target=Target.UNTRUSTED
        )


def _before_the_answer() -> Iterator[Row]:
    for by in (Cut.RESET, Cut.CLOSE):
        fault = broken(by)
        unread = Rule(CONNECT, broken_unread(by))
        yield from _failing(
            f"Connection {_PAST[by]} before the request is read", "", *_BROKEN, unread
        )
        yield from _failing(
            f"Connection {_PAST[by]} before the headers",
            "",
            *_BROKEN,
            Rule("POST ", fault),
        )
        worked = Rule("POST ", broken(by, after_work=True))
        cause = f"The work is done and billed, then the connection is {_PAST[by]}"
        yield from _failing(cause, "", *_BROKEN, worked, billed=1)
        half = Rule("POST ", broken(by, _HALF_HEAD))
        yield from _failing(
            f"Connection {_PAST[by]} in the middle of the headers", "", *_BROKEN, half
        )


_PAST = {Cut.RESET: "reset", Cut.CLOSE: "closed"}
_BROKEN = ("unavailable", "unknown")


def _after_the_headers() -> Iterator[Row]:
    cause = "Connection broken after the headers, before the body"
    for by, headers in (
        (Cut.RESET, SSE),
        (Cut.CLOSE, SSE),
        (Cut.RESET, JSON),
        (Cut.CLOSE, JSON),
    ):
        fault = Rule("POST ", broken(by, head(200, headers)))
        yield from _failing(cause, f"{by}, {headers['content-type']}", *_BROKEN, fault)
    long = {"content-length": "1000", **JSON}
    short = Rule("POST ", raw(head(200, long, chunked=False) + b'{"results":'))
    yield from _failing("A body shorter than its Content-Length", "", *_BROKEN, short)
    bad = Rule("POST ", raw(_JSON_HEAD + b"zz\r\nwhat\r\n"))
    yield from _failing("Malformed chunks", "", *_BROKEN, bad)


def _no_http() -> Iterator[Row]:
    said = {
        "garbage": b"\x00\xff\x13\x37 nothing of the sort\r\n\r\n",
        "another protocol": b"SSH-2.0-OpenSSH_9.9\r\n",
        "a header with no name": b"HTTP/1.1 200 OK\r\n: x\r\n\r\n",
        "no status": b"HTTP/1.1\r\n\r\n",
        "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "headers without an end": b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000,
    }
    for variant, data in said.items():
        yield from _failing(
            "An answer that is not HTTP", variant, *_BROKEN, Rule("POST ", raw(data))
        )


def _silent() -> Iterator[Row]:
    late: Any = ("timeout", "unknown")
    more: Any = {"settings": _SHORT, "retries": 1}
    stall = Rule("POST ", broken(Cut.STALL))
    yield from _failing("No first byte in time", "nothing at all", *late, stall, **more)
    half = Rule("POST ", broken(Cut.STALL, _HALF_HEAD))
    yield from _failing(
        "No first byte in time", "half the headers", *late, half, **more
    )
    worked = Rule("POST ", broken(Cut.STALL, after_work=True))
    billed = "No first byte in time, though the work is done and billed"
    yield from _failing(billed, "", *late, worked, billed=1, **more)
    cause = "Silence after the headers"
    for headers in (SSE, JSON):
        fault = Rule("POST ", broken(Cut.STALL, head(200, headers)))
        yield from _failing(cause, headers["content-type"], *late, fault, **more)
    begun = Rule("POST ", broken(Cut.STALL, head(200, JSON) + b'6\r\n{"id":\r\n'))
    yield from _failing(
        "Silence in the middle of a JSON body", "", *late, begun, **more
    )
    for row in (chat, search):
        want = Want(code="timeout", effect="unknown", billed=0)
        silent = Rule("POST ", broken(Cut.DEADLINE))
        yield row(
            "The run's deadline, before an answer begins", want, silent, timeout=LONG
        )


def _well() -> Iterator[Row]:
    for row in (chat, search):
        drip = Rule("POST ", dripped(first=1500, pause=0.025, rest=100))
        cause = "A slow drip, byte by byte, longer in all than the idle time-out"
        yield row(
            cause,
            Want(),
            drip,
            settings={"idle_timeout": "0.5", "first_byte_timeout": "2"},
        )
        yield row(
            "Informational answers (100, 103) before the answer",
            Want(),
            Rule("POST ", hinted()),
        )
        yield row(
            "HTTP/1.0, a body that ends with the connection",
            Want(),
            Rule("POST ", until_closed()),
        )
        yield row(
            "A first byte that is late, but in time",
            Want(),
            Rule("POST ", held_back(0.1)),
        )
    kept = answer(429, b"", {"retry-after": "0"}, keep=True)
    reused = (
        Rule("POST ", kept, last=1),
        Rule("POST ", broken(Cut.RESET), first=2, last=2),
    )
    cause = "A kept connection is reset when it is used again"
    yield chat(
        cause, Want(code="unavailable", effect="unknown", attempts=2, billed=0), *reused
    )
    yield search(cause, Want(attempts=3), *reused)


ROWS = [
    *_not_connected(),
    *_before_the_answer(),
    *_after_the_headers(),
    *_no_http(),
    *_silent(),
    *_well(),
]
