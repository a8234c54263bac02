"""A proxy on loopback that does to a connection what no ASGI server can: resets, half a header, stalls, garbage.

It stands between the connector and a sandbox. A scene is a list of rules; the first rule that a request falls under
decides what becomes of it, and a request under no rule is passed on.

    with Sandbox() as sandbox, FaultProxy(sandbox.port) as proxy:
        scene = proxy.play(Rule("POST /v1/agent", cut(Cut.RESET, events=3)))
"""

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
# What `Rule.on` is for a fault that strikes before anything was read.
CONNECT = "connect"
_LARGEST_HEAD = 256 * 1024
_PATIENCE_S = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as the log keeps it: whether it carried a credential, never which."""

    method: str
    path: str
    authorized: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """The sandbox's answer under way: its pieces are what it wrote at once, an event each where it streams."""

    status: int
    headers: Mapping[str, str]
    pieces: AsyncIterator[bytes]


@dataclass(slots=True)
class Scene:
    """The rules in force, and what has happened under them."""

    rules: Sequence["Rule"]
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    sent: int = 0
    answered: int = 0
    # Set by the test as soon as the connector has checkpointed its run.
    kept: Event = field(default_factory=Event)
    # Moves the clock of the run to its deadline, once the run has read all that was sent. Set by the test.
    reach_deadline: Callable[[], None] = lambda: None
    _seen: Counter[str] = field(default_factory=Counter)

    def fault(self, what: str) -> "Fault | None":
        """What is to be done to the next request of this kind (`POST /search`), if anything."""
        under = [rule for rule in self.rules if what.startswith(rule.on)]
        for on in {rule.on for rule in under}:
            self._seen[on] += 1
        return next(
            (
                rule.fault
                for rule in under
                if rule.first <= self._seen[rule.on] <= rule.last
            ),
            None,
        )


@dataclass(frozen=True, slots=True)
class Route:
    """Where requests go on to, with which key in place of which, and the origin that redirects lead to."""

    sandbox_port: int
    keys: Mapping[str, str]
    stranger: str


class Exchange:
    """One request, and the connection to answer it on."""

    def __init__(
        self,
        route: "Route",
        scene: Scene,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Begin on a connection that nothing was read from."""
        self.method = self.path = ""
        self.body = b""
        self.headers: dict[str, str] = {}
        self.keep_open = False
        self.stranger = route.stranger
        self._route = route
        self._scene = scene
        self._reader = reader
        self._writer = writer

    async def receive(self) -> None:
        """Read the next request. Raises `EOFError` or `OSError` when there is none."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = first.split(" ", 2)
        pairs = (line.partition(":") for line in lines if line)
        self.headers = {name.lower(): value.strip() for name, _, value in pairs}
        self.body = await self._reader.readexactly(
            int(self.headers.get("content-length", "0"))
        )
        self._scene.asked.append(
            Asked(self.method, self.path, "authorization" in self.headers)
        )

    async def begun(self) -> None:
        """Wait for the first byte of a request."""
        await self._reader.readexactly(1)

    async def send(self, data: bytes) -> None:
        """Write, and wait until the kernel has taken all of it."""
        self._writer.write(data)
        await self._writer.drain()
        self._scene.sent += len(data)

    def reset(self) -> None:
        """Break the connection at once, by RST."""
        connection: socket.socket = self._writer.get_extra_info("socket")
        connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self._writer.transport.abort()

    async def until_kept(self) -> None:
        """Wait until the client has checkpointed: a RST may overtake, and so destroy, what it has not read yet."""
        await asyncio.to_thread(self._scene.kept.wait, _PATIENCE_S)

    async def until_deadline(self, *, answered: int = 0) -> None:
        """Wait until so many other requests have been answered, then let the run's deadline pass.

        No row has to guess how long a run takes to get this far, so a busy machine changes nothing.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                while self._scene.answered < answered:  # noqa: ASYNC110 - tasks of several connections count it
                    await asyncio.sleep(0.005)
        self._scene.reach_deadline()

    async def until_left(self) -> None:
        """Say nothing until the client hangs up."""
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                while await self._reader.read(65536):
                    pass

    @asynccontextmanager
    async def forwarded(self) -> AsyncIterator[Upstream]:
        """The sandbox's answer to this request."""
        reader, writer = await asyncio.open_connection(
            HOST, self._route.sandbox_port, limit=_LARGEST_HEAD
        )
        try:
            lines = [
                f"{self.method} {self.path} HTTP/1.1",
                *(f"{name}: {self._sent(name)}" for name in self.headers),
            ]
            writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + self.body)
            yield await _answer(reader)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def _sent(self, name: str) -> str:
        value = self.headers[name]
        if name == "authorization":
            key = value.removeprefix("Bearer ")
            return f"Bearer {self._route.keys.get(key, key)}"
        return "close" if name == "connection" else value


