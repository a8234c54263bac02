"""A blocking host, for code without an event loop. It runs on one background thread."""

import asyncio
import atexit
import os
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping
from concurrent.futures import Future, wait
from contextlib import aclosing, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeAlias, TypeVar, Unpack

from perplexity_connector.contract import FieldError, JsonObject
from perplexity_connector.host.config import HostOptions
from perplexity_connector.host.credentials.connections import Connections
from perplexity_connector.host.flows.params import FlowOptions
from perplexity_connector.host.host import Host
from perplexity_connector.host.runs.params import GivenConnection, RunOptions

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        ActionDescription,
        ConnectionStatusDocument,
        ConnectorDocument,
        EnvelopeDocument,
        FlowDocument,
        FlowErrorDocument,
        FlowItem,
        OptionsDocument,
        PaletteEntry,
        ProblemDocument,
        StreamItem,
    )

__all__ = ["SyncHost"]

T = TypeVar("T")
# After the host was closed, a call that is not a run has so long to end.
_LAST_S = 1.0
Start: TypeAlias = Callable[[], Coroutine[object, None, T]]


class SyncHost:
    """A `Host` whose methods block. `run` and `stream` need `with`; any number of threads may call.

    The methods that wait raise `RuntimeError` in a forked child, where the background thread does
    not run, and in a callback of the host, such as `on_checkpoint`, which would wait for itself.
    At the end of the interpreter, an open host is closed.

    * `connections`: the stored connections.
    * `_host`: the host that does the work.
    * `_thread`: the background thread; None outside `with`.
    * `_times`: how many `with` share it.
    * `_lock`: held while it is started or taken away.
    """

    def __init__(self, **options: Unpack[HostOptions]) -> None:
        """Take what `Host` takes."""
        self._host = Host(**options)
        self._thread: _HostThread | None = None
        self._times = 0
        self._lock = threading.Lock()
        self.connections = SyncConnections(self._host.connections, self._wait)

    def __enter__(self) -> Self:
        """Start the background thread, unless another `with` has started it."""
        with self._lock:
            if self._thread is None or self._thread.is_parents():
                self._thread = _HostThread(self._host)
                self._times = 0
            self._times += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the active runs, close every connector and end the thread, at the last `with`.

        The threads that wait for these runs get envelopes with the status `cancelled`.
        """
        thread = self._open_thread()
        if thread.is_parents():
            return  # a forked child leaves the `with` of its parent
        thread.require_usable()
        with self._lock:
            self._times -= 1
            if self._times:
                return
            self._thread = None
        thread.stop()

    def register(self, plugin: object, manifest: Path) -> None:
        """See `Host.register`."""
        self._host.register(plugin, manifest)

    def actions(self) -> "list[PaletteEntry]":
        """See `Host.actions`."""
        return self._host.actions()

    def connectors(self) -> "list[ConnectorDocument]":
        """See `Host.connectors`."""
        return self._host.connectors()

    def problems(self) -> "list[ProblemDocument]":
        """See `Host.problems`."""
        return self._host.problems()

    def describe(
        self,
        connector: str,
        action: str,
        version: int | None = None,
    ) -> "ActionDescription":
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
    ) -> "EnvelopeDocument":
        """See `Host.run`. An interrupt of the calling thread cancels the run."""
        return self._wait(lambda: self._host.run(connector, action, input, **options))

    def stream(
        self,
        connector: str,
        action: str,
        input: JsonObject,
        **options: Unpack[RunOptions],
    ) -> "Generator[StreamItem, None, None]":
        """See `Host.stream`. Closing the generator early cancels the run and waits for its end."""
        return self._iterate(
            lambda: self._host.stream(connector, action, input, **options),
        )

    def validate_flow(
        self,
        flow: JsonObject,
        *,
        connections: Mapping[str, GivenConnection] | None = None,
    ) -> "list[FlowErrorDocument]":
        """See `Host.validate_flow`."""
        return self._host.validate_flow(flow, connections=connections)

    def run_flow(
        self, flow: JsonObject, **options: Unpack[FlowOptions]
    ) -> "FlowDocument":
        """See `Host.run_flow`. An interrupt of the calling thread cancels the current run."""
        return self._wait(lambda: self._host.run_flow(flow, **options))

    def stream_flow(
        self,
        flow: JsonObject,
        **options: Unpack[FlowOptions],
    ) -> "Generator[FlowItem, None, None]":
        """See `Host.stream_flow`. Closing the generator early cancels and awaits the current run."""
        return self._iterate(lambda: self._host.stream_flow(flow, **options))

    def _iterate(
        self,
        start: Callable[[], AsyncGenerator[T, None]],
    ) -> Generator[T, None, None]:
        items: queue.SimpleQueue[T | None] = queue.SimpleQueue()

        async def pump() -> None:
            async with aclosing(start()) as events:
                async for event in events:
                    items.put(event)

        thread = self._usable_thread()
        call = _Call(thread, pump)
        call.future.add_done_callback(lambda _: items.put(None))
        try:
            while (item := items.get()) is not None:
                yield item
                thread.require_usable()
            call.future.result()
        finally:
            call.abort()

    def cancel(self, run_id: str) -> bool:
        """See `Host.cancel`. Any thread may call this, and any callback of the host."""
        if self._open_thread().is_current():
            return self._host.cancel(run_id)

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
    ) -> "OptionsDocument":
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
        call = _Call(self._usable_thread(), start)
        try:
            return call.future.result()
        finally:
            call.abort()

    def _usable_thread(self) -> "_HostThread":
        thread = self._open_thread()
        thread.require_usable()
        return thread

    def _open_thread(self) -> "_HostThread":
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
    ) -> "ConnectionStatusDocument":
        """See `Connections.test`."""
        return self._wait(lambda: self._connections.test(connection, connector))


class _HostThread:
    """A thread with an event loop, on which the host is open.

    * `loop`: the event loop.
    * `_process`: the process that it runs in. It does not run in a forked child.
    * `_ready`: gets the loop once the host is open.
    * `_stopping`: set to close the host and end the thread.
    * `_is_over`: set when no call is accepted any more.
    * `_lock`: held while a call is accepted, and while that ends.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._process = os.getpid()
        self._ready: Future[asyncio.AbstractEventLoop] = Future()
        self._is_over = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(
            target=self._run,
            name="automation-host",
            daemon=True,
        )
        self._thread.start()
        self.loop = self._ready.result()
        # Later, the interpreter stops the thread in the middle of its runs.
        atexit.register(self.stop)

    def is_parents(self) -> bool:
        """Return whether this is a forked child of the process that the thread runs in."""
        return self._process != os.getpid()

    def is_current(self) -> bool:
        """Return whether the caller runs on this thread, as a callback of the host does."""
        return threading.current_thread() is self._thread and not self.is_parents()

    def require_usable(self) -> None:
        """Raise `RuntimeError` where a call would wait for ever."""
        if self.is_parents():
            message = (
                "this host was opened before the process was forked, and runs in the parent only: "
                "open a host after the fork"
            )
            raise RuntimeError(message)
        if self.is_current():
            message = (
                "a callback of the host cannot wait for the host, which waits for the callback: "
                "call it from another thread"
            )
            raise RuntimeError(message)

    def submit(self, work: Coroutine[object, None, T]) -> Future[T]:
        """Run a coroutine on the thread. Raises `RuntimeError` if the host was closed meanwhile."""
        with self._lock:
            if not self._is_over:
                return asyncio.run_coroutine_threadsafe(work, self.loop)
        work.close()
        message = "the host was closed: use `with SyncHost() as host`"
        raise RuntimeError(message)

    def stop(self) -> None:
        """Stop the runs, close the host and end the thread."""
        atexit.unregister(self.stop)
        if not self.is_parents():
            with suppress(RuntimeError):  # the loop is closed already
                self.loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self._ready.done():
                raise
            # The thread that opens the host waits for this.
            self._ready.set_exception(error)

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        try:
            async with self._host:
                self._ready.set_result(asyncio.get_running_loop())
                await self._stopping.wait()
        finally:
            with self._lock:
                self._is_over = True
        await asyncio.sleep(0)  # for the calls that were accepted just before
        # The runs have ended. Their callers get the envelopes now.
        if calls := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(calls, timeout=_LAST_S)


class _Call(Generic[T]):
    """A coroutine that runs on the background thread for the calling thread.

    * `future`: gets its result; the calling thread waits for it.
    * `_task`: the coroutine's task, to cancel it.
    """

    def __init__(self, thread: _HostThread, start: Start[T]) -> None:
        self._thread = thread
        self._start = start
        self.future = thread.submit(self._main())

    def abort(self) -> None:
        """Cancel the coroutine, unless it has ended, and wait for its end where that can be."""
        if self.future.done() or self._thread.is_parents():
            return
        if self._thread.is_current():
            # The garbage collector closes a generator on any thread.
            self._task.cancel()
            return
        with suppress(RuntimeError):  # the loop is closed, and the future done
            self._thread.loop.call_soon_threadsafe(self._cancel)
        wait([self.future])

    async def _main(self) -> T:
        self._task = asyncio.ensure_future(self._start())
        return await self._task

    def _cancel(self) -> None:
        # Scheduled after `_main`, so `_task` is set.
        self._task.cancel()
