"""Loading a connector: its manifest checked in full, its plugin imported, its schemas compiled. Once for each host."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import NoReturn, TypeVar

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

# A connector's own test ends by itself before this.
_TEST_S = 10.0


class LoadedConnector:
    """A connector with its plugin imported and every schema compiled; it is opened by the first run."""

    def __init__(
        self, installed: Installed, manifest: Manifest, connector: Connector
    ) -> None:
        """Compile the schemas. Raises `ConnectorError` (`internal`) for one that cannot be used."""
        self.manifest = manifest
        self.connection = ConnectionForm(
            manifest.connection, read_schema(installed.file, manifest.connection.schema)
        )
        files = {
            name
            for action in manifest.actions
            for name in (action.input, action.output)
        }
        self._validators = {
            name: SchemaValidator(read_schema(installed.file, name))
            for name in sorted(files)
        }
        self._actions = {
            (action.id, action.version): action for action in manifest.actions
        }
        self._connector = connector
        self._opening = asyncio.Lock()
        self._is_open = False

    def entry(self, action: str, version: int) -> Action:
        """The manifest's entry of an action that is known to be there."""
        return self._actions[action, version]

    def handler(self, action: Action) -> ActionHandler:
        """The connector's handler. Raises `ConnectorError`: `not_found`, or `internal` for anything else."""
        try:
            return self._connector.action(action.id, action.version)
        except Exception as error:  # noqa: BLE001 - the host's boundary
            _blame(
                error,
                f"The connector {self.manifest.id!r} cannot give its action {action.id!r}",
            )

    def input_errors(self, action: Action, input: Normalized) -> list[FieldError]:
        """The schema's errors and the connector's; at the same place the connector's word wins."""
        errors = self._validators[action.input].errors(input)
        if not isinstance(input.value, dict):
            return errors
        try:
            own = self._connector.check(action.id, action.version, input.value)
            return merge_errors(errors, own)
        except Exception as error:  # noqa: BLE001 - the host's boundary
            _blame(
                error,
                f"The connector {self.manifest.id!r} cannot check the input of {action.id!r}",
            )

    def output_errors(self, action: Action, output: Normalized) -> list[FieldError]:
        """What an output breaks of its own schema."""
        return self._validators[action.output].errors(output)

    async def test_connection(self, context: ActionContext) -> ConnectionStatus:
        """How good a connection is. Raises `ConnectorError`: the connector's own, or `internal` when it breaks."""
        if not isinstance(self._connector, ConnectionTester):
            message = "This connector cannot test a connection."
            return ConnectionStatus(
                outcome=ConnectionOutcome.UNKNOWN,
                message=message,
                next_step="Run a step with it.",
            )
        try:
            async with asyncio.timeout(_TEST_S):
                return _checked(
                    await self._connector.test_connection(context), ConnectionStatus
                )
        except TimeoutError:
            message = "The test did not end in the time it had."
            return ConnectionStatus(
                outcome=ConnectionOutcome.UNKNOWN,
                message=message,
                next_step="Try again later.",
            )
        except Exception as error:  # noqa: BLE001 - the host's boundary
            _blame(
                error, f"The connector {self.manifest.id!r} cannot test a connection"
            )

    async def list_options(
        self, source: str, query: OptionsQuery, context: ActionContext
    ) -> OptionsPage:
        """Suggestions for a field. Raises `ConnectorError`: the connector's own, or `internal` when it breaks."""
        if not isinstance(self._connector, OptionLister):
            raise ConnectorError(
                ErrorCode.NOT_FOUND,
                f"The connector {self.manifest.id!r} has no options.",
            )
        try:
            return _checked(
                await self._connector.list_options(source, query, context), OptionsPage
            )
        except Exception as error:  # noqa: BLE001 - the host's boundary
            _blame(error, f"The connector {self.manifest.id!r} cannot list its options")

    async def open(self, stack: AsyncExitStack) -> None:
        """Enter the connector, once however many runs begin together; `stack` closes it.

        Raises `ConnectorError` (`internal`) when it cannot be entered.
        """
        async with self._opening:
            if self._is_open:
                return
            try:
                await stack.enter_async_context(self._connector)
            except Exception as error:  # noqa: BLE001 - the host's boundary
                _blame(error, f"The connector {self.manifest.id!r} cannot be opened")
            self._is_open = True


def load(
    installed: Installed, given: Mapping[str, str], environ: Mapping[str, str]
) -> LoadedConnector:
    """The connector, with its settings resolved.

    Raises `ConnectorError`: the connector's own, `invalid_input` for a setting, `internal` for a manifest, a schema or
    a plugin that cannot be used.
    """
    manifest = _whole_manifest(installed)
    settings = resolve_settings(manifest.settings, given, environ)
    return LoadedConnector(installed, manifest, _connector(installed, settings))


def _whole_manifest(installed: Installed) -> Manifest:
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - heavy, and the palette needs none of it

    try:
        return TypeAdapter(Manifest).validate_python(installed.document)
    except ValidationError as error:
        found = error.errors(
            include_url=False, include_context=False, include_input=False
        )
        places = ", ".join(
            f"{_place(detail['loc'])} ({detail['type']})" for detail in found
        )
        message = f"The manifest of {installed.id!r} is invalid: {installed.file.name} at {places}."
        raise ConnectorError(ErrorCode.INTERNAL, message) from None


def _place(location: tuple[str | int, ...]) -> str:
    return "".join(child_pointer("", part) for part in location)


def _connector(installed: Installed, settings: Mapping[str, str]) -> Connector:
    plugins = pluggy.PluginManager(PROJECT_NAME)
    plugins.add_hookspecs(ConnectorSpecs)
    culprit = f"The plugin {installed.plugin_name!r} of connector {installed.id!r}"
    try:
        plugins.register(installed.load_plugin(), name=installed.plugin_name)
        connector: Connector | None = plugins.hook.load_connector(
            connector_id=installed.id, settings=settings
        )
    except Exception as error:  # noqa: BLE001 - the host's boundary: whatever a plugin does, the host goes on
        _blame(error, f"{culprit} cannot be loaded")
    if connector is None:
        raise ConnectorError(ErrorCode.INTERNAL, f"{culprit} does not load it.")
    return connector


def _checked(answer: object, kind: type[T]) -> T:
    if not isinstance(answer, kind):
        raise TypeError
    return answer


def _blame(error: Exception, trouble: str) -> NoReturn:
    """Raise a connector's own error as it is, any other as `internal`: by its type, since its text may hold a key."""
    # Without the cause as well: whoever logs the error would log that text with it.
    if isinstance(error, ConnectorError):
        raise error
    raise ConnectorError(
        ErrorCode.INTERNAL, f"{trouble}: {type(error).__name__}."
    ) from None
