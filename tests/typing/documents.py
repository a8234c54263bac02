"""What the documents of a host hold."""

from typing import assert_type

from perplexity_connector.contract import (
    ActionDescription,
    ActionDocument,
    AnnotationsDocument,
    CancelledRun,
    CommandDocument,
    CommandEntry,
    CommandOptionDocument,
    ConnectionDocument,
    ConnectionOutcome,
    ConnectionSpecDocument,
    ConnectionStatus,
    ConnectionStatusDocument,
    ConnectorDocument,
    ConnectorError,
    ContinuationDocument,
    Envelope,
    EnvelopeDocument,
    EnvelopeOf,
    ErrorDocument,
    ErrorRecord,
    EventDocument,
    FailedRun,
    FieldErrorDocument,
    FlowDocument,
    FlowErrorDocument,
    FlowFinishedItem,
    FlowHintDocument,
    FlowItem,
    FlowPriceDocument,
    FlowStartedItem,
    FlowStepDocument,
    GuideStepDocument,
    ItemFinishedItem,
    ItemStartedItem,
    JsonObject,
    KeptStepDocument,
    ManifestActionDocument,
    ManifestDocument,
    ManifestSandboxDocument,
    OptionDocument,
    OptionsDocument,
    OptionsPage,
    PaletteEntry,
    ProblemDocument,
    RunFinishedItem,
    RunStatusName,
    SandboxCredentialDocument,
    SandboxDocument,
    SchemasDocument,
    SearchQueriesEvent,
    SearchResultsEvent,
    SettingDocument,
    StatusEvent,
    StepFinishedItem,
    StepSkippedItem,
    StepStartedItem,
    StreamItem,
    StreamItemOf,
    SucceededRun,
    TextDeltaEvent,
    WarningDocument,
)
from perplexity_connector.host import Host


def a_description(description: ActionDescription) -> None:
    """It has all that a host shows of an action."""
    assert_type(description["connector"], ConnectorDocument)
    assert_type(description["action"], ActionDocument)
    assert_type(description["action"]["annotations"], AnnotationsDocument)
    assert_type(description["schemas"], SchemasDocument)
    assert_type(description["schemas"]["event"], JsonObject | None)
    connector = description["connector"]
    assert_type(connector["sandbox"], SandboxDocument | None)
    assert_type(connector["settings"], list[SettingDocument])
    assert_type(connector["connection"], ConnectionSpecDocument)
    assert_type(connector["connection"]["guide"], list[GuideStepDocument])
    assert_type(description["action"]["author_schemas"], dict[str, str])
    assert_type(description["action"]["command"], CommandDocument | None)


def a_command(command: CommandDocument) -> None:
    """Its options and the earlier run that it goes on from may be left out."""
    assert_type(command.get("options"), list[CommandOptionDocument] | None)
    assert_type(command.get("continues"), ContinuationDocument | None)


def a_palette(entry: PaletteEntry, problem: ProblemDocument) -> None:
    """An entry says what an action does to the world."""
    assert_type(entry["annotations"]["billable"], bool)
    assert_type(entry["command"], CommandEntry | None)
    assert_type(problem["message"], str)


def a_manifest(manifest: ManifestDocument) -> None:
    """As it is written."""
    assert_type(manifest["actions"], list[ManifestActionDocument])


def a_sandbox(sandbox: SandboxDocument, written: ManifestSandboxDocument) -> None:
    """A manifest may leave its test connections out."""
    assert_type(sandbox["test_connections"], list[SandboxCredentialDocument])
    found = written.get("test_connections")
    assert_type(found, list[SandboxCredentialDocument] | None)


def connections(host: Host, error: ConnectorError) -> None:
    """A stored connection has no secret."""
    assert_type(host.connections.list(), list[ConnectionDocument])
    status = ConnectionStatus(outcome=ConnectionOutcome.OK, message="Good.")
    assert_type(status.to_dict(), ConnectionStatusDocument)
    page = OptionsPage(options=[])
    assert_type(page.to_dict(), OptionsDocument)
    assert_type(page.to_dict()["options"], list[OptionDocument])
    assert_type(error.record(), ErrorRecord)
    assert_type(error.to_dict(), ErrorDocument)
    assert_type(error.to_dict()["fields"], list[FieldErrorDocument])


