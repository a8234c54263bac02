"""The JSON documents in which a host describes connectors, actions, connections and options, as types."""

from typing import Literal, NotRequired, TypedDict

from perplexity_connector.contract.json import JsonObject, JsonValue

__all__ = [
    "ActionDescription",
    "ActionDocument",
    "AnnotationsDocument",
    "CommandDocument",
    "CommandEntry",
    "CommandOptionDocument",
    "ConnectionDocument",
    "ConnectionSpecDocument",
    "ConnectionStatusDocument",
    "ConnectorDocument",
    "ContinuationDocument",
    "GuideStepDocument",
    "ManifestActionDocument",
    "ManifestDocument",
    "ManifestSandboxDocument",
    "OptionDocument",
    "OptionsDocument",
    "PaletteEntry",
    "ProblemDocument",
    "SandboxCredentialDocument",
    "SandboxDocument",
    "SchemasDocument",
    "SettingDocument",
]


class SettingDocument(TypedDict):
    """A setting of the operator, as in the manifest."""

    name: str
    title: str
    description: str
    env: NotRequired[str | None]
    default: NotRequired[str | None]


class GuideStepDocument(TypedDict):
    """One step of the guide to getting a credential."""

    title: str
    text: str
    link: NotRequired[str | None]


class ConnectionSpecDocument(TypedDict):
    """The credential of a connector. `env` has the variable of each field."""

    schema: str
    env: dict[str, str]
    guide: list[GuideStepDocument]


class SandboxCredentialDocument(TypedDict):
    """A credential of the sandbox; see `SandboxCredential`."""

    title: str
    fields: dict[str, str]


class SandboxDocument(TypedDict):
    """The server that answers in place of the real service; see `SandboxSpec`."""

    start: str
    settings: dict[str, str]
    connection: dict[str, str]
    test_connections: list[SandboxCredentialDocument]
    test_prefixes: dict[str, str]


class _Connector(TypedDict):
    id: str
    version: str
    title: str
    summary: str
    icon: str
    categories: list[str]
    links: dict[str, str]


class ConnectorDocument(_Connector):
    """A connector, as in its manifest, without its actions. `sandbox` is None if it has none."""

    settings: list[SettingDocument]
    connection: ConnectionSpecDocument
    sandbox: SandboxDocument | None


class AnnotationsDocument(TypedDict):
    """The effects of an action."""

    read_only: bool
    destructive: bool
    idempotent: bool
    open_world: bool
    billable: bool


class CommandEntry(TypedDict):
    """The short command of an action, for a palette."""

    name: str
    summary: str


class PaletteEntry(TypedDict):
    """An action in its newest version, for a palette.

    `timeout` is in seconds; `command` is its short command, if it has one.
    """

    connector: str
    action: str
    version: int
    title: str
    summary: str
    icon: str
    categories: list[str]
    streaming: bool
    annotations: AnnotationsDocument
    timeout: int
    command: CommandEntry | None


class CommandOptionDocument(TypedDict):
    """An option of a command, as in the manifest; see `CommandOption`."""

    name: str
    field: str
    short: NotRequired[str | None]
    setting: NotRequired[str | None]
    file: NotRequired[bool]
    without: NotRequired[str | None]
    help: NotRequired[str | None]


class ContinuationDocument(TypedDict):
    """How a run goes on from an earlier one; see `Continuation`."""

    field: str
    output: str


class CommandDocument(TypedDict):
    """The short command of an action, as in the manifest; see `Command`."""

    name: str
    words: str
    summary: NotRequired[str | None]
    help: NotRequired[str | None]
    examples: NotRequired[list[str]]
    values: NotRequired[JsonObject]
    options: NotRequired[list[CommandOptionDocument]]
    continues: NotRequired[ContinuationDocument | None]


class _Action(TypedDict):
    id: str
    version: int
    title: str
    summary: str
    input: str
    output: str
    annotations: AnnotationsDocument
    timeout: int


class ActionDocument(_Action):
    """An action, as in the manifest, with every key. `timeout` is in seconds."""

    events: str | None
    streaming: bool
    options: dict[str, str]
    labels: dict[str, dict[str, str]]
    author_schemas: dict[str, str]
    command: CommandDocument | None


class ManifestActionDocument(_Action):
    """An action as it is written in a manifest; see `Action`."""

    events: NotRequired[str | None]
    streaming: NotRequired[bool]
    options: NotRequired[dict[str, str]]
    labels: NotRequired[dict[str, dict[str, str]]]
    author_schemas: NotRequired[dict[str, str]]
    command: NotRequired[CommandDocument | None]


class _ManifestConnectionDocument(TypedDict):
    schema: str
    env: NotRequired[dict[str, str]]
    guide: NotRequired[list[GuideStepDocument]]


class ManifestSandboxDocument(TypedDict):
    """A sandbox as it is written in a manifest; see `SandboxSpec`."""

    start: str
    settings: dict[str, str]
    connection: NotRequired[dict[str, str]]
    test_connections: NotRequired[list[SandboxCredentialDocument]]
    test_prefixes: NotRequired[dict[str, str]]


class _HostApiDocument(TypedDict):
    min: int
    max: int


class ManifestDocument(_Connector):
    """A manifest as it is written; see `Manifest`."""

    manifest_version: Literal[1]
    host_api: _HostApiDocument
    settings: NotRequired[list[SettingDocument]]
    connection: _ManifestConnectionDocument
    sandbox: NotRequired[ManifestSandboxDocument | None]
    actions: list[ManifestActionDocument]


class SchemasDocument(TypedDict):
    """The JSON Schemas of an action; `event` is None if it has no events of its own."""

    connection: JsonObject
    input: JsonObject
    output: JsonObject
    event: JsonObject | None


class ActionDescription(TypedDict):
    """Everything that a host needs to show an action."""

    connector: ConnectorDocument
    action: ActionDocument
    schemas: SchemasDocument
    labels: dict[str, dict[str, str]]
    examples: list[JsonValue]


class ProblemDocument(TypedDict):
    """Why a connector, or a setting of it, cannot be used."""

    connector: str
    message: str


class ConnectionDocument(TypedDict):
    """A stored connection, without its secrets. The times are ISO 8601 in UTC."""

    connection_name: str
    connector: str
    fingerprint: str
    created_at: str
    updated_at: str


class ConnectionStatusDocument(TypedDict):
    """A `ConnectionStatus`. `retry_after` is in seconds."""

    outcome: str
    message: str
    next_step: str
    credit_checked: bool
    retry_after: float | None
    http_status: int | None
    request_id: str | None
    docs_url: str | None


class OptionDocument(TypedDict):
    """An `Option`."""

    value: str
    label: str
    description: str


class OptionsDocument(TypedDict):
    """An `OptionsPage`."""

    options: list[OptionDocument]
    next_cursor: str | None
    origin: Literal["live", "stale", "shipped"]
    note: str
