"""Runs of one host: load the connector, prepare the run, carry it out, record the end."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from perplexity_connector import contract
from perplexity_connector.contract import (
    Action,
    ActionContext,
    ConnectorError,
    FieldError,
    JsonObject,
    Limiter,
)
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
from perplexity_connector.host.runs.events import Events, Inbox, Listener
from perplexity_connector.host.runs.logs.run_log import NO_LOG, RunLog
from perplexity_connector.host.runs.observers import Watch
from perplexity_connector.host.runs.opened import Opened
from perplexity_connector.host.runs.params import (
    GivenConnection,
    RunOptions,
    RunRequest,
)
from perplexity_connector.host.runs.record import (
    check_request,
    left_error,
    record_of,
    valid_state,
)
from perplexity_connector.host.runs.retry import RetryPolicy
from perplexity_connector.host.runs.run import Run
from perplexity_connector.host.validation.arguments import (
    as_seconds,
    require_text,
    require_whole_number,
)
from perplexity_connector.host.validation.schema_validator import invalid_input_error
from perplexity_connector.host.validation.to_json import to_json

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        ConnectionStatusDocument,
        CostEstimate,
        EnvelopeDocument,
        Hint,
        OptionsDocument,
        RunObserver,
        StreamItem,
    )
    from perplexity_connector.host.runs.logs.logs import Logs


class Runs:
    """Runs actions of the catalogue's connectors.

    * `connections`: the stored connections.
    * `_catalogue`: finds connectors and actions.
    * `_settings`: the operator's settings, by connector id and name.
    * `_policy`: decides about retries.
    * `_concurrency`: how many requests of one action and credential may be in flight.
    * `_environ`: the environment variables.
    * `_limiter`, `_observers`: the operator's limiter, None for the default, and observers.
    * `logs`: writes the runs down; None without a ledger and a budget.
    * `before_close`: ends work of many runs, such as a table's, while the host still runs actions.
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
        logs: "Logs | None",
    ) -> None:
        """Take the operator's choices. Nothing is loaded yet."""
        self._catalogue = catalogue
        self._settings = settings
        self._policy = policy
        self._concurrency = concurrency
        self._environ = environ
        self._limiter = limiter
        self._observers = observers
        self.logs = logs
        self.before_close: Callable[[], Awaitable[None]] = _nothing
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
                self._opened = Opened(
                    self._concurrency, self._limiter, self._observers, self.logs
                )
            self._opened.require_own_loop()
            self._opened.times += 1

    async def close(self) -> None:
        """Undo one `open`. The last one stops the active runs and closes every connector."""
        opened = self.open_here()
        try:
            if opened.times == 1:
                await self.before_close()
        finally:
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

    def estimate(
        self, connector: str, action: str, input: JsonObject, version: int | None
    ) -> "CostEstimate":
        """Return the price of a run with a valid input; the usual one if it is not known."""
        return self.appraise(connector, action, input, version)[1]

    def appraise(
        self, connector: str, action: str, input: JsonObject, version: int | None
    ) -> "tuple[list[FieldError], CostEstimate]":
        """Return the errors of an input, and its price: only that of a valid one counts."""
        from perplexity_connector.host.spending.prices import (  # noqa: PLC0415 - only a budget or a table needs it
            UNKNOWN_PRICE,
        )

        loaded, known = self._find(connector, action, version)
        plain, errors = loaded.check_input(known, to_json(input))
        price = None if errors else loaded.estimate(known, as_object(plain))
        return errors, price or UNKNOWN_PRICE

    def seconds_for(
        self, connector: str, action: str, given: GivenConnection, requests: int
    ) -> float | None:
        """Return how long so many requests take at the known rate limit; None if it is not known."""
        opened = self.open_here()
        try:
            credential = self._credential(self._load(connector), given)
        except ConnectorError:
            return None
        turns = opened.turns(connector, action, fingerprint(credential))
        return turns.seconds_for(requests)

    async def run(  # noqa: PLR0913 - the last two are keywords
        self,
        connector: str,
        action: str,
        input: JsonObject,
        options: RunOptions,
        *,
        listener: Listener | None = None,
        log: RunLog | None = None,
    ) -> "EnvelopeDocument":
        """Run an action and return its envelope.

        `listener` gets each event. `log` writes down a row of a job; the host has those of other
        runs.
        """
        opened = self.open_here()
        request = RunRequest(connector=connector, action=action, input=input, **options)
        record = record_of(request)
        watch = Watch(record, opened.observers)
        log = log or NO_LOG
        try:
            run = self._prepare(opened, request, watch, listener, log)
            log = run.log
            output = await opened.carry_out(run)
            envelope = record.success_envelope(output)
        except ConnectorError as error:
            envelope = record.failure_envelope(error)
        except asyncio.CancelledError:
            envelope = record.failure_envelope(left_error())
            watch.finished(envelope)
            await log.ended(envelope)
            raise
        try:
            await log.ended(envelope)
        finally:
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
        inbox = Inbox()
        run = self.run(connector, action, input, options, listener=inbox.put)
        task = asyncio.create_task(run)
        task.add_done_callback(inbox.close)
        try:
            while events := await inbox.take():
                events.reverse()
                while events:
                    yield events.pop()  # by no name: a waiting stream holds no data
            yield {"type": "run.finished", "envelope": task.result()}
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
        opened = self.open_here()
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
        log: RunLog,
    ) -> Run:
        record = watch.record
        check_request(request)
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
        plain = as_object(checked)
        if self.logs is not None:
            log = self.logs.log(request, record, loaded, plain, log, key_id=key_id)
        watch.started(request.attempt, key_id)
        return Run(
            record=record,
            loaded=loaded,
            action=action,
            handler=loaded.handler(action),
            input=plain,
            connection=credential,
            deadline=deadline,
            patience=Patience(0.0 if is_callers else LONGEST_S),
            policy=self._policy,
            rate_limiter=opened.turns(request.connector, request.action, key_id),
            earlier_attempts=request.attempt - 1,
            is_last=request.last_attempt,
            watch=watch,
            state=valid_state(request.resume_from),
            on_checkpoint=request.on_checkpoint,
            log=log,
            events=Events(listener),
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
        opened = self.open_here()
        loaded = self._load(connector)
        await loaded.open(opened.stack)
        return await loaded.test_connection(ActionContext(connection=credential))

    def _connection_form(self, connector: str) -> ConnectionForm:
        return self._load(connector).connection_form

    def open_here(self) -> Opened:
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


async def _nothing() -> None:
    """Without work of many runs, there is nothing to end."""
