"""Load a connector: validate its manifest, import its plugin, compile the schemas that are used."""

import asyncio
import functools
import logging
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pluggy

from perplexity_connector.contract import (
    PROJECT_NAME,
    Action,
    ActionContext,
    ActionHandler,
    ConnectionOutcome,
    ConnectionStatus,
    ConnectionTester,
    Connector,
    ConnectorError,
    ConnectorSpecs,
    CostEstimator,
    ErrorCode,
    FieldError,
    HintGiver,
    JsonObject,
    JsonValue,
    Manifest,
    OptionLister,
    RunCanceller,
)
from perplexity_connector.host.catalogue.discovery import Installed
from perplexity_connector.host.catalogue.schemas import read_schema
from perplexity_connector.host.credentials.form import ConnectionForm
from perplexity_connector.host.plugins import boundary
from perplexity_connector.host.plugins.manifest import load_manifest
from perplexity_connector.host.plugins.settings import resolve_settings
from perplexity_connector.host.validation.blanks import drop_refused_blanks
from perplexity_connector.host.validation.schema_validator import (
    SchemaValidator,
    merge_errors,
)
from perplexity_connector.host.validation.to_json import Normalized

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        ConnectionStatusDocument,
        CostEstimate,
        Hint,
        OptionsDocument,
        OptionsPage,
        OptionsQuery,
    )

_LOG = logging.getLogger("automation_host")

# Longer than a connector's own test takes.
_TEST_S = 10.0
# So long may a connector take to close.
_CLOSE_S = 5.0


