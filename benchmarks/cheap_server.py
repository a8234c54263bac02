"""A provider that uses little CPU: raw asyncio, fixed bytes, faults from a seed, and a ledger of its bills.

Run as a process of its own: `python -m benchmarks.cheap_server SEED STREAM_SECONDS DELTAS FAULT_SHARE`. It prints its
port, serves on loopback until its standard input ends, then prints the ledger as JSON.
"""

import asyncio
import json
import resource
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from benchmarks import cheap_wire
from benchmarks.faults import Fate, Fault, Look, Plan, draw_plan
from benchmarks.report import Ledger

Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_AGENT = "/v1/agent"
_BACKLOG = 4096
_EVENTS_BESIDE_TEXT = 8
_REFUSED = {
    404: b'{"error":{"message":"not found","type":"not_found","code":404}}',
    429: b'{"error":{"message":"slow down","type":"rate_limit_exceeded","code":429}}',
    500: b'{"error":{"message":"internal","type":"internal_error","code":500}}',
    503: b"<html>upstream connect error</html>",
}


class Request(NamedTuple):
    """The parts of a request that matter here."""

    method: str
    path: str
    body: bytes


@dataclass(slots=True, kw_only=True)
class AgentRun:
    """A run that was begun, and so billed. It ends by the clock, with or without a listener."""

    marker: str
    plan: Plan
    seconds: float
    looks: list[Look]
    ends_at: float = field(init=False)
    cancelled: bool = False

    def __post_init__(self) -> None:
        """The clock starts now."""
        self.ends_at = time.monotonic() + self.seconds

    def status(self) -> str:
        """Return the status of the run's object."""
        if self.cancelled:
            return "cancelled"
        if time.monotonic() < self.ends_at:
            return "in_progress"
        return "failed" if self.plan.fate is Fate.FAILED else "completed"


@dataclass(slots=True)
class Account:
    """The account of one caller: POSTs received, runs begun, requests to cancel."""

    posts: int = 0
    runs: list[AgentRun] = field(default_factory=list)
    cancels: int = 0

    def entry(self) -> tuple[int, bool, int]:
        """Return the runs billed, whether a whole answer can still be fetched, and the requests to cancel."""
        kept = any(
            run.plan.fate is Fate.COMPLETED and not run.cancelled for run in self.runs
        )
        return len(self.runs), kept, self.cancels


