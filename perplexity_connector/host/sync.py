"""A blocking host, for code without an event loop. It runs on one background thread."""

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping
from concurrent.futures import Future
from contextlib import aclosing
from pathlib import Path
from types import TracebackType
from typing import Generic, Protocol, Self, TypeAlias, TypeVar, Unpack

from perplexity_connector.contract import FieldError, JsonObject
from perplexity_connector.contract.json import Document
from perplexity_connector.host.config import HostOptions
from perplexity_connector.host.credentials.connections import Connections
from perplexity_connector.host.flows.params import FlowOptions
from perplexity_connector.host.host import Host
from perplexity_connector.host.runs.params import GivenConnection, RunOptions

__all__ = ["SyncHost"]

T = TypeVar("T")
Start: TypeAlias = Callable[[], Coroutine[object, None, T]]


class SyncHost:
    """A `Host` whose methods block. `run` and `stream` need `with`; any number of threads may call.

    * `connections`: the stored connections.
    * `_host`: the host that does the work.
    * `_thread`: the background thread; None outside `with`.
    """

    def __init__(self, **options: Unpack[HostOptions]) -> None:
        """Take what `Host` takes."""
        self._host = Host(**options)
        self._thread: _HostThread | None = None
        self.connections = SyncConnections(self._host.connections, self._wait)

    def __enter__(self) -> Self:
        """Start the background thread."""
        self._thread = _HostThread(self._host)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Cancel the runs in progress, close every connector and end the thread."""
        thread, self._thread = self._running_thread(), None
        thread.stop()

    def register(self, plugin: object, manifest: Path) -> None:
        """See `Host.register`."""
        self._host.register(plugin, manifest)

    def actions(self) -> list[Document]:
        """See `Host.actions`."""
        return self._host.actions()

    def connectors(self) -> list[Document]:
        """See `Host.connectors`."""
        return self._host.connectors()

    def problems(self) -> list[Document]:
        """See `Host.problems`."""
        return self._host.problems()

    def describe(
        self,
        connector: str,
        action: str,
        version: int | None = None,
    ) -> Document:
        """See `Host.describe`."""
        return self._host.describe(connector, action, version)

    def validate(
        self,
        connector: str,
        action: str,
        input: JsonObject,
        *,
        version: int | None = None,
    ) -> list[FieldError]:
        """See `Host.validate`."""
        return self._host.validate(connector, action, input, version=version)

    def run(
        self,
        connector: str,
        action: str,
        input: JsonObject,
        **options: Unpack[RunOptions],
    ) -> Document:
        """See `Host.run`. An interrupt of the calling thread cancels the run."""
        return self._wait(lambda: self._host.run(connector, action, input, **options))

    def stream(
        self,
        connector: str,
        action: str,
        input: JsonObject,
        **options: Unpack[RunOptions],
    ) -> Generator[Document, None, None]:
        """See `Host.stream`. Closing the generator early cancels the run and waits for its end."""
        return self._iterate(
            lambda: self._host.stream(connector, action, input, **options),
        )

    def validate_flow(
        self,
        flow: JsonObject,
        *,
        connections: Mapping[str, GivenConnection] | None = None,
    ) -> list[Document]:
        """See `Host.validate_flow`."""
        return self._host.validate_flow(flow, connections=connections)

    def run_flow(self, flow: JsonObject, **options: Unpack[FlowOptions]) -> Document:
        """See `Host.run_flow`. An interrupt of the calling thread cancels the current run."""
        return self._wait(lambda: self._host.run_flow(flow, **options))

    def stream_flow(
        self,
        flow: JsonObject,
        **options: Unpack[FlowOptions],
    ) -> Generator[Document, None, None]:
        """See `Host.stream_flow`. Closing the generator early cancels and awaits the current run."""
        return self._iterate(lambda: self._host.stream_flow(flow, **options))

    def _iterate(
        self,
        start: Callable[[], AsyncGenerator[Document, None]],
    ) -> Generator[Document, None, None]:
        items: queue.SimpleQueue[Document | None] = queue.SimpleQueue()

        async def pump() -> None:
            async with aclosing(start()) as events:
                async for event in events:
                    items.put(event)

        call = _Call(self._running_thread().loop, pump())
        call.future.add_done_callback(lambda _: items.put(None))
        try:
            while (item := items.get()) is not None:
                yield item
            call.future.result()
        finally:
            call.abort()

    def cancel(self, run_id: str) -> bool:
        """See `Host.cancel`. Any thread may call this."""

        async def cancel() -> bool:
            return self._host.cancel(run_id)

        return self._wait(cancel)

    def options(  # noqa: PLR0913 - as on the other host
        self,
        connector: str,
        source: str,
        *,
        search: str = "",
        cursor: str | None = None,
        limit: int = 50,
        connection: GivenConnection = None,
    ) -> Document:
        """See `Host.options`."""
        return self._wait(
            lambda: self._host.options(
                connector,
                source,
                search=search,
                cursor=cursor,
                limit=limit,
                connection=connection,
            )
        )

    def _wait(self, start: Start[T]) -> T:
        call = _Call(self._running_thread().loop, start())
        try:
            return call.future.result()
        finally:
            call.abort()

    def _running_thread(self) -> "_HostThread":
        if self._thread is None:
            message = "the host is not open: use `with SyncHost() as host`"
            raise RuntimeError(message)
        return self._thread


class _Wait(Protocol):
    def __call__(self, start: Start[T]) -> T: ...


class SyncConnections:
    """The stored connections of a host, blocking. `test` needs `with`, the rest works at any time."""

    def __init__(self, connections: Connections, wait: _Wait) -> None:
        """Wrap the connections of a host; `wait` runs a coroutine to its end."""
        self._connections = connections
        self._wait = wait
        self.add = connections.add
        self.list = connections.list
        self.rename = connections.rename
        self.replace_key = connections.replace_key
        self.remove = connections.remove

    def test(
        self,
        connection: GivenConnection,
        connector: str | None = None,
    ) -> Document:
        """See `Connections.test`."""
        return self._wait(lambda: self._connections.test(connection, connector))


class _HostThread:
    """A thread with an event loop, on which the host is open.

    * `loop`: the event loop.
    * `_ready`: gets the loop once the host is open.
    * `_stopping`: set to close the host and end the thread.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._ready: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(
            target=asyncio.run,
            args=(self._serve(),),
            name="automation-host",
            daemon=True,
        )
        self._thread.start()
        self.loop = self._ready.result()

    def stop(self) -> None:
        """Cancel the runs, close the host and end the thread."""
        self.loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        async with self._host:
            self._ready.set_result(asyncio.get_running_loop())
            await self._stopping.wait()
            # Runs end before the connectors that they use are closed.
            runs = asyncio.all_tasks() - {asyncio.current_task()}
            for run in runs:
                run.cancel()
            await asyncio.gather(*runs, return_exceptions=True)


class _Call(Generic[T]):
    """A coroutine that runs on the background loop for the calling thread.

    * `future`: gets its result; the calling thread waits for it.
    * `_task`: the coroutine's task, to cancel it.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        work: Coroutine[object, None, T],
    ) -> None:
        self._loop = loop
        self._work = work
        self.future = asyncio.run_coroutine_threadsafe(self._main(), loop)

    def abort(self) -> None:
        """Cancel the coroutine and wait for its end, unless it has ended."""
        if not self.future.done():
            asyncio.run_coroutine_threadsafe(self._cancel(), self._loop).result()

    async def _main(self) -> T:
        self._task = asyncio.ensure_future(self._work)
        return await self._task

    async def _cancel(self) -> None:
        # Scheduled after `_main`, so `_task` is set.
        self._task.cancel()
        await asyncio.wait([self._task])
