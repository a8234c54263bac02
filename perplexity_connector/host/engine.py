"""What a host runs with: the connectors that it has loaded, the runs under way, and the requests that it lets out.

Apart from the host, since whoever only looks around needs none of it, and it takes longer to import than a palette to
read.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack
from typing import TypeAlias, cast

from perplexity_connector.contract import (
    ActionContext,
    ConnectionStatus,
    ConnectorError,
    ErrorCode,
    FieldError,
    JsonObject,
    JsonValue,
    OptionsQuery,
)
from perplexity_connector.host.connection_form import Sealed
from perplexity_connector.host.connections import Connections
from perplexity_connector.host.discovery import Installed, find_action, find_connector
from perplexity_connector.host.loading import LoadedConnector, load
from perplexity_connector.host.pacing import Pacers
from perplexity_connector.host.plain import plain_json
from perplexity_connector.host.recording import RunRecord
from perplexity_connector.host.requests import GivenConnection, RunOptions, RunRequest
from perplexity_connector.host.retrying import RetryPolicy
from perplexity_connector.host.running import Listener, Run
from perplexity_connector.host.store import ConnectionStore
from perplexity_connector.host.validation import refusal

Document: TypeAlias = dict[str, JsonValue]
_LOG = logging.getLogger("automation_host")


class Engine:
    """Loads connectors and carries out runs on behalf of one host, over the connectors that the host knows.

    `connections` are the stored ones, see `Connections`.
    """

    def __init__(  # noqa: PLR0913 - the operator's choices, as the host took them
        self,
        connectors: Callable[[], Mapping[str, Installed]],
        *,
        settings: Mapping[str, Mapping[str, str]],
        store: ConnectionStore | None,
        policy: RetryPolicy,
        concurrency: int,
        environ: Mapping[str, str],
    ) -> None:
        """Take the host's choices. Nothing is loaded yet."""
        self._connectors = connectors
        self._settings = settings
        self._policy = policy
        self._pacers = Pacers(concurrency)
        self._environ = environ
        self.connections = Connections(store, environ, lambda name: self._load(name).connection, self._test)
        self._running: set[Run] = set()
        self._loaded: dict[str, LoadedConnector] = {}
        # Reentrant: a plugin may ask the host something while it is being loaded.
        self._lock = threading.RLock()
        self._stack: AsyncExitStack | None = None

    def open(self) -> None:
        """Be ready to run."""
        self._stack = AsyncExitStack()

    async def close(self) -> None:
        """Close every connector that a run has opened. One that fails to close costs nobody an answer."""
        stack, self._stack = self._entered(), None
        self._loaded.clear()
        try:
            await stack.aclose()
        except Exception as problem:  # noqa: BLE001 - the host's boundary
            _LOG.warning("a connector failed to close: %s", type(problem).__name__)

    def forget(self, connector: str) -> None:
        """Load that connector anew when it is next used: another one has taken its id."""
        self._loaded.pop(connector, None)

    def validate(self, connector: str, action: str, input: JsonObject, version: int | None) -> list[FieldError]:
        """See `Host.validate`."""
        entry = find_action(self._connectors(), connector, action, version)
        loaded = self._load(connector)
        return loaded.input_errors(loaded.entry(action, cast("int", entry["version"])), plain_json(input))

    async def run(self, connector: str, action: str, input: JsonObject, options: RunOptions) -> Document:
        """See `Host.run`."""
        return await self._perform(RunRequest(connector=connector, action=action, input=input, **options), None)

    async def stream(
        self, connector: str, action: str, input: JsonObject, options: RunOptions
    ) -> AsyncGenerator[Document, None]:
        """See `Host.stream`."""
        request = RunRequest(connector=connector, action=action, input=input, **options)
        # Unbounded: a slow listener must never stop the reading of an answer.
        events: asyncio.Queue[Document | None] = asyncio.Queue()
        task = asyncio.create_task(self._perform(request, events.put_nowait))
        task.add_done_callback(lambda _: events.put_nowait(None))
        try:
            while (event := await events.get()) is not None:
                yield event
            yield await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def cancel(self, run_id: str) -> bool:
        """See `Host.cancel`."""
        return any(run.stop() for run in tuple(self._running) if run.record.run_id == run_id)

    async def options(  # noqa: PLR0913 - as on the host
        self, connector: str, source: str, connection: GivenConnection, *, search: str, cursor: str | None, limit: int
    ) -> Document:
        """See `Host.options`."""
        loaded = self._load(connector)
        context = ActionContext(connection=self._credential(loaded, connection, needed=connection is not None))
        await loaded.open(self._entered())
        query = OptionsQuery(search=search, cursor=cursor, limit=limit)
        return (await loaded.list_options(source, query, context)).to_dict()

    async def _test(self, connector: str, connection: Sealed) -> ConnectionStatus:
        loaded = self._load(connector)
        await loaded.open(self._entered())
        return await loaded.test_connection(ActionContext(connection=connection))

    def _credential(self, loaded: LoadedConnector, given: GivenConnection, *, needed: bool = True) -> Sealed:
        fields = self.connections.fields(given, loaded.manifest.id) if isinstance(given, str) else given
        try:
            return loaded.connection.resolve(fields, self._environ)
        except ConnectorError:
            if needed:
                raise
            return {}

    async def _perform(self, request: RunRequest, listener: Listener | None) -> Document:
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
