"""A blocking host, for code without an event loop. It runs on one background thread."""

import queue
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import aclosing
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, Unpack

from perplexity_connector.contract import FieldError, JsonObject
from perplexity_connector.host.config import HostOptions
from perplexity_connector.host.credentials.connections import Connections
from perplexity_connector.host.flows.params import FlowOptions, ResumeOptions
from perplexity_connector.host.host import Host
from perplexity_connector.host.host_thread import Call, HostThread, Start, T
from perplexity_connector.host.runs.params import GivenConnection, RunOptions
from perplexity_connector.host.tables.params import JobOptions, TableOptions

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        ActionDescription,
        ConnectionStatusDocument,
        ConnectorDocument,
        EnvelopeDocument,
        FlowDocument,
        FlowErrorDocument,
        FlowHintDocument,
        FlowItem,
        FlowPriceDocument,
        Hint,
        JobItem,
        KeptStepDocument,
        OptionsDocument,
        PaletteEntry,
        ProblemDocument,
        StreamItem,
        TableFinishedItem,
        TableItem,
    )

__all__ = ["SyncHost"]


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
        self._thread: HostThread | None = None
        self._times = 0
        self._lock = threading.Lock()
        self.connections = SyncConnections(self._host.connections, self._wait)

    def __enter__(self) -> Self:
        """Start the background thread, unless another `with` has started it."""
        with self._lock:
            if self._thread is None or self._thread.is_parents():
                self._thread = HostThread(self._host)
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

    def hints(
        self,
        connector: str,
        action: str,
        input: JsonObject,
        *,
        version: int | None = None,
    ) -> "list[Hint]":
        """See `Host.hints`."""
        return self._host.hints(connector, action, input, version=version)

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

    def flow_hints(self, flow: JsonObject) -> "list[FlowHintDocument]":
        """See `Host.flow_hints`."""
        return self._host.flow_hints(flow)

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

    def flow_price(
        self, flow: JsonObject, **options: Unpack[FlowOptions]
    ) -> "FlowPriceDocument":
        """See `Host.flow_price`."""
        return self._wait(lambda: self._host.flow_price(flow, **options))

    def kept_steps(
        self, flow: JsonObject, **options: Unpack[FlowOptions]
    ) -> "list[KeptStepDocument]":
        """See `Host.kept_steps`."""
        return self._wait(lambda: self._host.kept_steps(flow, **options))

    def resume_flow(
        self, flow_id: str, **options: Unpack[ResumeOptions]
    ) -> "Generator[FlowItem, None, None]":
        """See `Host.resume_flow`. Closing the generator early cancels and awaits the current run."""
        return self._iterate(lambda: self._host.resume_flow(flow_id, **options))

    def stream_table(
        self,
        connector: str,
        action: str,
        table: str | Path,
        template: Mapping[str, str],
        **options: Unpack[TableOptions],
    ) -> "Generator[TableItem, None, None]":
        """See `Host.stream_table`. Closing the generator early stops in order, and waits for that."""
        return self._iterate(
            lambda: self._host.stream_table(
                connector, action, table, template, **options
            )
        )

    def stream_job(
        self, job: str, **options: Unpack[JobOptions]
    ) -> "Generator[JobItem, None, None]":
        """See `Host.stream_job`. Closing the generator early stops in order, and waits for that."""
        return self._iterate(lambda: self._host.stream_job(job, **options))

    def write_table(
        self, job: str, out: str | Path, *, raw: bool = False
    ) -> "TableFinishedItem":
        """See `Host.write_table`."""
        return self._wait(lambda: self._host.write_table(job, out, raw=raw))

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
        call = Call(thread, pump)
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
        call = Call(self._usable_thread(), start)
        try:
            return call.future.result()
        finally:
            call.abort()

    def _usable_thread(self) -> "HostThread":
        thread = self._open_thread()
        thread.require_usable()
        return thread

    def _open_thread(self) -> "HostThread":
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
