"""The JSON documents that a host hands out, as types for a checker.

Each is a plain `dict`. The members of a union differ by one key: `status` of an envelope,
`type` of an event. A host may add keys and types of events; ignore those that you do not know.
"""

from typing import Generic, Literal, NotRequired, TypeAlias, TypedDict, TypeVar

from perplexity_connector.contract.json import JsonObject

__all__ = [
    "CancelledRun",
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
    "FlowPriceDocument",
    "FlowStartedItem",
    "FlowStepDocument",
    "ItemFinishedItem",
    "ItemStartedItem",
    "KeptStepDocument",
    "RunFinishedItem",
    "RunStatusName",
    "SearchQueriesEvent",
    "SearchResultsEvent",
    "StatusEvent",
    "StepFinishedItem",
    "StepSkippedItem",
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
    cause: str | None


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
    """The keys of every event. `seq` rises over all events of a run.

    `step` is the step of a flow, and `item` the index of the item that it runs for.
    """

    seq: int
    step: NotRequired[str]
    item: NotRequired[int]


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
    """A sentence about the current step, for people.

    Before the host repeats a failed attempt, it also has the `reason`, the seconds to `wait`, and
    which one of all `attempts` is the next `attempt`.
    """

    type: Literal["status"]
    message: str
    reason: NotRequired[str]
    wait: NotRequired[float]
    attempt: NotRequired[int]
    attempts: NotRequired[int]


EventDocument: TypeAlias = (
    TextDeltaEvent | SearchQueriesEvent | SearchResultsEvent | StatusEvent
)


class RunFinishedItem(TypedDict, Generic[O_co]):
    """The last item of every stream. It has no `seq`."""

    type: Literal["run.finished"]
    envelope: EnvelopeOf[O_co]


StreamItemOf: TypeAlias = EventDocument | RunFinishedItem[O_co]
StreamItem: TypeAlias = StreamItemOf[JsonObject]


class KeptStepDocument(TypedDict):
    """A step that does not run: its kept output is used. `stale`: the step has changed since."""

    step: str
    stale: bool


class FlowStartedItem(TypedDict):
    """The first item of a flow of version 2, or of a part of a flow.

    `kept` has the steps whose kept outputs are used.
    """

    type: Literal["flow.started"]
    flow_id: str
    kept: list[KeptStepDocument]


class StepStartedItem(TypedDict):
    """A step of a flow begins. `action` is the action's id. `items`: how many items it runs for."""

    type: Literal["step.started"]
    step: str
    run_id: str
    action: str
    items: NotRequired[int]


class ItemStartedItem(TypedDict):
    """A step's run for one item begins."""

    type: Literal["item.started"]
    step: str
    index: int
    run_id: str


class ItemFinishedItem(TypedDict):
    """A step's run for one item has ended."""

    type: Literal["item.finished"]
    step: str
    index: int
    envelope: EnvelopeDocument


class StepSkippedItem(TypedDict):
    """A step does not run, because it takes a value of `missing`, a step that failed or was skipped."""

    type: Literal["step.skipped"]
    step: str
    missing: str


class StepFinishedItem(TypedDict):
    """A step of a flow has ended. With `each`, the output of its envelope is `items` and `failed`."""

    type: Literal["step.finished"]
    step: str
    envelope: EnvelopeDocument


class FlowFinishedItem(TypedDict):
    """The last item of a flow. `status` is that of the step that ended it, else `succeeded`."""

    type: Literal["flow.finished"]
    status: RunStatusName


FlowItem: TypeAlias = (
    FlowStartedItem
    | StepStartedItem
    | ItemStartedItem
    | EventDocument
    | ItemFinishedItem
    | StepFinishedItem
    | StepSkippedItem
    | FlowFinishedItem
)


class FlowStepDocument(TypedDict):
    """A step of a flow that has run."""

    id: str
    envelope: EnvelopeDocument


class FlowDocument(TypedDict):
    """The result of a flow; `steps` has only those that have run.

    A flow of version 2, or a part of a flow, has the other keys too: `kept` has the steps whose
    kept outputs were used, `skipped` the ids of those that could not run.
    """

    flow_version: int
    status: RunStatusName
    steps: list[FlowStepDocument]
    flow_id: NotRequired[str]
    kept: NotRequired[list[KeptStepDocument]]
    skipped: NotRequired[list[str]]


class FlowPriceDocument(TypedDict):
    """The price of a flow, or of a part of it: `likely` and `worst`.

    `basis` is `list_price` where every step has one. With `estimate`, it may cost more than `worst`.
    """

    likely: float
    worst: float
    currency: str
    basis: Literal["list_price", "estimate"]


class FlowErrorDocument(FieldErrorDocument):
    """An error of a saved flow. `pointer` leads into the step's input, or into the flow if `step` is None."""

    step: str | None


class FlowHintDocument(TypedDict):
    """A hint about a saved flow. `pointer` leads into the input of the step."""

    step: str
    pointer: str
    message: str
