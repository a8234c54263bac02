"""The JSON documents that a host hands out, as types for a checker.

Each is a plain `dict`. The members of a union differ by one key: `status` of an envelope,
`type` of an event. A host may add keys and types of events; ignore those that you do not know.
"""

from typing import Generic, Literal, NotRequired, TypeAlias, TypedDict, TypeVar

from perplexity_connector.contract.json import JsonObject, JsonValue

__all__ = [
    "ActionDescription",
    "ActionDocument",
    "AnnotationsDocument",
    "CancelledRun",
    "ConnectionDocument",
    "ConnectionSpecDocument",
    "ConnectionStatusDocument",
    "ConnectorDocument",
    "EnvelopeDocument",
    "EnvelopeOf",
    "ErrorDocument",
    "EventDocument",
    "FailedRun",
    "FieldErrorDocument",
    "FlowDocument",
    "FlowErrorDocument",
    "FlowFinishedItem",
    "FlowHintDocument",
    "FlowItem",
    "FlowStepDocument",
    "GuideStepDocument",
    "ManifestActionDocument",
    "ManifestDocument",
    "OptionDocument",
    "OptionsDocument",
    "PaletteEntry",
    "ProblemDocument",
    "RunFinishedItem",
    "RunStatusName",
    "SandboxDocument",
    "SchemasDocument",
    "SearchQueriesEvent",
    "SearchResultsEvent",
    "SettingDocument",
    "StatusEvent",
    "StepFinishedItem",
    "StepStartedItem",
    "StreamItem",
    "StreamItemOf",
    "SucceededRun",
    "TextDeltaEvent",
    "WarningDocument",
]

# The output of one action.
O_co = TypeVar("O_co", covariant=True)
RunStatusName: TypeAlias = Literal["succeeded", "failed", "cancelled"]


class FieldErrorDocument(TypedDict):
    """A `FieldError`."""

    pointer: str
    code: str
    message: str


class ErrorDocument(TypedDict):
    """An `ErrorRecord`: why a run failed. `retry_after` is in seconds, `resets_at` in epoch seconds."""

    code: str
    message: str
    user_message: str
    retryable: bool
    effect: Literal["none", "unknown"]
    retry_after: float | None
    resets_at: float | None
    fields: list[FieldErrorDocument]
    partial: JsonObject | None
    http_status: int | None
    provider_code: str | None
    request_id: str | None
    docs_url: str | None
    repeatable: bool


class WarningDocument(TypedDict):
    """A `RunWarning`."""

    code: str
    message: str


class _Run(TypedDict):
    """The keys of every envelope. `started_at` is ISO 8601 in UTC; `usage` and `meta` are the plugin's."""

    run_id: str
    connector: str
    action: str
    version: int
    summary: str
    usage: JsonObject
    warnings: list[WarningDocument]
    attempts: int
    started_at: str
    duration_ms: int
    meta: JsonObject


class SucceededRun(_Run, Generic[O_co]):
    """The envelope of a run that succeeded."""

    status: Literal["succeeded"]
    output: O_co
    error: None
    partial: None


class _RunWithoutOutput(_Run):
    output: None
    error: ErrorDocument
    partial: JsonObject | None


class FailedRun(_RunWithoutOutput):
    """The envelope of a run that failed; `partial` has the part of the output that arrived before."""

    status: Literal["failed"]


class CancelledRun(_RunWithoutOutput):
    """The envelope of a run that was stopped; `partial` has the part of the output that arrived before."""

    status: Literal["cancelled"]


EnvelopeOf: TypeAlias = SucceededRun[O_co] | FailedRun | CancelledRun
EnvelopeDocument: TypeAlias = EnvelopeOf[JsonObject]


class _Event(TypedDict):
    """The keys of every event. `seq` rises over all events of a run; `step` is the step of a flow."""

    seq: int
    step: NotRequired[str]


class TextDeltaEvent(_Event):
    """The next piece of the answer."""

    type: Literal["text.delta"]
    text: str


class SearchQueriesEvent(_Event):
    """The queries that are being searched for."""

    type: Literal["search.queries"]
    queries: list[str]


class SearchResultsEvent(_Event):
    """The pages that a search found."""

    type: Literal["search.results"]
    results: list[JsonObject]


class StatusEvent(_Event):
    """A sentence about the current step, for people."""

    type: Literal["status"]
    message: str


EventDocument: TypeAlias = (
    TextDeltaEvent | SearchQueriesEvent | SearchResultsEvent | StatusEvent
)


class RunFinishedItem(TypedDict, Generic[O_co]):
    """The last item of every stream. It has no `seq`."""

    type: Literal["run.finished"]
    envelope: EnvelopeOf[O_co]


StreamItemOf: TypeAlias = EventDocument | RunFinishedItem[O_co]
StreamItem: TypeAlias = StreamItemOf[JsonObject]


class StepStartedItem(TypedDict):
    """A step of a flow begins. `action` is the action's id."""

    type: Literal["step.started"]
    step: str
    run_id: str
    action: str


class StepFinishedItem(TypedDict):
    """A step of a flow has ended."""

    type: Literal["step.finished"]
    step: str
    envelope: EnvelopeDocument


class FlowFinishedItem(TypedDict):
    """The last item of a flow. `status` is that of the first step that did not succeed."""

    type: Literal["flow.finished"]
    status: RunStatusName


FlowItem: TypeAlias = (
    StepStartedItem | EventDocument | StepFinishedItem | FlowFinishedItem
)


class FlowStepDocument(TypedDict):
    """A step of a flow that has run."""

    id: str
    envelope: EnvelopeDocument


class FlowDocument(TypedDict):
    """The result of a flow; `steps` has only those that have run."""

    flow_version: int
    status: RunStatusName
    steps: list[FlowStepDocument]


class FlowErrorDocument(FieldErrorDocument):
    """An error of a saved flow. `pointer` leads into the step's input, or into the flow if `step` is None."""

    step: str | None


class FlowHintDocument(TypedDict):
    """A hint about a saved flow. `pointer` leads into the input of the step."""

    step: str
    pointer: str
    message: str


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


class SandboxDocument(TypedDict):
    """The server that answers in place of the real service; see `SandboxSpec`."""

    start: str
    settings: dict[str, str]
    connection: dict[str, str]
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


class PaletteEntry(TypedDict):
    """An action in its newest version, for a palette. `timeout` is in seconds."""

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


class ManifestActionDocument(_Action):
    """An action as it is written in a manifest; see `Action`."""

    events: NotRequired[str | None]
    streaming: NotRequired[bool]
    options: NotRequired[dict[str, str]]
    labels: NotRequired[dict[str, dict[str, str]]]


class _ManifestConnectionDocument(TypedDict):
    schema: str
    env: NotRequired[dict[str, str]]
    guide: NotRequired[list[GuideStepDocument]]


class _ManifestSandboxDocument(TypedDict):
    start: str
    settings: dict[str, str]
    connection: NotRequired[dict[str, str]]
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
    sandbox: NotRequired[_ManifestSandboxDocument | None]
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
