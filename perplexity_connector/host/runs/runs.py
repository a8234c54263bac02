"""Runs of one host: load the connector, prepare the run, carry it out, record the end."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING

from perplexity_connector import contract
from perplexity_connector.contract import (
    Action,
    ActionContext,
    ConnectorError,
    Effect,
    ErrorCode,
    FieldError,
    JsonObject,
    Limiter,
)
from perplexity_connector.contract.json import new_run_id
from perplexity_connector.contract.readers import as_object
from perplexity_connector.host.catalogue.catalogue import Catalogue
from perplexity_connector.host.credentials.backend import ConnectionBackend
from perplexity_connector.host.credentials.connections import Connections
from perplexity_connector.host.credentials.form import (
    ConnectionForm,
    Credential,
    fingerprint,
)
from perplexity_connector.host.limits.patience import LONGEST_S, Patience
from perplexity_connector.host.plugins.loading import LoadedConnector, load
from perplexity_connector.host.runs.observers import Watch
from perplexity_connector.host.runs.opened import Opened
from perplexity_connector.host.runs.params import (
    GivenConnection,
    RunOptions,
    RunRequest,
)
from perplexity_connector.host.runs.record import RunRecord
from perplexity_connector.host.runs.retry import RetryPolicy
from perplexity_connector.host.runs.run import Listener, Run
from perplexity_connector.host.validation.arguments import (
    as_seconds,
    is_name,
    is_whole_number,
    require_count,
    require_flag,
    require_function,
    require_name,
    require_text,
    require_whole_number,
)
from perplexity_connector.host.validation.schema_validator import invalid_input_error
from perplexity_connector.host.validation.to_json import to_json

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        ConnectionStatusDocument,
        EnvelopeDocument,
        EventDocument,
        Hint,
        OptionsDocument,
        RunObserver,
        StreamItem,
    )


class Runs:
    """Runs actions of the catalogue's connectors.

    * `connections`: the stored connections.
    * `_catalogue`: finds connectors and actions.
    * `_settings`: the operator's settings, by connector id and name.
    * `_policy`: decides about retries.
    * `_concurrency`: how many requests of one action and credential may be in flight.
    * `_environ`: the environment variables.
    * `_limiter`, `_observers`: the operator's limiter, None for the default, and observers.
    * `_loaded`: the connectors in use by id; each is loaded once.
    * `_lock`: held while a connector is loaded.
    * `_opened`: all that belongs to the event loop; None while the host is not open.
    """

    def __init__(  # noqa: PLR0913 - the operator's choices
        self,
        catalogue: Catalogue,
        *,
        settings: Mapping[str, Mapping[str, str]],
        store: ConnectionBackend | None,
        policy: RetryPolicy,
        concurrency: int,
        environ: Mapping[str, str],
        limiter: Limiter | None,
        observers: "Sequence[RunObserver]",
    ) -> None:
        """Take the operator's choices. Nothing is loaded yet."""
        self._catalogue = catalogue
        self._settings = settings
        self._policy = policy
        self._concurrency = concurrency
        self._environ = environ
        self._limiter = limiter
        self._observers = observers
        self.connections = Connections(
            store,
            environ,
            self._connection_form,
            self._test,
        )
        self._loaded: dict[str, LoadedConnector] = {}
        # Reentrant: a plugin may call the host while it is being loaded.
        self._lock = threading.RLock()
        self._opened: Opened | None = None

    def open(self) -> None:
        """Allow runs on this event loop. Raises `RuntimeError` if another one has the host open."""
        with self._lock:
            if self._opened is None or self._opened.is_lost():
                self._loaded.clear()
                self._opened = Opened(self._concurrency, self._limiter, self._observers)
            self._opened.require_own_loop()
            self._opened.times += 1

    async def close(self) -> None:
        """Undo one `open`. The last one stops the active runs and closes every connector."""
        opened = self._open_here()
        opened.times -= 1
        if opened.times == 0:
            self._opened = None
            self._loaded.clear()
            await opened.close()

    def forget(self, connector: str) -> None:
        """Load that connector again on its next use: another one has its id now."""
        self._loaded.pop(connector, None)

    def validate(
        self,
        connector: str,
        action: str,
        input: JsonObject,
        version: int | None,
    ) -> list[FieldError]:
        """See `Host.validate`."""
        loaded, known = self._find(connector, action, version)
        _, errors = loaded.check_input(known, to_json(input))
        return errors

    def hints(
        self,
        connector: str,
        action: str,
        input: JsonObject,
        version: int | None,
    ) -> "list[Hint]":
        """See `Host.hints`."""
        loaded, known = self._find(connector, action, version)
        return loaded.hints(known, to_json(input))

    async def run(
        self,
        connector: str,
        action: str,
        input: JsonObject,
        options: RunOptions,
        listener: Listener | None = None,
    ) -> "EnvelopeDocument":
        """Run an action and return its envelope; `listener` gets each event."""
        opened = self._open_here()
        request = RunRequest(connector=connector, action=action, input=input, **options)
        record = _record_of(request)
        watch = Watch(record, opened.observers)
        try:
            run = self._prepare(opened, request, watch, listener)
            with opened.active(run):
                output = await run.carry_out(opened.stack)
            envelope = record.success_envelope(output)
        except ConnectorError as error:
            envelope = record.failure_envelope(error)
        except asyncio.CancelledError:
            watch.finished(record.failure_envelope(_left()))
            raise
        watch.finished(envelope)
        return envelope

    async def stream(
        self,
        connector: str,
        action: str,
        input: JsonObject,
        options: RunOptions,
    ) -> "AsyncGenerator[StreamItem, None]":
        """See `Host.stream`."""
        # Unbounded: a slow reader of the events must never stop the reading of a response.
        events: asyncio.Queue[EventDocument | None] = asyncio.Queue()
        run = self.run(connector, action, input, options, events.put_nowait)
        task = asyncio.create_task(run)
        task.add_done_callback(lambda _: events.put_nowait(None))
        try:
            while (event := await events.get()) is not None:
                yield event
            yield {"type": "run.finished", "envelope": await task}
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def cancel(self, run_id: str) -> bool:
        """See `Host.cancel`."""
        return self._opened is not None and self._opened.cancel(run_id)

    async def options(  # noqa: PLR0913 - as on the host
        self,
        connector: str,
        source: str,
        connection: GivenConnection,
        *,
        search: str,
        cursor: str | None,
        limit: int,
    ) -> "OptionsDocument":
        """See `Host.options`."""
        opened = self._open_here()
        require_text("source", source)
        require_text("search", search)
        if cursor is not None:
            require_text("cursor", cursor)
        require_whole_number("limit", limit)
        loaded = self._load(connector)
        credential = self._credential(loaded, connection, needed=connection is not None)
        await loaded.open(opened.stack)
        query = contract.OptionsQuery(search=search, cursor=cursor, limit=limit)
        return await loaded.list_options(
            source,
            query,
            ActionContext(connection=credential),
        )

    def _prepare(
        self,
        opened: Opened,
        request: RunRequest,
        watch: Watch,
        listener: Listener | None,
    ) -> Run:
        record = watch.record
        _check(request)
        record.version = self._catalogue.action_version(
            request.connector,
            request.action,
            request.version,
        )
        record.is_known = True
        loaded = self._load(request.connector)
        action = loaded.action(request.action, record.version)
        # A caller's timeout is exact. That of the action leaves out the waits for our own limiter.
        is_callers = request.timeout is not None
        timeout = action.timeout if request.timeout is None else request.timeout
        deadline = record.began + as_seconds("timeout", timeout)
        credential = self._credential(loaded, request.connection)
        checked, errors = loaded.check_input(action, to_json(request.input))
        if errors:
            raise invalid_input_error(errors)
        key_id = fingerprint(credential)
        watch.started(request.attempt, key_id)
        return Run(
            record=record,
            loaded=loaded,
            action=action,
            handler=loaded.handler(action),
            input=as_object(checked),
            connection=credential,
            deadline=deadline,
            patience=Patience(0.0 if is_callers else LONGEST_S),
            policy=self._policy,
            rate_limiter=opened.turns(request.connector, request.action, key_id),
            earlier_attempts=request.attempt - 1,
            is_last=request.last_attempt,
            watch=watch,
            state=_valid_state(request.resume_from),
            on_checkpoint=request.on_checkpoint,
            listener=listener,
        )

    def _credential(
        self,
        loaded: LoadedConnector,
        given: GivenConnection | JsonObject,
        *,
        needed: bool = True,
    ) -> Credential:
        if isinstance(given, str):
            given = self.connections.fields(given, loaded.manifest.id)
        try:
            form, connector = loaded.connection_form, loaded.manifest.id
            return self.connections.resolve(connector, form, given)
        except ConnectorError:
            if needed:
                raise
            return {}

    async def _test(
        self, connector: str, credential: Credential
    ) -> "ConnectionStatusDocument":
        opened = self._open_here()
        loaded = self._load(connector)
        await loaded.open(opened.stack)
        return await loaded.test_connection(ActionContext(connection=credential))

    def _connection_form(self, connector: str) -> ConnectionForm:
        return self._load(connector).connection_form

    def _open_here(self) -> Opened:
        """Return the opening of this event loop, before anything is sent.

        Raises `RuntimeError` if the host is not open, or open on another event loop.
        """
        if self._opened is None:
            message = "the host is not open: use `async with Host() as host`"
            raise RuntimeError(message)
        self._opened.require_own_loop()
        return self._opened

    def _find(
        self, connector: str, action: str, version: int | None
    ) -> tuple[LoadedConnector, Action]:
        """Return a loaded connector, and its entry of an action. None is the newest version."""
        version = self._catalogue.action_version(connector, action, version)
        loaded = self._load(connector)
        return loaded, loaded.action(action, version)

    def _load(self, connector: str) -> LoadedConnector:
        installed = self._catalogue.connector(connector)
        with self._lock:
            if connector not in self._loaded:
                settings = self._settings.get(connector, {})
                self._loaded[connector] = load(installed, settings, self._environ)
            return self._loaded[connector]


