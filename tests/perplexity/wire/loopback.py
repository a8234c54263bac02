"""A raw server on a loopback port, for what has to be seen byte by byte."""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import Self, TypeAlias

Script: TypeAlias = Callable[[asyncio.StreamWriter], Awaitable[None]]


def http(
    status: int = 200, body: bytes = b"{}", *headers: str, length: int | None = None
) -> bytes:
    """An answer with a length, its own by default."""
    lines = [
        f"HTTP/1.1 {status} X",
        *headers,
        f"content-length: {len(body) if length is None else length}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(pieces: Iterable[bytes], *headers: str, end: bool = True) -> bytes:
    """An answer in chunks, without its end if it is to be cut."""
    lines = ["HTTP/1.1 200 OK", *headers, "transfer-encoding: chunked"]
    body = b"".join(
        f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces
    )
    return (
        "\r\n".join([*lines, "", ""]).encode() + body + (b"0\r\n\r\n" if end else b"")
    )


async def silence(writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    del writer
    await asyncio.Event().wait()


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close in good order, without a word."""
    writer.close()


async def reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection."""
    writer.transport.abort()


def then(first: bytes, script: Script) -> Script:
    """Send some bytes, and then go on with a script."""

    async def both(writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        await writer.drain()
        await script(writer)

    return both


class Loopback:
    """Answers each request with the next of its answers, the last one for ever, and keeps what it was sent."""

    def __init__(
        self,
        *answers: bytes | Script,
        tls: ssl.SSLContext | None = None,
        address: str = "127.0.0.1",
    ) -> None:
        """Answer in this order, over TLS where there is a context for it."""
        self._address = address
        self._tls = tls
        self._answers = answers
        self._tasks = set[asyncio.Task[None]]()
        self.requests: list[tuple[str, bytes]] = []
        self.connections = 0
        self.hung_up = 0
        self.asked = asyncio.Event()
        self.url = ""

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        self._server = await asyncio.start_server(
            self._accept, self._address, 0, ssl=self._tls
        )
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Stop, whatever is still under way."""
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        self._tasks.add(asyncio.ensure_future(self._serve(reader, writer)))

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = re.search(r"(?i)content-length: ([0-9]+)", head)
                self.requests.append(
                    (head, await reader.readexactly(int(length[1]) if length else 0))
                )
                self.asked.set()
                answer = self._answers[min(len(self.requests), len(self._answers)) - 1]
                if isinstance(answer, bytes):
                    writer.write(answer)
                    await writer.drain()
                else:
                    await answer(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.hung_up += 1  # the client has gone
        finally:
            writer.close()
