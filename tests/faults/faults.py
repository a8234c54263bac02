"""What the proxy can do to an answer. Each is a fault for a `Rule`."""

import asyncio
import threading
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from functools import cache

from tests.faults.proxy import Exchange, Fault, chunk, head, pass_on

SSE = {"content-type": "text/event-stream"}
JSON = {"content-type": "application/json"}
HTML = {"content-type": "text/html; charset=utf-8"}
MEGABYTE = 1024 * 1024

Frames = Sequence[bytes]


class Cut(StrEnum):
    """How a body ends too early: a RST, a close without the last chunk, a proper last chunk, or silence.

    DEADLINE is the silence in which the run's deadline passes.
    """

    RESET = "reset"
    CLOSE = "close"
    END = "end"
    STALL = "stall"
    DEADLINE = "deadline"


def answer(
    status: int,
    body: bytes = b"",
    headers: Mapping[str, str] = JSON,
    *,
    after_work: bool = False,
    keep: bool = False,
) -> Fault:
    """An answer in place of the sandbox's; `after_work`: the sandbox did its work first; `keep`: stay connected."""

    async def fault(exchange: Exchange) -> None:
        if after_work:
            await _work(exchange)
        ends = {
            "content-length": str(len(body)),
            "connection": "keep-alive" if keep else "close",
        }
        await exchange.send(head(status, {**headers, **ends}, chunked=False) + body)
        exchange.keep_open = keep

    return fault


def redirect(status: int, place: str) -> Fault:
    """A redirect; `{stranger}` in the place is another origin."""

    async def fault(exchange: Exchange) -> None:
        location = place.replace("{stranger}", exchange.stranger)
        headers = {"location": location, "content-length": "0", "connection": "close"}
        await exchange.send(head(status, headers, chunked=False))

    return fault


def raw(*pieces: bytes) -> Fault:
    """These bytes, and the end of the connection."""

    async def fault(exchange: Exchange) -> None:
        for piece in pieces:
            await exchange.send(piece)

    return fault


def broken(by: Cut, said: bytes = b"", *, after_work: bool = False) -> Fault:
    """These bytes in place of an answer, then the cut."""

    async def fault(exchange: Exchange) -> None:
        if after_work:
            await _work(exchange)
        await exchange.send(said)
        await _cut(exchange, by)

    return fault


def broken_unread(by: Cut) -> Fault:
    """The cut as soon as the client has begun to speak; the rest of what it says is never read."""

    async def fault(exchange: Exchange) -> None:
        await exchange.begun()
        await _cut(exchange, by)

    return fault


