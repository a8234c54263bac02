"""The host: what embedders use."""

import functools
import os
import threading
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack, cast

from perplexity_connector.contract import ConnectorError, ErrorCode, FieldError, JsonObject, JsonValue
from perplexity_connector.host.describing import describe, palette
from perplexity_connector.host.discovery import Catalogue, Installed, discover, find_action
from perplexity_connector.host.manifests import ManifestError, read_manifest
from perplexity_connector.host.retrying import RetryPolicy

if TYPE_CHECKING:
    from perplexity_connector.host.connections import Connections
    from perplexity_connector.host.engine import Engine
    from perplexity_connector.host.flows import Flows
    from perplexity_connector.host.requests import FlowOptions, GivenConnection, RunOptions
    from perplexity_connector.host.store import ConnectionStore


class Host:
    """Discovers connectors, describes, validates and runs their actions.

    `actions`, `problems`, `describe`, `validate` and what `connections` keeps work at any time; `run`, `stream`,
    `options` and testing a connection inside `async with`. A connector is loaded on first use, opened by its first run,
    and closed with the host.
    """

    def __init__(  # noqa: PLR0913 - the operator's choices; all of them are optional keywords
        self,
        *,
        settings: Mapping[str, Mapping[str, str]] | None = None,
        store: "ConnectionStore | None" = None,
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
        self._settings = settings or {}
        self._store = store
        self._policy = RetryPolicy(retries=retries, repeat_unknown=repeat_unknown)
        self._concurrency = concurrency
        self._environ = os.environ if environ is None else environ
        self._registered: dict[str, Installed] = {}
        self._discovered: Catalogue | None = None
        self._made_engine: Engine | None = None
        self._lock = threading.Lock()

    async def __aenter__(self) -> Self:
        """Be ready to run."""
        self._engine.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connector that a run has opened. One that fails to close costs nobody an answer."""
        await self._engine.close()

    @property
    def connections(self) -> "Connections":
        """The stored connections: add, list, test, rename, replace the key, remove."""
        return self._engine.connections

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
        if self._made_engine:
            self._made_engine.forget(connector)

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
        return self._engine.validate(connector, action, input, version)

    async def run(
        self, connector: str, action: str, input: JsonObject, **options: "Unpack[RunOptions]"
    ) -> dict[str, JsonValue]:
        """The envelope of one run. A failed run does not raise: it says so in `status` and `error`."""
        return await self._engine.run(connector, action, input, options)

    def stream(
        self, connector: str, action: str, input: JsonObject, **options: "Unpack[RunOptions]"
    ) -> AsyncGenerator[dict[str, JsonValue], None]:
        """The events of one run, each with its `seq`; the envelope comes last, and has no `type`.

        Closing the generator early cancels the run.
        """
        return self._engine.stream(connector, action, input, options)

    def validate_flow(
        self, flow: JsonObject, *, connections: "Mapping[str, GivenConnection] | None" = None
    ) -> list[dict[str, JsonValue]]:
        """Everything that is sure to be wrong with a saved flow, each as {step, pointer, code, message}.

        `pointer` leads into the input of the step with that id, or into the flow when `step` is null. A place that a
        binding fills counts as filled. `connections` are those that `stream_flow` will be given.
        """
        return self._flows.errors(flow, connections)

    def stream_flow(
        self, flow: JsonObject, **options: "Unpack[FlowOptions]"
    ) -> AsyncGenerator[dict[str, JsonValue], None]:
        """Run a saved flow step by step, see `docs/flows.md`: `step.started`, the events of its run, `step.finished`.

        The last item is `flow.finished`, with the status of the flow: that of the first step which did not succeed, and
        after which no other was run. Closing the generator early cancels the run under way. Raises `ConnectorError`
        (`invalid_input`), before anything is sent, for a flow in which `validate_flow` finds something wrong; the
        pointers of its fields lead into the flow.
        """
        return self._flows.stream(flow, options)

    async def run_flow(self, flow: JsonObject, **options: "Unpack[FlowOptions]") -> dict[str, JsonValue]:
        """Run a saved flow to its end: {flow_version, status, steps}, each step as {id, envelope}. Raises likewise."""
        return await self._flows.run(flow, options)

    def cancel(self, run_id: str) -> bool:
        """Whether a run of that id was under way here, and is now being stopped.

        The provider is asked to stop, what was received is kept, and whoever waits for the run gets an envelope whose
        status is `cancelled`. Call it on the event loop of the host.
        """
        return self._engine.cancel(run_id)

    async def options(  # noqa: PLR0913 - a page of options is asked for by these; all but two are optional keywords
        self,
        connector: str,
        source: str,
        *,
        search: str = "",
        cursor: str | None = None,
        limit: int = 50,
        connection: "GivenConnection" = None,
    ) -> dict[str, JsonValue]:
        """A page of suggestions for a field whose action names that source in its `options`, see `OptionsPage`.

        Without a connection, the environment's is used if there is one. Raises `ConnectorError`: `not_found` for a
        connector, a source or a connection that is not there, `invalid_input` for a cursor or a limit of no use.
        """
        return await self._engine.options(connector, source, connection, search=search, cursor=cursor, limit=limit)

    @property
    def _engine(self) -> "Engine":
        """What runs, made when it is first needed: whoever looks around needs none of what it imports."""
        from perplexity_connector.host.engine import Engine  # noqa: PLC0415 - see above

        with self._lock:
            self._made_engine = self._made_engine or Engine(
                self._connectors,
                settings=self._settings,
                store=self._store,
                policy=self._policy,
                concurrency=self._concurrency,
                environ=self._environ,
            )
            return self._made_engine

    @functools.cached_property
    def _flows(self) -> "Flows":
        from perplexity_connector.host.flows import Flows  # noqa: PLC0415 - likewise

        return Flows(self)

    def _catalogue(self) -> Catalogue:
        with self._lock:
            self._discovered = self._discovered or discover()
            return self._discovered

    def _connectors(self) -> dict[str, Installed]:
        return dict(sorted({**self._catalogue().connectors, **self._registered}.items()))
