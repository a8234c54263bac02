"""The host: what embedders use. It joins the catalogue, runs and flows."""

import functools
import threading
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

from perplexity_connector.contract import FieldError, JsonObject
from perplexity_connector.contract.secret import sealed
from perplexity_connector.host.catalogue.catalogue import Catalogue
from perplexity_connector.host.environment import variables
from perplexity_connector.host.host_flows import HostFlows
from perplexity_connector.host.host_tables import HostTables
from perplexity_connector.host.runs.retry import RetryPolicy
from perplexity_connector.host.spending.caps import find_cap, find_daily_cap
from perplexity_connector.host.validation.host_options import (
    require_options,
    require_parts,
)
from perplexity_connector.host.validation.sealing import seal

if TYPE_CHECKING:
    from decimal import Decimal

    from perplexity_connector.contract import (
        ActionDescription,
        ConnectorDocument,
        EnvelopeDocument,
        Hint,
        Limiter,
        OptionsDocument,
        PaletteEntry,
        ProblemDocument,
        RunObserver,
        StreamItem,
    )
    from perplexity_connector.host.credentials.backend import ConnectionBackend
    from perplexity_connector.host.credentials.connections import Connections
    from perplexity_connector.host.flows.flows import Flows
    from perplexity_connector.host.ledger.ledger import Ledger
    from perplexity_connector.host.runs.logs.logs import Logs
    from perplexity_connector.host.runs.params import GivenConnection, RunOptions
    from perplexity_connector.host.runs.runs import Runs
    from perplexity_connector.host.tables.tables import Tables

__all__ = ["Host"]


