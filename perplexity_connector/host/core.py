"""The host: what embedders use."""

import asyncio
import logging
import os
import threading
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self, Unpack, cast

from perplexity_connector.contract import (
    ActionContext,
    ConnectionStatus,
    ConnectorError,
    ErrorCode,
    FieldError,
    JsonObject,
    JsonValue,
    OptionsQuery,
    Secret,
)
from perplexity_connector.host.connection_form import Sealed
from perplexity_connector.host.connections import Connections
from perplexity_connector.host.describing import describe, palette
from perplexity_connector.host.discovery import Catalogue, Installed, discover, find_action, find_connector
from perplexity_connector.host.flows import Flows
from perplexity_connector.host.loading import LoadedConnector, load
from perplexity_connector.host.manifests import ManifestError, read_manifest
from perplexity_connector.host.pacing import Pacers
from perplexity_connector.host.plain import plain_json
from perplexity_connector.host.recording import RunRecord
from perplexity_connector.host.requests import FlowOptions, GivenConnection, RunOptions, RunRequest
from perplexity_connector.host.retrying import RetryPolicy
from perplexity_connector.host.running import Listener, Run
from perplexity_connector.host.store import ConnectionStore
from perplexity_connector.host.validation import refusal

_LOG = logging.getLogger("automation_host")