class LoadedConnector:
    """A connector with its plugin imported. The first run opens it.

    * `manifest`: the valid manifest.
    * `connection_form`: the form of the connector's credential.
    * `_name`: the connector in error messages.
    * `_schemas`: the schemas of its actions, by file name: all are of one release, whatever becomes of the files.
    * `_validators`: those compiled so far, by file name.
    * `_actions`: the manifest's actions by id and version.
    * `_connector`: the object that the plugin returned.
    * `_opening`: held while the connector is opened, so that it is opened only once.
    * `_is_open`: whether it was opened; the host closes it.
    """

    def __init__(
        self,
        installed: Installed,
        manifest: Manifest,
        connector: Connector,
    ) -> None:
        """Read the schemas. Raises `ConnectorError` (`internal`) for one that cannot be read."""
        self.manifest = manifest
        self.connection_form = ConnectionForm(
            manifest.connection,
            read_schema(installed.file, manifest.connection.schema),
        )
        self._name = f"The connector {manifest.id!r}"
        self._schemas = {
            name: read_schema(installed.file, name)
            for action in manifest.actions
            for name in (action.input, action.output)
        }
        self._validators: dict[str, SchemaValidator] = {}
        self._actions = {
            (action.id, action.version): action for action in manifest.actions
        }
        self._connector = connector
        self._opening = asyncio.Lock()
        self._is_open = False

    def action(self, action: str, version: int) -> Action:
        """Return the manifest's entry of an action that exists, with its schemas compiled.

        Both are compiled before anything is sent. Raises `ConnectorError` (`internal`) for an unusable
        one.
        """
        found = self._actions[action, version]
        for name in (found.input, found.output):
            if name not in self._validators:
                self._validators[name] = SchemaValidator(self._schemas[name])
        return found

    def handler(self, action: Action) -> ActionHandler:
        """Return the connector's handler of an action.

        Raises `ConnectorError`: the connector's own (`not_found`), else `internal`.
        """
        return boundary.call(
            lambda: self._connector.action(action.id, action.version),
            self._fail(f"cannot give its action {action.id!r}"),
        )

    def check_input(
        self, action: Action, input: Normalized
    ) -> tuple[JsonValue, list[FieldError]]:
        """Return an input without the blanks that its schema refuses, and its other errors.

        They are those of the schema and of the connector's own check. Where both have errors for a
        field, only the connector's are kept.
        """
        kept, errors = drop_refused_blanks(input, self._validators[action.input].errors)
        if not isinstance(kept.value, dict):
            return kept.value, errors
        document = kept.value

        def check() -> list[FieldError]:
            own = self._connector.check(action.id, action.version, document)
            found = boundary.field_errors(own)
            # The connector saw null in the place of a value that is not JSON.
            return merge_errors(merge_errors(errors, found), input.errors)

        fail = self._fail(f"cannot check the input of {action.id!r}")
        return document, boundary.call(check, fail)

    def hints(self, action: Action, input: Normalized) -> "list[Hint]":
        """Return the connector's hints for an input.

        There are none if the connector gives none, or if it fails. The log names a failure.
        """
        kept, _ = drop_refused_blanks(input, self._validators[action.input].errors)
        document = kept.value
        # Blanks alone are not the empty input, whose hints are about all inputs.
        is_blank = bool(input.value) and not document
        if is_blank or not isinstance(document, dict):
            return []

        def give() -> "list[Hint]":
            connector = self._connector
            if not isinstance(connector, HintGiver):
                return []
            given = connector.hints(action.id, action.version, document)
            return boundary.as_hints(given)

        try:
            return boundary.call(give, self._fail("cannot give hints"))
        except ConnectorError as error:
            # A connector's own message may hold an input.
            problem = "%s cannot give hints for %r: %s"
            _LOG.warning(problem, self._name, action.id, error.code.value)
            return []

    def estimate(self, action: Action, input: JsonObject) -> "CostEstimate | None":
        """Return the price of a run with a valid input; None if it is not known.

        It is not if the connector knows no prices, or fails. The log names a failure.
        """
        if (estimator := self._estimator) is None:
            return None

        def estimate() -> "CostEstimate | None":
            given = estimator.estimate(action.id, action.version, input)
            return None if given is None else boundary.as_estimate(given)

        try:
            return boundary.call(estimate, self._fail("cannot estimate a cost"))
        except ConnectorError as error:
            problem = "%s cannot estimate the cost of %r: %s"
            _LOG.warning(problem, self._name, action.id, error.code.value)
            return None

    def output_errors(self, action: Action, output: Normalized) -> list[FieldError]:
        """Return where an output breaks its schema."""
        return self._validators[action.output].errors(output)

    async def test_connection(
        self, context: ActionContext
    ) -> "ConnectionStatusDocument":
        """Test a connection.

        The outcome is `unknown` if the connector has no test, or takes too long. Raises
        `ConnectorError`: the connector's own, else `internal`.
        """
        connector = self._connector
        if not isinstance(connector, ConnectionTester):
            return _unknown_status(
                "This connector cannot test a connection.", "Run a step with it."
            )

        async def test() -> ConnectionStatus:
            return boundary.as_status(await connector.test_connection(context))

        try:
            fail = self._fail("cannot test a connection")
            status = await boundary.supervise(test, fail, _TEST_S)
        except TimeoutError:
            return _unknown_status("The test took too long.", "Try again later.")
        return status.to_dict()

    async def list_options(
        self,
        source: str,
        query: "OptionsQuery",
        context: ActionContext,
    ) -> "OptionsDocument":
        """Return a page of suggestions for a field.

        Raises `ConnectorError`: `not_found` if the connector has none, the connector's own, else
        `internal`.
        """
        connector = self._connector
        if not isinstance(connector, OptionLister):
            raise ConnectorError(ErrorCode.NOT_FOUND, f"{self._name} has no options.")

        async def list_options() -> "OptionsPage":
            return boundary.as_page(
                await connector.list_options(source, query, context)
            )

        page = await boundary.supervise(
            list_options, self._fail("cannot list its options")
        )
        return page.to_dict()

    async def cancel_run(
        self, action: Action, state: JsonObject, context: ActionContext
    ) -> bool:
        """Ask the provider to stop a run. Return whether it accepted.

        It did not if the connector cannot ask. Raises `ConnectorError`: the connector's own, else
        `internal`.
        """
        connector = self._connector
        if not isinstance(connector, RunCanceller):
            return False
        accepted = await boundary.supervise(
            lambda: connector.cancel_run(action.id, action.version, state, context),
            self._fail(f"cannot stop a run of {action.id!r}"),
        )
        return accepted is True

    @functools.cached_property
    def _estimator(self) -> CostEstimator | None:
        # A look at all the methods of a protocol is slow, and each run under a budget asks.
        connector = self._connector
        return connector if isinstance(connector, CostEstimator) else None

    async def open(self, stack: AsyncExitStack) -> None:
        """Open the connector unless it is open; `stack` closes it.

        Raises `ConnectorError`: the connector's own, else `internal`.
        """
        async with self._opening:
            if self._is_open:
                return
            kind, fail = type(self._connector), self._fail("cannot be opened")
            task = boundary.begin(lambda: kind.__aenter__(self._connector), fail)
            try:
                await boundary.settle(task)
            finally:
                # One that opened although its run was cancelled must be closed, too.
                self._is_open = boundary.has_succeeded(task)
                if self._is_open:
                    stack.push_async_callback(self._close)
            boundary.outcome(task, fail)

    async def _close(self) -> None:
        """Close the connector. A failure is logged and ignored."""
        kind = type(self._connector)
        try:
            await boundary.supervise(
                lambda: kind.__aexit__(self._connector, None, None, None),
                self._fail("cannot be closed"),
                _CLOSE_S,
            )
        except (ConnectorError, TimeoutError) as error:
            # A connector's own message may hold a key.
            _LOG.warning("%s cannot be closed: %s", self._name, type(error).__name__)

    def _fail(self, problem: str) -> boundary.Fail:
        return functools.partial(_internal, f"{self._name} {problem}")