def flood(
    status: int,
    headers: Mapping[str, str],
    piece: bytes,
    first: bytes = b"",
    megabytes: int = 50,
) -> Fault:
    """A body of one piece over and over, until it has the size or the client has had enough."""

    async def fault(exchange: Exchange) -> None:
        await exchange.send(head(status, headers) + (chunk(first) if first else b""))
        again = chunk(piece)
        for _ in range(megabytes * MEGABYTE // len(piece)):
            await exchange.send(again)
        await exchange.send(chunk(b""))

    return fault


def flooded_stream(piece: bytes, events: int) -> Fault:
    """The sandbox's first events, then 50 MB of one piece."""

    async def fault(exchange: Exchange) -> None:
        async with exchange.forwarded() as upstream:
            await exchange.send(head(upstream.status, upstream.headers))
            for frame in await _frames(upstream.pieces, events):
                await exchange.send(chunk(frame))
        again = chunk(piece)
        for _ in range(50 * MEGABYTE // len(piece)):
            await exchange.send(again)

    return fault


def cut(by: Cut, *, events: int) -> Fault:
    """The sandbox's stream as it comes, cut after so many events."""

    async def fault(exchange: Exchange) -> None:
        async with exchange.forwarded() as upstream:
            await exchange.send(head(upstream.status, upstream.headers))
            for frame in await _frames(upstream.pieces, events):
                await exchange.send(chunk(frame))
        if by is Cut.RESET and events:
            await exchange.until_kept()
        await _cut(exchange, by)

    return fault


def cut_bytes(by: Cut, count: int, *, kept: bool = False) -> Fault:
    """The sandbox's answer, cut after so many bytes of its body; `kept`: once the run is checkpointed."""

    async def fault(exchange: Exchange) -> None:
        left = count
        async with exchange.forwarded() as upstream:
            await exchange.send(head(upstream.status, upstream.headers))
            async for piece in upstream.pieces:
                if left > 0:
                    await exchange.send(chunk(piece[:left]))
                left -= len(piece)
        if kept:
            await exchange.until_kept()
        await _cut(exchange, by)

    return fault


def edited(
    change: Callable[[Frames], Frames], *, pieces_of: int | None = None
) -> Fault:
    """The sandbox's whole stream with its frames changed; `pieces_of` cuts it into chunks of so many bytes."""

    async def fault(exchange: Exchange) -> None:
        async with exchange.forwarded() as upstream:
            frames = change(await _frames(upstream.pieces))
            await exchange.send(head(upstream.status, upstream.headers))
        pieces = _pieces(b"".join(frames), pieces_of) if pieces_of else frames
        for piece in filter(None, pieces):
            await exchange.send(chunk(piece))
        await exchange.send(chunk(b""))

    return fault


def rewritten(
    change: Callable[[bytes], bytes], headers: Mapping[str, str] = JSON
) -> Fault:
    """The sandbox's whole body, changed; with other headers."""

    async def fault(exchange: Exchange) -> None:
        async with exchange.forwarded() as upstream:
            body = change(b"".join([piece async for piece in upstream.pieces]))
        await exchange.send(head(upstream.status, headers) + chunk(body) + chunk(b""))

    return fault


def followed_by(rest: bytes, *, twice: bool = False) -> Fault:
    """The sandbox's whole answer with its length, given twice if asked for, and more bytes after it."""

    async def fault(exchange: Exchange) -> None:
        async with exchange.forwarded() as upstream:
            body = b"".join([piece async for piece in upstream.pieces])
        length = {"content-length": str(len(body))}
        again = {"Content-Length": str(len(body))} if twice else {}
        ends = {**upstream.headers, **length, **again, "connection": "close"}
        await exchange.send(head(upstream.status, ends, chunked=False) + body + rest)

    return fault


def until_closed(first: bytes = b"") -> Fault:
    """The sandbox's answer as HTTP/1.0 has it: no length, no chunks, over when the connection is."""

    async def fault(exchange: Exchange) -> None:
        async with exchange.forwarded() as upstream:
            lines = "".join(
                f"{name}: {value}\r\n" for name, value in upstream.headers.items()
            )
            await exchange.send(
                first + f"HTTP/1.0 {upstream.status} OK\r\n{lines}\r\n".encode()
            )
            async for piece in upstream.pieces:
                await exchange.send(piece)

    return fault


def hinted() -> Fault:
    """The sandbox's answer after two informational ones."""

    async def fault(exchange: Exchange) -> None:
        await exchange.send(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
        )
        await pass_on(exchange)

    return fault


def dripped(first: int, pause: float, rest: int) -> Fault:
    """The sandbox's answer: its head and first bytes one at a time, with a pause now and then, the rest in bits."""

    async def fault(exchange: Exchange) -> None:
        async with exchange.forwarded() as upstream:
            body = b"".join([chunk(piece) async for piece in upstream.pieces]) + chunk(
                b""
            )
            wire = head(upstream.status, upstream.headers) + body
        for place, byte in enumerate(wire[:first]):
            await exchange.send(bytes([byte]))
            if place % 50 == 0:
                await asyncio.sleep(pause)
        for piece in _pieces(wire[first:], rest):
            await exchange.send(piece)

    return fault


def at_deadline(fault: Fault, *, answered: int = 0) -> Fault:
    """The run's deadline passes, then the fault; `answered`: once so many other requests have been answered."""

    async def late(exchange: Exchange) -> None:
        await exchange.until_deadline(answered=answered)
        await fault(exchange)

    return late


def held_back(seconds: float) -> Fault:
    """The sandbox's answer, begun after a while."""

    async def fault(exchange: Exchange) -> None:
        await asyncio.sleep(seconds)
        await pass_on(exchange)

    return fault


def held(
    reached: threading.Event, release: threading.Event, fault: Fault | None = None
) -> Fault:
    """The fault, or the sandbox's own answer, once the test says so."""

    async def waits(exchange: Exchange) -> None:
        reached.set()
        await asyncio.to_thread(release.wait, 20)
        await (fault or pass_on)(exchange)

    return waits


@cache
def bomb(megabytes: int = 50) -> bytes:
    """A few kilobytes of gzip that unpack to so many megabytes."""
    packer = zlib.compressobj(9, wbits=31)
    blank = bytes(MEGABYTE)
    return b"".join(packer.compress(blank) for _ in range(megabytes)) + packer.flush()


async def _work(exchange: Exchange) -> None:
    async with exchange.forwarded() as upstream:
        async for _ in upstream.pieces:
            pass


async def _cut(exchange: Exchange, by: Cut) -> None:
    if by is Cut.RESET:
        exchange.reset()
    elif by is Cut.END:
        await exchange.send(chunk(b""))
    elif by is Cut.DEADLINE:
        await exchange.until_deadline()
        await exchange.until_left()
    elif by is Cut.STALL:
        await exchange.until_left()


async def _frames(pieces: AsyncIterator[bytes], most: int | None = None) -> Frames:
    """The events of a stream, or the first of them, each with its blank line; the rest stays unread."""
    frames: list[bytes] = []
    while most is None or len(frames) < most:
        with suppress(StopAsyncIteration):
            frames += [
                frame + b"\n\n"
                for frame in (await anext(pieces)).split(b"\n\n")
                if frame
            ]
            continue
        break
    return frames[:most]


def _pieces(data: bytes, size: int) -> Sequence[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]