class Host:
    """Discovers connectors, describes, validates and runs their actions.

    `actions`, `problems`, `describe`, `validate` and what `connections` keeps work at any time; `run`, `stream`,
    `options` and testing a connection inside `async with`. A connector is loaded on first use, opened by its first run,
    and closed with the host.

    `connections` are the stored ones, see `Connections`.
    """

    def __init__(  # noqa: PLR0913 - the operator's choices; all of them are optional keywords
        self,
        *,
        settings: Mapping[str, Mapping[str, str]] | None = None,
        store: ConnectionStore | None = None,
        retries: int = 3,
        repeat_unknown: bool = False,
        concurrency: int = 64,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Take the operator's choices, as `HostOptions` has them.

        Raises `ValueError` for fewer than no retries, or a concurrency below one.
        """
        if concurrency < 1:
            message = "concurrency must be 1 or more"
            raise ValueError(message)
        self._pacers = Pacers(concurrency)
        self._settings = settings or {}
        self._policy = RetryPolicy(retries=retries, repeat_unknown=repeat_unknown)
        self._environ = os.environ if environ is None else environ
        self.connections = Connections(store, self._environ, lambda name: self._load(name).connection, self._test)
        self._running: set[Run] = set()
        self._flows = Flows(self)
        self._registered: dict[str, Installed] = {}
        self._discovered: Catalogue | None = None
        self._loaded: dict[str, LoadedConnector] = {}
        # Reentrant: a plugin may ask the host something while it is being loaded.
        self._lock = threading.RLock()
        self._stack: AsyncExitStack | None = None

    async def __aenter__(self) -> Self:
        """Be ready to run."""
        self._stack = AsyncExitStack()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connector that a run has opened. One that fails to close costs nobody an answer."""
        stack, self._stack = self._entered(), None
        self._loaded.clear()
        try:
            await stack.aclose()
        except Exception as problem:  # noqa: BLE001 - the host's boundary
            _LOG.warning("a connector failed to close: %s", type(problem).__name__)

    def register(self, plugin: object, manifest: Path) -> None:
        """Add a connector of this process, in place of an installed one of its id.

        Raises `ConnectorError` (`internal`) for a manifest that cannot be used.
        """
        try:
            document = read_manifest(manifest)
        except ManifestError as error:
            raise ConnectorError(ErrorCode.INTERNAL, str(error)) from None
        name = str(getattr(plugin, "__name__", type(plugin).__name__))
        connector = str(document["id"])
        self._registered[connector] = Installed(
            id=connector, file=manifest, document=document, plugin_name=name, load_plugin=lambda: plugin
        )
        self._loaded.pop(connector, None)

    def actions(self) -> list[dict[str, JsonValue]]:
        """The palette: connector, action, newest version, title, summary, icon, categories and what a run means."""
        return palette(self._connectors().values())

    def problems(self) -> list[dict[str, JsonValue]]:
        """What kept connectors out of the palette, each as {connector, message}; empty when all is well."""
        connectors = self._connectors()
        stray = "There are settings for it, but it is not there."
        found = [{"connector": problem.connector, "message": problem.message} for problem in self._catalogue().problems]
        found += [{"connector": name, "message": stray} for name in self._settings if name not in connectors]
        return cast("list[dict[str, JsonValue]]", found)

    def describe(self, connector: str, action: str, version: int | None = None) -> dict[str, JsonValue]:
        """An action's {connector, action, schemas, labels, examples}, in its newest version if none is named.

        Raises `ConnectorError`: `not_found` naming what there is, `internal` for a schema that cannot be read.
        """
        connectors = self._connectors()
        entry = find_action(connectors, connector, action, version)
        return describe(connectors[connector], entry)

    def validate(
        self, connector: str, action: str, input: JsonObject, *, version: int | None = None
    ) -> list[FieldError]:
        """Everything wrong with an input, by its schema and by the connector's word; empty when it is good.

        Raises `ConnectorError` for an action that is not there, or a connector that cannot be loaded.
        """
        entry = find_action(self._connectors(), connector, action, version)
        loaded = self._load(connector)
        return loaded.input_errors(loaded.entry(action, cast("int", entry["version"])), plain_json(input))

    async def run(
        self, connector: str, action: str, input: JsonObject, **options: Unpack[RunOptions]
    ) -> dict[str, JsonValue]:
        """The envelope of one run. A failed run does not raise: it says so in `status` and `error`."""
        return await self._perform(RunRequest(connector=connector, action=action, input=input, **options), None)

    async def stream(
        self, connector: str, action: str, input: JsonObject, **options: Unpack[RunOptions]
    ) -> AsyncGenerator[dict[str, JsonValue], None]:
        """The events of one run, each with its `seq`; the envelope comes last, and has no `type`.

        Closing the generator early cancels the run.
        """
        request = RunRequest(connector=connector, action=action, input=input, **options)
        # Unbounded: a slow listener must never stop the reading of an answer.
        events: asyncio.Queue[dict[str, JsonValue] | None] = asyncio.Queue()
        task = asyncio.create_task(self._perform(request, events.put_nowait))
        task.add_done_callback(lambda _: events.put_nowait(None))
        try:
            while (event := await events.get()) is not None:
                yield event
            yield await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def validate_flow(
        self, flow: JsonObject, *, connections: Mapping[str, GivenConnection] | None = None
    ) -> list[dict[str, JsonValue]]:
        """Everything that is sure to be wrong with a saved flow, each as {step, pointer, code, message}.

        `pointer` leads into the input of the step with that id, or into the flow when `step` is null. A place that a
        binding fills counts as filled. `connections` are those that `stream_flow` will be given.
        """
        return self._flows.errors(flow, connections)

    def stream_flow(
        self, flow: JsonObject, **options: Unpack[FlowOptions]
    ) -> AsyncGenerator[dict[str, JsonValue], None]:
        """Run a saved flow step by step, see `docs/flows.md`: `step.started`, the events of its run, `step.finished`.

        The last item is `flow.finished`, with the status of the flow: that of the first step which did not succeed, and
        after which no other was run. Closing the generator early cancels the run under way. Raises `ConnectorError`
        (`invalid_input`), before anything is sent, for a flow in which `validate_flow` finds something wrong; the
        pointers of its fields lead into the flow.
        """
        return self._flows.stream(flow, options)

    async def run_flow(self, flow: JsonObject, **options: Unpack[FlowOptions]) -> dict[str, JsonValue]:
        """Run a saved flow to its end: {flow_version, status, steps}, each step as {id, envelope}. Raises likewise."""
        return await self._flows.run(flow, options)

    def cancel(self, run_id: str) -> bool:
        """Whether a run of that id was under way here, and is now being stopped.

        The provider is asked to stop, what was received is kept, and whoever waits for the run gets an envelope whose
        status is `cancelled`. Call it on the event loop of the host.
        """
        return any(run.stop() for run in tuple(self._running) if run.record.run_id == run_id)

    async def options(  # noqa: PLR0913 - a page of options is asked for by these; all but two are optional keywords
        self,
        connector: str,
        source: str,
        *,
        search: str = "",
        cursor: str | None = None,
        limit: int = 50,
        connection: str | Mapping[str, str | Secret] | None = None,
    ) -> dict[str, JsonValue]:
        """A page of suggestions for a field whose action names that source in its `options`, see `OptionsPage`.

        Without a connection, the environment's is used if there is one. Raises `ConnectorError`: `not_found` for a
        connector, a source or a connection that is not there, `invalid_input` for a cursor or a limit of no use.
        """
        loaded = self._load(connector)
        context = ActionContext(connection=self._credential(loaded, connection, needed=connection is not None))
        await loaded.open(self._entered())
        query = OptionsQuery(search=search, cursor=cursor, limit=limit)
        return (await loaded.list_options(source, query, context)).to_dict()

    async def _test(self, connector: str, connection: Sealed) -> ConnectionStatus:
        loaded = self._load(connector)
        await loaded.open(self._entered())
        return await loaded.test_connection(ActionContext(connection=connection))

    def _credential(
        self, loaded: LoadedConnector, given: str | Mapping[str, str | Secret] | None, *, needed: bool = True
    ) -> Sealed:
        fields = self.connections.fields(given, loaded.manifest.id) if isinstance(given, str) else given
        try:
            return loaded.connection.resolve(fields, self._environ)
        except ConnectorError:
            if needed:
                raise
            return {}

    async def _perform(self, request: RunRequest, listener: Listener | None) -> dict[str, JsonValue]:
        stack = self._entered()
        record = RunRecord(connector=request.connector, action=request.action, version=request.version or 0)
        record.run_id = request.run_id or record.run_id
        try:
            run = self._prepare(request, record, listener)
            self._running.add(run)
            try:
                return record.succeeded(await run.carry_out(stack))
            finally:
                self._running.remove(run)
        except ConnectorError as error:
            return record.failed(error)

    def _prepare(self, request: RunRequest, record: RunRecord, listener: Listener | None) -> Run:
        entry = find_action(self._connectors(), request.connector, request.action, request.version)
        record.version = cast("int", entry["version"])
        loaded = self._load(request.connector)
        action = loaded.entry(request.action, record.version)
        timeout = _usable_timeout(action.timeout if request.timeout is None else request.timeout)
        connection = self._credential(loaded, request.connection)
        plain = plain_json(request.input)
        if errors := loaded.input_errors(action, plain):
            raise refusal(errors)
        return Run(
            record=record,
            loaded=loaded,
            action=action,
            handler=loaded.handler(action),
            input=cast("JsonObject", plain.value),
            connection=connection,
            deadline=record.began + timeout,
            policy=self._policy,
            pacer=self._pacers.of(request.connector, request.action, connection),
            state=_usable_state(request.resume_from),
            on_checkpoint=request.on_checkpoint,
            listener=listener,
        )

    def _entered(self) -> AsyncExitStack:
        if self._stack is None:
            message = "the host is not open: use `async with Host() as host`"
            raise RuntimeError(message)
        return self._stack

    def _catalogue(self) -> Catalogue:
        with self._lock:
            self._discovered = self._discovered or discover()
            return self._discovered

    def _connectors(self) -> dict[str, Installed]:
        return dict(sorted({**self._catalogue().connectors, **self._registered}.items()))

    def _load(self, connector: str) -> LoadedConnector:
        installed = find_connector(self._connectors(), connector)
        with self._lock:
            if connector not in self._loaded:
                self._loaded[connector] = load(installed, self._settings.get(connector, {}), self._environ)
            return self._loaded[connector]


def _usable_timeout(seconds: float) -> float:
    if not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
        raise ConnectorError(ErrorCode.INVALID_INPUT, "The timeout must be a number of seconds, more than 0.")
    return seconds


def _usable_state(state: JsonObject | None) -> JsonObject | None:
    if state is None:
        return None
    copied = plain_json(state)
    if copied.errors or not isinstance(copied.value, dict):
        raise ConnectorError(ErrorCode.INVALID_INPUT, "resume_from must be a checkpoint: a JSON object.")
    return copied.value