class Host(HostFlows, HostTables):
    """Discovers connectors, describes, validates and runs their actions.

    `actions`, `connectors`, `problems`, `describe`, `validate`, `hints` and the stored connections
    work at any time. `run`, `stream`, `options` and testing a connection need an open host: `async
    with`, and its event loop; else they raise `RuntimeError`. A connector is loaded on first use,
    opened by its first run, and closed with the host. A wrong argument is `invalid_input`.

    * `_catalogue`: the known connectors; light.
    * `_settings`, `_store`, `_policy`, `_concurrency`, `_environ`, `_limiter`, `_observers`,
      `_ledger`, `_record_content`, `_sandbox`: the operator's choices.
    * `_cap`, `_daily_cap`: the budgets in billionths of USD; None without one.
    * `_made_runs`: everything that runs. Made on first use, because its imports cost more than
      reading the palette does.
    * `_lock`: held while `_made_runs` is made.
    """

    def __init__(  # noqa: PLR0913 - the operator's choices; all of them are optional keywords
        self,
        *,
        settings: Mapping[str, Mapping[str, str]] | None = None,
        store: "ConnectionBackend | None" = None,
        retries: int = 3,
        repeat_unknown: bool = False,
        concurrency: int = 64,
        environ: Mapping[str, str] | None = None,
        limiter: "Limiter | None" = None,
        observers: "Sequence[RunObserver]" = (),
        connectors: Collection[str] | None = None,
        ledger: "Ledger | None" = None,
        budget: "float | Decimal | str | None" = None,
        record_content: bool = True,
        sandbox: bool = False,
    ) -> None:
        """Take the operator's choices; `HostOptions` explains each.

        Raises `ValueError` for negative `retries`, or a `concurrency` below one, and
        `ConnectorError` (`invalid_input`) for a wrong type, an amount that cannot be read, and the
        environment's daily budget without a ledger.
        """
        require_options(
            {"retries": retries, "concurrency": concurrency},
            {"record_content": record_content, "sandbox": sandbox},
            settings=settings,
            environ=environ,
            connectors=connectors,
        )
        require_parts(store=store, limiter=limiter, ledger=ledger, observers=observers)
        self._catalogue = Catalogue(connectors)
        self._settings = settings or {}
        self._store = store
        self._policy = RetryPolicy(retries=retries, repeat_unknown=repeat_unknown)
        self._concurrency = concurrency
        self._environ = variables(environ)
        self._limiter = limiter
        self._observers = tuple(observers)
        self._ledger = ledger
        self._cap = find_cap(budget)
        self._daily_cap = find_daily_cap(self._environ, has_ledger=ledger is not None)
        self._record_content = record_content
        self._sandbox = sandbox
        self._made_runs: Runs | None = None
        self._lock = threading.Lock()

    async def __aenter__(self) -> Self:
        """Open the host on this event loop. Inside `async with`, it may be opened on it again.

        Raises `RuntimeError` if it is open on another event loop.
        """
        self._runs.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the active runs and close every connector, when the last `async with` ends.

        The callers of these runs get envelopes with the status `cancelled`. A table stops in order
        before that, as with the first `cancel` of its job. A connector that fails to close, or takes
        more than five seconds, is logged and ignored.
        """
        await self._runs.close()

    @property
    def connections(self) -> "Connections":
        """The stored connections: add, list, test, rename, replace the key, remove."""
        return self._runs.connections

    def register(self, plugin: object, manifest: Path) -> None:
        """Add a connector of this process. It replaces an installed connector of the same id.

        Raises `ConnectorError` (`internal`) for a manifest that cannot be used.
        """
        connector = self._catalogue.register(plugin, manifest)
        if self._made_runs:
            self._made_runs.forget(connector)

    def actions(self) -> "list[PaletteEntry]":
        """Return the palette: one entry for each action, in its newest version.

        An entry has connector, action, version, title, summary, icon, categories, streaming,
        annotations, timeout (seconds) and command ({name, summary} or null).
        """
        return self._catalogue.actions()

    def connectors(self) -> "list[ConnectorDocument]":
        """Return each connector, as `ConnectorDocument` describes it, in order of id."""
        return self._catalogue.connectors()

    def problems(self) -> "list[ProblemDocument]":
        """Return why connectors are missing, and which settings are unknown; empty if all is well.

        Each is {connector, message}.
        """
        return self._catalogue.problems(self._settings)

    def describe(
        self,
        connector: str,
        action: str,
        version: int | None = None,
    ) -> "ActionDescription":
        """Return an action's {connector, action, schemas, labels, examples}.

        `version` None is the newest. Raises `ConnectorError`: `not_found` naming the known ones,
        `internal` for a schema that cannot be read.
        """
        return self._catalogue.describe(connector, action, version)

    def validate(
        self,
        connector: str,
        action: str,
        input: JsonObject,
        *,
        version: int | None = None,
    ) -> list[FieldError]:
        """Return everything wrong with an input; an empty list if it is good.

        Both the JSON Schema and the connector's own check count. Raises `ConnectorError` for an
        unknown action, or a connector that cannot be loaded.
        """
        return self._runs.validate(connector, action, input, version)

    def hints(
        self,
        connector: str,
        action: str,
        input: JsonObject,
        *,
        version: int | None = None,
    ) -> "list[Hint]":
        """Return the hints for an input that is allowed, but probably not meant: not errors.

        `validate` and `run` ignore them. The input may have errors too. For an empty one, these are
        the hints for all inputs. There are none if the connector gives none, or fails. Raises as
        `validate` does.
        """
        return self._runs.hints(connector, action, input, version)

    async def run(
        self,
        connector: str,
        action: str,
        input: JsonObject,
        **options: "Unpack[RunOptions]",
    ) -> "EnvelopeDocument":
        """Run an action and return its envelope.

        A failed run does not raise: see the envelope's `status` and `error`.
        """
        seal(options)
        return await self._runs.run(connector, action, input, options)

    def stream(
        self,
        connector: str,
        action: str,
        input: JsonObject,
        **options: "Unpack[RunOptions]",
    ) -> "AsyncGenerator[StreamItem, None]":
        """Run an action and yield its events, each with a `seq`.

        The last item is {type: "run.finished", envelope}. Closing the generator early cancels the
        run.
        """
        seal(options)
        return self._runs.stream(connector, action, input, options)

    def cancel(self, run_id: str) -> bool:
        """Stop every run or flow of that id. Return whether one was active in this host.

        The id of a flow stops its current step, and the flow with it. That of a step with `each` stops
        the runs of all its items. The provider is asked to stop and the partial answer is kept. The call
        that waits for the run gets an envelope with the status `cancelled`. Call this on the host's
        event loop.

        For the job of a table, the first call sends nothing new and waits up to ten seconds; then the
        runs that the provider has begun go on, for the next start. The second call asks the provider
        to stop them.
        """
        # Not made for this: importing it takes long, and then no table is under way.
        tables: Tables | None = vars(self).get("_tables")
        return self._runs.cancel(run_id) or bool(tables and tables.cancel(run_id))

    async def options(  # noqa: PLR0913 - all but two are optional keywords
        self,
        connector: str,
        source: str,
        *,
        search: str = "",
        cursor: str | None = None,
        limit: int = 50,
        connection: "GivenConnection" = None,
    ) -> "OptionsDocument":
        """Return a page of suggestions for a field, as `OptionsPage` describes it.

        An action names the source of a field in its `options`. Without a connection, the
        environment's is used if there is one. Raises `ConnectorError`: `not_found` for an unknown
        connector, source or connection, `invalid_input` for an unusable cursor or limit.
        """
        connection = sealed(connection)
        return await self._runs.options(
            connector,
            source,
            connection,
            search=search,
            cursor=cursor,
            limit=limit,
        )

    @property
    def _runs(self) -> "Runs":
        if self._made_runs is not None:
            return self._made_runs
        from perplexity_connector.host.runs.runs import Runs  # noqa: PLC0415 - heavy

        with self._lock:
            self._made_runs = self._made_runs or Runs(
                self._catalogue,
                settings=self._settings,
                store=self._store,
                policy=self._policy,
                concurrency=self._concurrency,
                environ=self._environ,
                limiter=self._limiter,
                observers=self._observers,
                logs=self._make_logs(),
            )
            return self._made_runs

    def _make_logs(self) -> "Logs | None":
        if self._ledger is None and self._cap is None:
            return None
        from perplexity_connector.host.runs.logs.logs import Logs  # noqa: PLC0415 - most hosts need none of it

        return Logs(
            ledger=self._ledger,
            cap=self._cap,
            daily_cap=self._daily_cap,
            keeps_content=self._record_content,
            is_sandbox=self._sandbox,
        )

    @functools.cached_property
    def _flows(self) -> "Flows":
        from perplexity_connector.host.flows.flows import Flows  # noqa: PLC0415 - heavy

        return Flows(self._catalogue, self._runs)

    @functools.cached_property
    def _tables(self) -> "Tables":
        from perplexity_connector.host.tables.tables import Tables  # noqa: PLC0415 - heavy

        return Tables(self._catalogue, self._runs, lambda: self._flows)