def load(
    installed: Installed,
    given: Mapping[str, str],
    environ: Mapping[str, str],
) -> LoadedConnector:
    """Load a connector with its settings.

    Raises `ConnectorError`: the connector's own, `invalid_input` for a setting, `internal` for an
    unusable manifest, schema or plugin.
    """
    manifest = load_manifest(installed)
    settings = resolve_settings(manifest.settings, given, environ)
    return LoadedConnector(installed, manifest, _load_connector(installed, settings))


def _load_connector(installed: Installed, settings: Mapping[str, str]) -> Connector:
    plugins = pluggy.PluginManager(PROJECT_NAME)
    plugins.add_hookspecs(ConnectorSpecs)
    name = f"The plugin {installed.plugin_name!r} of connector {installed.id!r}"

    def load_connector() -> Connector | None:
        plugins.register(_import_plugin(installed, name), name=installed.plugin_name)
        connector: Connector | None = plugins.hook.load_connector(
            connector_id=installed.id, settings=settings
        )
        return connector

    fail = functools.partial(_internal, f"{name} cannot be loaded")
    connector = boundary.call(load_connector, fail)
    if connector is None:
        raise ConnectorError(ErrorCode.INTERNAL, f"{name} does not load it.")
    return connector


def _import_plugin(installed: Installed, name: str) -> object:
    """Return the plugin. Raises `ConnectorError` (`internal`) that names a missing module."""
    try:
        return installed.load_plugin()
    except ModuleNotFoundError as error:
        # Only a module's name: any other text may hold a key.
        module = re.fullmatch(r"[^\W\d][\w.]{0,99}", error.name or "")
        if module is None:
            raise
        problem = f"{name} cannot be loaded: the module {module[0]} is not installed."
    raise ConnectorError(ErrorCode.INTERNAL, problem)


def _unknown_status(message: str, next_step: str) -> "ConnectionStatusDocument":
    return ConnectionStatus(
        outcome=ConnectionOutcome.UNKNOWN,
        message=message,
        next_step=next_step,
    ).to_dict()


def _internal(problem: str, reason: str) -> ConnectorError:
    return ConnectorError(ErrorCode.INTERNAL, f"{problem}: {reason}.")