class CheapServer:
    """Serves the Agent API's POST, GET and cancel; see the module."""

    def __init__(
        self, seed: int, stream_seconds: float, deltas: int, fault_share: float
    ) -> None:
        """Serve streams of so many text deltas, spread over so many seconds."""
        self._seed = seed
        self._seconds = stream_seconds
        self._deltas = deltas
        self._share = fault_share
        self._runs: dict[str, AgentRun] = {}
        self._accounts: dict[str, Account] = {}
        self._faults: Counter[str] = Counter()
        self._open = self._most_open = 0

    def ledger(self) -> Ledger:
        """Return the bill of each caller, the faults that occurred, and the most streams open at once."""
        accounts = {
            marker: account.entry() for marker, account in self._accounts.items()
        }
        return {
            "accounts": accounts,
            "faults": self._faults,
            "most_open": self._most_open,
        }

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer the requests of one connection until either side closes it."""
        try:
            while await self._answer(await _request(reader), (reader, writer)):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the other side went away, as it may, or the server stops
        finally:
            writer.close()

    async def _answer(self, request: Request, streams: Streams) -> bool:
        """Answer one request. Return whether the connection can serve another one."""
        if (request.method, request.path) == ("POST", _AGENT):
            return await self._begin(request.body, streams)
        run_id, _, verb = request.path.removeprefix(f"{_AGENT}/").partition("/")
        run = self._runs.get(run_id)
        if run is not None and verb == "cancel":
            self._accounts[run.marker].cancels += 1
        if run is None or run.plan.fate is Fate.FORGOTTEN:
            return await _plain(streams, 404, _REFUSED[404])
        if verb == "cancel":
            run.cancelled = run.cancelled or run.status() == "in_progress"
            return await _plain(
                streams,
                200,
                b'{"response_id":"%s","status":"cancelling"}' % run_id.encode(),
            )
        return await self._look(run_id, run, streams)

    async def _look(self, run_id: str, run: AgentRun, streams: Streams) -> bool:
        match run.looks.pop() if run.looks else None:
            case Look.RESET:
                return _reset(streams)
            case Look.RATE_LIMITED:
                return await _plain(streams, 429, _REFUSED[429])
            case Look.UNAVAILABLE:
                return await _plain(streams, 503, _REFUSED[503])
            case look:
                status = look.value if look else run.status()
                body = cheap_wire.body(run_id, run.marker, self._deltas, status)
                return await _plain(streams, 200, body)

    async def _begin(self, body: bytes, streams: Streams) -> bool:
        marker = json.loads(body)["input"][-1]["content"]
        account = self._accounts.setdefault(marker, Account())
        account.posts += 1
        events = self._deltas + _EVENTS_BESIDE_TEXT
        share = 0.0 if marker == cheap_wire.WARM_UP else self._share
        plan = draw_plan(self._seed, marker, account.posts, share=share, events=events)
        self._faults[plan.fault] += 1
        run_id = f"resp_{len(self._runs):032x}"
        if plan.begins:
            seconds = 0.0 if marker == cheap_wire.WARM_UP else plan.pace * self._seconds
            run = AgentRun(
                marker=marker, plan=plan, seconds=seconds, looks=list(plan.looks)
            )
            account.runs.append(run)
            self._runs[run_id] = run
        match plan.fault:
            case Fault.RATE_LIMITED | Fault.SERVER_ERROR:
                return await _plain(streams, plan.status, _REFUSED[plan.status])
            case Fault.RESET_BEFORE_HEADERS:
                return _reset(streams)
            case Fault.NO_FIRST_BYTE:
                return await _silent(streams)
        async with self._counted():
            return await self._stream(run_id, self._runs[run_id], streams)

    @asynccontextmanager
    async def _counted(self) -> AsyncIterator[None]:
        self._open += 1
        self._most_open = max(self._open, self._most_open)
        try:
            yield
        finally:
            self._open -= 1

    async def _stream(self, run_id: str, run: AgentRun, streams: Streams) -> bool:
        writer = streams[1]
        frames = cheap_wire.frames(run_id, run.marker, self._deltas)
        pause = run.seconds / len(frames)
        writer.write(_head(200, "text/event-stream", b"transfer-encoding: chunked"))
        for number, frame in enumerate(frames):
            if (
                number == run.plan.after
                and (broken := await _broken(run.plan.fault, streams)) is not None
            ):
                return broken
            last = number == len(frames) - 1
            writer.write(_chunk(_ending(run, frame) if last else frame))
            await writer.drain()
            await asyncio.sleep(0 if last else pause)
        run.ends_at = min(run.ends_at, time.monotonic())
        writer.write(_chunk(b""))
        await writer.drain()
        return True


def _ending(run: AgentRun, frame: bytes) -> bytes:
    if run.cancelled:
        return b'event: response.cancelled\ndata: {"type":"response.cancelled","sequence_number":999}\n\n'
    if run.plan.fate is Fate.FAILED:
        return b'event: response.failed\ndata: {"type":"response.failed","error":{"type":"internal_error"}}\n\n'
    return frame


async def _broken(fault: Fault, streams: Streams) -> bool | None:
    """Apply the fault. Return whether the connection can serve another request; None if the stream goes on."""
    writer = streams[1]
    match fault:
        case Fault.RESET:
            return _reset(streams)
        case Fault.TRUNCATED:
            return False
        case Fault.STALL:
            return await _silent(streams)
        case Fault.CLEAN_END:
            writer.write(_chunk(b""))
            return True
        case Fault.MALFORMED:
            writer.write(_chunk(cheap_wire.MALFORMED))
        case Fault.GARBAGE:
            writer.write(b"\x00\xffno chunk\r\n")
    return None


def _reset(streams: Streams) -> bool:
    writer = streams[1]
    linger = struct.pack("ii", 1, 0)
    if not writer.transport.is_closing():
        # Closing at once with linger zero sends RST in place of FIN.
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, linger
        )
    writer.transport.abort()
    return False


async def _silent(streams: Streams) -> bool:
    await streams[0].read(1)  # returns when the caller hangs up
    return False


async def _plain(streams: Streams, status: int, body: bytes) -> bool:
    kind = "application/json" if body.startswith(b"{") else "text/html"
    streams[1].write(_head(status, kind, b"content-length: %d" % len(body)) + body)
    await streams[1].drain()
    return True


def _head(status: int, kind: str, framing: bytes) -> bytes:
    left = 0 if status == 429 else 7999  # noqa: PLR2004 - HTTP
    rate = f"x-ratelimit-limit: 8000\r\nx-ratelimit-remaining: {left}\r\nx-ratelimit-reset: {int(time.time()) + 1}"
    return b"HTTP/1.1 %d -\r\ncontent-type: %s\r\n%s\r\n%s\r\n\r\n" % (
        status,
        kind.encode(),
        rate.encode(),
        framing,
    )


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def _request(reader: asyncio.StreamReader) -> Request:
    head = await reader.readuntil(b"\r\n\r\n")
    line, *headers = head.decode("latin-1").split("\r\n")
    method, path, _ = line.split(" ", 2)
    lengths = [
        value
        for name, _, value in (header.partition(":") for header in headers)
        if name == "content-length"
    ]
    # httpx keeps the case it was given: ours are lower case, httpx's own are not.
    lengths += [
        header.partition(":")[2]
        for header in headers
        if header.startswith("Content-Length:")
    ]
    body = await reader.readexactly(int(lengths[0])) if lengths else b""
    return Request(method, path, body)


async def _serve(server: CheapServer) -> None:
    """Serve until standard input ends."""
    listening = await asyncio.start_server(
        server.serve, "127.0.0.1", 0, backlog=_BACKLOG
    )
    async with listening:
        sys.stdout.write(f"{listening.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        over, loop = asyncio.Event(), asyncio.get_running_loop()
        threading.Thread(target=_wait_for_end, args=(loop, over), daemon=True).start()
        await over.wait()


def _wait_for_end(loop: asyncio.AbstractEventLoop, over: asyncio.Event) -> None:
    sys.stdin.read()
    loop.call_soon_threadsafe(over.set)


def main(seed: str, stream_seconds: str, deltas: str, fault_share: str) -> None:
    """Serve, then print the ledger."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    server = CheapServer(
        int(seed), float(stream_seconds), int(deltas), float(fault_share)
    )
    asyncio.run(_serve(server))
    json.dump(server.ledger(), sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