Fault = Callable[[Exchange], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A fault for the requests whose `METHOD /path` begins with `on`, from the `first` such one to the `last`."""

    on: str
    fault: Fault
    first: int = 1
    last: int = 1_000_000


class FaultProxy:
    """A context manager that runs a proxy on any free port, on a thread and a loop of its own."""

    def __init__(
        self,
        sandbox_port: int,
        keys: Mapping[str, str] | None = None,
        stranger: str = "",
    ) -> None:
        """Stand before a sandbox; a key in `keys` is passed on as what it maps to, redirects lead to `stranger`."""
        self._route = Route(sandbox_port, keys or {}, stranger)
        self._scene = Scene(())
        self._listening = Event()
        self._thread = Thread(target=self._serve, name="fault-proxy", daemon=True)
        self.port = 0

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://{HOST}:{self.port}"

    def play(self, *rules: Rule) -> Scene:
        """Put rules in force for connections from now on; the scene tells what happens under them."""
        self._scene = Scene(rules)
        return self._scene

    def __enter__(self) -> Self:
        """The proxy, already listening."""
        self._thread.start()
        self._listening.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Drop every connection; the thread is over when this returns."""
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()

    def _serve(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        def connected(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            task = asyncio.create_task(self._connection(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(connected, HOST, 0, limit=_LARGEST_HEAD)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._closing.wait()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        # So that drain() waits for the last byte: what a reset finds unsent would be lost.
        writer.transport.set_write_buffer_limits(high=0)
        scene = self._scene
        scene.connections += 1
        exchange = Exchange(self._route, scene, reader, writer)
        try:
            # A client that hangs up, or says something that is no HTTP, ends its connection.
            with suppress(OSError, EOFError, ValueError, asyncio.LimitOverrunError):
                await _converse(exchange, scene)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _converse(exchange: Exchange, scene: Scene) -> None:
    if fault := scene.fault(CONNECT):
        await fault(exchange)
        return
    exchange.keep_open = True
    while exchange.keep_open:
        await exchange.receive()
        exchange.keep_open = False
        fault = scene.fault(f"{exchange.method} {exchange.path}")
        await (fault or pass_on)(exchange)
        scene.answered += 1


async def pass_on(exchange: Exchange) -> None:
    """The sandbox's answer as it is."""
    async with exchange.forwarded() as answer:
        await exchange.send(head(answer.status, answer.headers))
        async for piece in answer.pieces:
            await exchange.send(chunk(piece))
    await exchange.send(chunk(b""))


def head(
    status: int,
    headers: Mapping[str, str],
    reason: str = "Whatever",
    *,
    chunked: bool = True,
) -> bytes:
    """The head of an answer; with `chunked`, of one whose body goes on in chunks and ends the connection."""
    lines = [
        f"HTTP/1.1 {status} {reason}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    framing = ["transfer-encoding: chunked", "connection: close"] if chunked else []
    return "\r\n".join([*lines, *framing, "", ""]).encode("latin-1")


def chunk(data: bytes) -> bytes:
    """A chunk of a body; the empty one is the last."""
    return b"%x\r\n%b\r\n" % (len(data), data)


async def _answer(reader: asyncio.StreamReader) -> Upstream:
    first, *lines = (
        (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    )
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    length = headers.pop("content-length", None)
    kept = {
        name: value
        for name, value in headers.items()
        if name not in {"transfer-encoding", "connection"}
    }
    pieces = _whole(reader, int(length)) if length is not None else _chunks(reader)
    return Upstream(status=int(first.split(" ")[1]), headers=kept, pieces=pieces)


async def _whole(reader: asyncio.StreamReader, length: int) -> AsyncIterator[bytes]:
    yield await reader.readexactly(length)


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int(await reader.readline(), 16):
        yield (await reader.readexactly(size + 2))[:-2]
