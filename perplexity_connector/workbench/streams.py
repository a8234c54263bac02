"""Flows and tables that go on without a page.

Each runs in a task of its own, and keeps its items for the pages that follow it. A flow begins no
further step while no page follows. Only a cancel stops it.
"""

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeAlias, TypedDict

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.workbench.failures import RefusedError

if TYPE_CHECKING:
    from perplexity_connector.contract import FlowItem, TableItem
    from perplexity_connector.host import Host

Items: TypeAlias = "AsyncGenerator[FlowItem, None] | AsyncGenerator[TableItem, None]"

_LOG = logging.getLogger("perplexity_connector.workbench")
# After its end, so long for a page that comes back. The ledger has its record.
_KEPT_SECONDS = 600.0


class RunningDocument(TypedDict):
    """A flow that can be followed. Times are in milliseconds of the epoch; `ended_at` is null until its end."""

    flow_id: str
    name: str
    started_at: int
    ended_at: int | None


class BrokenStreamError(Exception):
    """A stream broke, and lacks its last line. The log has the reason."""


class Stream:
    """The items of a flow or a table, which any number of pages may follow.

    * `name`, `started_at`, `ended_at`: for a list; times are in milliseconds of the epoch.
    * `cancel_id`: what `Host.cancel` takes: the id of the flow, or of the table's job.
    * `run_id`: that of the step that began last.
    * `_lines`: the items so far, a line of JSON each.
    * `_followers`: how many pages follow.
    * `_needs_page`: whether a further step needs a page.
    * `_is_left`: whether no further step begins at all.
    * `_error`: why it broke.
    * `_changed`: set at the next change of any of these.
    """

    def __init__(self, name: str, cancel_id: str) -> None:
        """Begin without an item."""
        self.name = name
        self.started_at = _now()
        self.ended_at: int | None = None
        self.cancel_id = cancel_id
        self.run_id = ""
        self._lines: list[str] = []
        self._followers = 0
        self._needs_page = True
        self._is_left = False
        self._error: Exception | None = None
        self._changed = asyncio.Event()

    async def keep(self, items: Items) -> None:
        """Keep all items. Before a step begins, wait for a page that follows."""
        try:
            async with aclosing(items):
                async for item in items:
                    self._lines.append(_line(item))
                    self._notify()
                    if item["type"] == "table.planned":
                        self.cancel_id = item["job_id"]
                    if item["type"] == "step.started":
                        self.run_id = item["run_id"]
                        await self._until(self._may_go_on)
                        if self._is_left:
                            break
        except Exception as error:  # noqa: BLE001 - each page gets it
            self._error = error
            if self._lines:
                # Never its text: it may hold a key or an input value.
                _LOG.error("a flow or a table broke: %s", type(error).__name__)
        finally:
            self.ended_at = _now()
            self._notify()

    def go_on(self) -> None:
        """Do not wait for a page any more."""
        self._needs_page = False
        self._notify()

    def leave(self) -> None:
        """Begin no further step. The flow can be resumed."""
        self._is_left = True
        self._notify()

    async def begun(self) -> None:
        """Wait for the first item. Raises the error of a flow or a table that has no item."""
        await self._until(lambda: bool(self._lines or self.ended_at))
        if self._error and not self._lines:
            raise self._error

    async def lines(self) -> AsyncGenerator[str, None]:
        """Yield all lines from the first, then each new one. Raises `BrokenStreamError` if it broke."""
        self._followers += 1
        self._notify()
        sent = 0
        try:
            while sent < len(self._lines) or not self.ended_at:
                new = self._lines[sent:]
                sent += len(new)
                if new:
                    yield "".join(new)
                else:
                    await self._changed.wait()
        finally:
            self._followers -= 1
        if self._error:
            raise BrokenStreamError

    def _may_go_on(self) -> bool:
        return bool(self._followers) or not self._needs_page or self._is_left

    async def _until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():
            await self._changed.wait()

    def _notify(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class Streams:
    """The streams of a server by id: those under way, and those that have ended lately.

    * `_host`: the host that runs them.
    * `_streams`: by the id of the flow or of the table.
    * `_tasks`: the tasks that keep their items.
    * `_kept_seconds`: how long an ended stream waits for a page.
    """

    def __init__(self, host: "Host", kept_seconds: float = _KEPT_SECONDS) -> None:
        """Begin without a stream."""
        self._host = host
        self._streams: dict[str, Stream] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._kept_seconds = kept_seconds

    async def start(self, stream_id: str, name: str, items: Items) -> "ItemLines":
        """Run a flow or a table in a task of its own, and return its lines as an answer.

        Raises the error of one that has no item, such as an invalid flow, and `RefusedError` (409)
        while one of that id is under way.
        """
        self.refuse_if_under_way(stream_id)
        stream = self._streams[stream_id] = Stream(name, stream_id)
        task = asyncio.create_task(stream.keep(items))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._end(done, stream_id, stream))
        try:
            await stream.begun()
        except Exception:
            self._drop(stream_id, stream)
            raise
        return ItemLines(self._lines_of(stream_id, stream))

    def follow(self, stream_id: str) -> "ItemLines":
        """Return all lines of a stream as an answer. Raises `ConnectorError` (`not_found`)."""
        if stream := self._streams.get(stream_id):
            return ItemLines(self._lines_of(stream_id, stream))
        message = "Nothing of this id runs here."
        raise ConnectorError(ErrorCode.NOT_FOUND, message)

    def refuse_if_under_way(self, stream_id: str) -> None:
        """Raise `RefusedError` (409) if a stream of that id has not ended."""
        stream = self._streams.get(stream_id)
        if stream and not stream.ended_at:
            message = "This is under way already."
            raise RefusedError(409, ErrorCode.INVALID_INPUT, message)

    def flows(self) -> list[RunningDocument]:
        """Return the flows that can be followed, in order of their start."""
        return [
            {
                "flow_id": flow_id,
                "name": stream.name,
                "started_at": stream.started_at,
                "ended_at": stream.ended_at,
            }
            for flow_id, stream in self._streams.items()
            if flow_id.startswith("flow_")
        ]

    def cancel(self, id: str) -> bool:
        """Cancel a run, a flow or a table's job. Return whether it was under way.

        A flow that waits for a page has no active run: the id of the run that it waits with stops the flow.
        """
        is_cancelled = self._host.cancel(id)
        for stream in self._under_way():
            if id in (stream.cancel_id, stream.run_id):
                is_cancelled = is_cancelled or self._host.cancel(stream.cancel_id)
                stream.go_on()
        return is_cancelled

    def stop(self) -> None:
        """Cancel the active runs. A flow that waits for a page is left, and can be resumed."""
        for stream in self._under_way():
            self._host.cancel(stream.run_id or stream.cancel_id)
            stream.leave()

    async def end(self) -> None:
        """Wait for the end of all streams."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _under_way(self) -> list[Stream]:
        return [stream for stream in self._streams.values() if not stream.ended_at]

    async def _lines_of(
        self, stream_id: str, stream: Stream
    ) -> AsyncGenerator[str, None]:
        async with aclosing(stream.lines()) as lines:
            async for line in lines:
                yield line
        # A page has all of them.
        self._drop(stream_id, stream)

    def _end(self, task: asyncio.Task[None], stream_id: str, stream: Stream) -> None:
        self._tasks.discard(task)
        loop = asyncio.get_running_loop()
        loop.call_later(self._kept_seconds, self._drop, stream_id, stream)

    def _drop(self, stream_id: str, stream: Stream) -> None:
        # Another one may have its id by now: a flow that was resumed.
        if self._streams.get(stream_id) is stream:
            del self._streams[stream_id]


class ItemLines(StreamingResponse):
    """The items of a flow or a table, one line of JSON each. A client that leaves stops nothing."""

    def __init__(self, lines: AsyncGenerator[str, None]) -> None:
        """Send these lines."""
        super().__init__(lines, media_type="application/x-ndjson")
        self._lines = lines

    async def __call__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Send the lines until their end, or until the client leaves."""
        del scope
        sending = asyncio.create_task(self.stream_response(send))
        leaving = asyncio.create_task(_client_left(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            leaving.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
            # A client that had stopped reading still counts as one that follows.
            await self._lines.aclose()
        if not sending.cancelled():
            sending.result()


def _line(item: "FlowItem | TableItem") -> str:
    """Return an item as a line. A start has its time: a page may come later."""
    is_start = item["type"] in ("flow.started", "step.started")
    return f"{json.dumps({**item, 'at': _now()} if is_start else item)}\n"


async def _client_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _now() -> int:
    return time.time_ns() // 1_000_000
