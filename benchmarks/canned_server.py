"""Serve fixed bytes to measure clients: raw asyncio, in its own process, nothing is encoded while it serves.

`python -m benchmarks.canned_server` prints its port and serves on loopback until its standard input ends. The first
part of a path says how a stream comes: `/plain` in one piece, `/live` each event as a write of its own with a pause
after it, `/held` a few events, then nothing until `POST /release`; `POST /waiting` returns how many streams are held.
"""

import asyncio
import re
import resource
import sys
from typing import cast

from benchmarks import canned_wire

_PAUSE_S = 0.001
_BACKLOG = 4096
_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *([0-9]+)")
_HELD_AFTER = 8


class Connection(asyncio.Protocol):
    """One client's connection. Requests follow each other, and the path of each selects the response."""

    def __init__(self, held: "list[Connection]") -> None:
        """Share the list of the connections that wait for their release."""
        self._held = held
        self._received = b""
        self._rest: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer on."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer once the whole request is there."""
        self._received += data
        head, found, body = self._received.partition(_HEAD_END)
        length = _LENGTH.search(head)
        if not found or len(body) < (int(length[1]) if length else 0):
            return
        self._received = b""
        self._answer(
            head.split(b" ", 2)[1].decode("ascii"),
            streamed=b'"stream":true' in body.replace(b" ", b""),
        )

    def release(self) -> None:
        """Send the rest of a held stream."""
        self._transport.write(b"".join(self._rest))
        self._rest.clear()

    def _answer(self, path: str, *, streamed: bool) -> None:
        if path == "/waiting":
            self._transport.write(canned_wire.document(b"%d" % len(self._held)))
            return
        if path == "/release":
            for connection in self._held:
                connection.release()
            self._held.clear()
            self._transport.write(canned_wire.document(b"{}"))
            return
        mode, _, route = path[1:].partition("/")
        if not streamed:
            self._transport.write(canned_wire.ANSWERS[route])
        elif mode == "plain":
            self._transport.write(b"".join(canned_wire.STREAMS[route]))
        else:
            self._rest = list(canned_wire.STREAMS[route])
            self._next() if mode == "live" else self._hold()

    def _next(self) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(self._rest.pop(0))
        # Nothing may be left over when the last is out: the next request follows it at once.
        if self._rest:
            asyncio.get_running_loop().call_later(_PAUSE_S, self._next)

    def _hold(self) -> None:
        self._transport.write(b"".join(self._rest[:_HELD_AFTER]))
        del self._rest[:_HELD_AFTER]
        self._held.append(self)


async def _serve() -> None:
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    held: list[Connection] = []
    server = await loop.create_server(
        lambda: Connection(held), "127.0.0.1", 0, backlog=_BACKLOG
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    loop.add_reader(sys.stdin, lambda: over.set() if not sys.stdin.read(1) else None)
    async with server:
        await over.wait()


def main() -> None:
    """Serve until standard input ends."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(_serve())


if __name__ == "__main__":
    main()
