"""Load a connector: validate its manifest, import its plugin, compile its schemas."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from typing import TypeVar

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
    ErrorCode,
    FieldError,
    Manifest,
    OptionLister,
    OptionsPage,
    OptionsQuery,
)
from perplexity_connector.contract.errors import unchained
from perplexity_connector.contract.json import child_pointer
from perplexity_connector.host.catalogue.discovery import Installed
from perplexity_connector.host.catalogue.schemas import read_schema
from perplexity_connector.host.credentials.form import ConnectionForm
from perplexity_connector.host.runs.settings import resolve_settings
from perplexity_connector.host.validation.schema_validator import (
    SchemaValidator,
    merge_errors,
)
from perplexity_connector.host.validation.to_json import Normalized

T = TypeVar("T")

# Longer than a connector's own test takes.
_TEST_S = 10.0


class LoadedConnector:
    """A connector with its plugin imported and its schemas compiled. The first run opens it.

    * `manifest`: the valid manifest.
    * `connection_form`: the form of the connector's credential.
    * `_name`: the connector in error messages.
    * `_validators`: the compiled schemas by file name.
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
        """Compile the schemas. Raises `ConnectorError` (`internal`) for an unusable schema."""
        self.manifest = manifest
        self.connection_form = ConnectionForm(
            manifest.connection,
            read_schema(installed.file, manifest.connection.schema),
        )
        self._name = f"The connector {manifest.id!r}"
        inputs = {action.input for action in manifest.actions}
        outputs = {action.output for action in manifest.actions}
        self._validators = {
            name: SchemaValidator(read_schema(installed.file, name))
            for name in sorted(inputs | outputs)
        }
        self._actions = {
            (action.id, action.version): action for action in manifest.actions
        }
        self._connector = connector
        self._opening = asyncio.Lock()
        self._is_open = False

    def action(self, action: str, version: int) -> Action:
        """Return the manifest's entry of an action that exists."""
        return self._actions[action, version]

    def handler(self, action: Action) -> ActionHandler:
        """Return the connector's handler of an action.

        Raises `ConnectorError`: the connector's own (`not_found`), else `internal`.
        """
        with _as_connector_error(f"{self._name} cannot give its action {action.id!r}"):
            return self._connector.action(action.id, action.version)

    def input_errors(self, action: Action, input: Normalized) -> list[FieldError]:
        """Return the errors of the schema and of the connector's own check.

        Where both have errors for a field, only the connector's are kept.
        """
        errors = self._validators[action.input].errors(input)
        if not isinstance(input.value, dict):
            return errors
        with _as_connector_error(
            f"{self._name} cannot check the input of {action.id!r}"
        ):
            own = self._connector.check(action.id, action.version, input.value)
            return merge_errors(errors, own)

    def output_errors(self, action: Action, output: Normalized) -> list[FieldError]:
        """Return where an output breaks its schema."""
        return self._validators[action.output].errors(output)

    async def test_connection(self, context: ActionContext) -> ConnectionStatus:
        """Test a connection.

        The outcome is `unknown` if the connector has no test, or takes too long. Raises
        `ConnectorError`: the connector's own, else `internal`.
        """
        if not isinstance(self._connector, ConnectionTester):
            return _unknown_status(
                "This connector cannot test a connection.", "Run a step with it."
            )
        with _as_connector_error(f"{self._name} cannot test a connection"):
            try:
                async with asyncio.timeout(_TEST_S):
                    status = await self._connector.test_connection(context)
            except TimeoutError:
                return _unknown_status("The test took too long.", "Try again later.")
            return _require_type(status, ConnectionStatus)

    async def list_options(
        self,
        source: str,
        query: OptionsQuery,
        context: ActionContext,
    ) -> OptionsPage:
        """Return a page of suggestions for a field.

        Raises `ConnectorError`: `not_found` if the connector has none, the connector's own, else
        `internal`.
        """
        if not isinstance(self._connector, OptionLister):
            raise ConnectorError(ErrorCode.NOT_FOUND, f"{self._name} has no options.")
        with _as_connector_error(f"{self._name} cannot list its options"):
            page = await self._connector.list_options(source, query, context)
            return _require_type(page, OptionsPage)

    async def open(self, stack: AsyncExitStack) -> None:
        """Open the connector unless it is open; `stack` closes it.

        Raises `ConnectorError`: the connector's own, else `internal`.
        """
        async with self._opening:
            if self._is_open:
                return
            with _as_connector_error(f"{self._name} cannot be opened"):
                await stack.enter_async_context(self._connector)
            self._is_open = True


def load(
    installed: Installed,
    given: Mapping[str, str],
    environ: Mapping[str, str],
) -> LoadedConnector:
    """Load a connector with its settings.

    Raises `ConnectorError`: the connector's own, `invalid_input` for a setting, `internal` for an
    unusable manifest, schema or plugin.
    """
    manifest = _validate_manifest(installed)
    settings = resolve_settings(manifest.settings, given, environ)
    return LoadedConnector(installed, manifest, _load_connector(installed, settings))


def _validate_manifest(installed: Installed) -> Manifest:
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - heavy, and the palette needs none of it

    try:
        return TypeAdapter(Manifest).validate_python(installed.document)
    except ValidationError as error:
        details = error.errors(
            include_url=False,
            include_context=False,
            include_input=False,
        )
    places = ", ".join(
        f"{_to_pointer(detail['loc'])} ({detail['type']})" for detail in details
    )
    message = f"The manifest of {installed.id!r} is invalid: {installed.file.name} at {places}."
    raise ConnectorError(ErrorCode.INTERNAL, message)


def _to_pointer(location: tuple[str | int, ...]) -> str:
    return "".join(child_pointer("", part) for part in location)


def _load_connector(installed: Installed, settings: Mapping[str, str]) -> Connector:
    plugins = pluggy.PluginManager(PROJECT_NAME)
    plugins.add_hookspecs(ConnectorSpecs)
    name = f"The plugin {installed.plugin_name!r} of connector {installed.id!r}"
    with _as_connector_error(f"{name} cannot be loaded"):
        plugins.register(installed.load_plugin(), name=installed.plugin_name)
        connector: Connector | None = plugins.hook.load_connector(
            connector_id=installed.id, settings=settings
        )
    if connector is None:
        raise ConnectorError(ErrorCode.INTERNAL, f"{name} does not load it.")
    return connector


def _unknown_status(message: str, next_step: str) -> ConnectionStatus:
    return ConnectionStatus(
        outcome=ConnectionOutcome.UNKNOWN,
        message=message,
        next_step=next_step,
    )


def _require_type(value: object, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise TypeError
    return value


@contextmanager
def _as_connector_error(problem: str) -> Iterator[None]:
    """Pass a connector's own `ConnectorError` on; turn any other exception into `internal`."""
    with unchained():
        try:
            yield
        except ConnectorError:
            raise
        except Exception as error:  # noqa: BLE001 - the host's boundary: it outlives a broken connector
            # The exception's text may hold a key: so only its type is named.
            raise ConnectorError(
                ErrorCode.INTERNAL, f"{problem}: {type(error).__name__}."
            ) from None