def _check(request: RunRequest) -> None:
    if request.run_id is not None:
        require_name("run_id", request.run_id)
    if request.on_checkpoint is not None:
        require_function("on_checkpoint", request.on_checkpoint)
    require_count("attempt", request.attempt)
    require_flag("last_attempt", request.last_attempt)


def _left() -> ConnectorError:
    """Return the end of a run whose caller was cancelled, as observers see it."""
    message = "The caller of the run was cancelled."
    return ConnectorError(ErrorCode.CANCELLED, message, effect=Effect.UNKNOWN)


def _record_of(request: RunRequest) -> RunRecord:
    """Return the record of a request that was not checked yet: its envelope is valid in any case."""
    version, run_id = request.version, request.run_id
    return RunRecord(
        connector=request.connector if is_name(request.connector) else "",
        action=request.action if is_name(request.action) else "",
        version=version if version and is_whole_number(version) else 0,
        run_id=run_id if run_id and is_name(run_id) else new_run_id(),
    )


def _valid_state(state: JsonObject | None) -> JsonObject | None:
    if state is None:
        return None
    copied = to_json(state)
    if copied.errors or not isinstance(copied.value, dict):
        message = "resume_from must be a checkpoint: a JSON object."
        raise ConnectorError(ErrorCode.INVALID_INPUT, message)
    return copied.value