def an_envelope(record: Envelope, envelope: EnvelopeDocument) -> None:
    """The type of each member of the union has its status."""
    assert_type(record.to_dict(), EnvelopeDocument)
    assert_type(envelope, SucceededRun[JsonObject] | FailedRun | CancelledRun)
    assert_type(envelope["warnings"], list[WarningDocument])
    assert_type(envelope["status"], RunStatusName)
    if envelope["status"] == "succeeded":
        assert_type(envelope, SucceededRun[JsonObject])
        assert_type(envelope["output"], JsonObject)
        assert_type(envelope["error"], None)
    else:
        assert_type(envelope, FailedRun | CancelledRun)
        assert_type(envelope["error"], ErrorDocument)
        assert_type(envelope["output"], None)
        assert_type(envelope["partial"], JsonObject | None)


def a_typed_envelope(envelope: EnvelopeOf[str], item: StreamItemOf[str]) -> None:
    """An embedder may name the output of any action."""
    if envelope["status"] == "succeeded":
        assert_type(envelope["output"], str)
    if item["type"] == "run.finished":
        assert_type(item["envelope"], EnvelopeOf[str])


def an_item_of_a_stream(item: StreamItem) -> None:
    """Its type decides which other keys it has."""
    match item["type"]:
        case "text.delta":
            assert_type(item, TextDeltaEvent)
            assert_type(item["text"], str)
        case "search.queries":
            assert_type(item, SearchQueriesEvent)
            assert_type(item["queries"], list[str])
        case "search.results":
            assert_type(item, SearchResultsEvent)
            assert_type(item["results"], list[JsonObject])
        case "status":
            assert_type(item, StatusEvent)
            assert_type(item["message"], str)
        case "run.finished":
            assert_type(item, RunFinishedItem[JsonObject])
            assert_type(item["envelope"], EnvelopeDocument)


def an_event(event: EventDocument) -> None:
    """It has a number, and a step if it is of a flow."""
    assert_type(event["seq"], int)
    assert_type(event.get("step"), str | None)
    assert_type(event.get("item"), int | None)


def a_flow(flow: FlowDocument, item: FlowItem, error: FlowErrorDocument) -> None:
    """Steps begin and end between the events."""
    assert_type(flow["steps"], list[FlowStepDocument])
    assert_type(flow["steps"][0]["envelope"], EnvelopeDocument)
    assert_type(error["step"], str | None)
    if item["type"] == "step.started":
        assert_type(item, StepStartedItem)
    elif item["type"] == "step.finished":
        assert_type(item, StepFinishedItem)
        assert_type(item["envelope"], EnvelopeDocument)
    elif item["type"] == "flow.finished":
        assert_type(item, FlowFinishedItem)


def an_item_of_a_flow(item: FlowItem) -> None:
    """Its type decides which other keys it has."""
    match item["type"]:
        case "flow.started":
            assert_type(item, FlowStartedItem)
            assert_type(item["kept"], list[KeptStepDocument])
        case "item.started":
            assert_type(item, ItemStartedItem)
            assert_type(item["index"], int)
        case "item.finished":
            assert_type(item, ItemFinishedItem)
            assert_type(item["envelope"], EnvelopeDocument)
        case "step.skipped":
            assert_type(item, StepSkippedItem)
            assert_type(item["missing"], str)
        case _:
            pass


def a_price(price: FlowPriceDocument) -> None:
    """It is in the currency that it names."""
    assert_type(price["worst"], float)
    assert_type(price["currency"], str)


def a_hint(hint: FlowHintDocument) -> None:
    """It is in a step, always."""
    assert_type(hint["step"], str)


def mistakes(envelope: EnvelopeDocument, item: StreamItem) -> None:
    """Each of these is an error of both checkers."""
    envelope["output"]["content"]  # type: ignore[index]  # pyright: ignore[reportOptionalSubscript]
    envelope["error"]["message"]  # type: ignore[index]  # pyright: ignore[reportOptionalSubscript]
    envelope["outputs"]  # type: ignore[typeddict-item]  # pyright: ignore[reportGeneralTypeIssues]
    item["text"]  # type: ignore[typeddict-item]  # pyright: ignore[reportGeneralTypeIssues]
