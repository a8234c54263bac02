"""How the author of a connector uses the contract."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self, assert_type

from perplexity_connector import plugin
from perplexity_connector.contract import (
    ABSENT,
    FLOW_VERSION,
    HOST_API,
    MANIFEST_VERSION,
    PROJECT_NAME,
    Absent,
    Action,
    ActionContext,
    ActionHandler,
    ActionResult,
    Annotations,
    Binding,
    Command,
    CommandOption,
    ConnectionOutcome,
    ConnectionSpec,
    ConnectionStatus,
    ConnectionTester,
    Connector,
    ConnectorError,
    ConnectorSpecs,
    Continuation,
    CostEstimate,
    CostEstimator,
    Each,
    EachOfInput,
    EachOfStep,
    Effect,
    ErrorCode,
    EventType,
    FieldError,
    Flow,
    FlowStep,
    GuideStep,
    Hint,
    HintGiver,
    HostApiRange,
    InputReference,
    ItemReference,
    JsonObject,
    JsonValue,
    Manifest,
    OnFailure,
    Option,
    OptionLister,
    OptionsOrigin,
    OptionsPage,
    OptionsQuery,
    Reference,
    RunCanceller,
    RunStatus,
    RunWarning,
    SandboxCredential,
    SandboxSpec,
    Secret,
    Setting,
    ValueReference,
    hookimpl,
    hookspec,
)


class Mine:
    """A connector of one action."""

    def check(
        self, action_id: str, version: int, input: JsonObject
    ) -> Sequence[FieldError]:
        """Return the error of a name."""
        assert_type(input.get("name"), JsonValue)
        return [FieldError(pointer="/name", code="blank", message="Write a name.")]

    def hints(self, action_id: str, version: int, input: JsonObject) -> Sequence[Hint]:
        """Return a hint about a name."""
        return [Hint(pointer="/name", message="Write a longer name.")]

    def estimate(self, action_id: str, version: int, input: JsonObject) -> CostEstimate:
        """Return the price of a greeting."""
        return CostEstimate(likely=0.01, worst=0.02, basis="list_price", group="greet")

    def action(self, action_id: str, version: int) -> ActionHandler:
        """Return the only handler."""
        if (action_id, version) != ("greet", 1):
            raise ConnectorError(ErrorCode.NOT_FOUND, "Unknown.", effect=Effect.NONE)
        return greet

    async def test_connection(self, ctx: ActionContext) -> ConnectionStatus:
        """Look at nothing."""
        assert_type(ctx.connection["key"], str | Secret)
        return ConnectionStatus(outcome=ConnectionOutcome.OK, message="Good.")

    async def list_options(
        self, source: str, query: OptionsQuery, ctx: ActionContext
    ) -> OptionsPage:
        """Return one option."""
        options = [Option(value=query.search, label=source)]
        return OptionsPage(options=options, origin=OptionsOrigin.SHIPPED)

    async def cancel_run(
        self, action_id: str, version: int, state: JsonObject, ctx: ActionContext
    ) -> bool:
        """Stop nothing."""
        return True

    async def __aenter__(self) -> Self:
        """Open nothing."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close nothing."""


async def greet(input: JsonObject, ctx: ActionContext) -> ActionResult:
    """Use every part of the context."""
    assert_type(ctx.resume_from, JsonObject | None)
    assert_type(ctx.seconds_left(), float | None)
    await ctx.checkpoint({"id": ctx.run_id})
    async with ctx.permit():
        ctx.emit({"type": EventType.TEXT_DELTA, "text": "Hello"})
    ctx.observe_usage({"tokens": 1})
    warnings = [RunWarning(code="short", message="It is short.")]
    return ActionResult(output={"text": input["name"]}, warnings=warnings)


class Plugin:
    """The plugin that loads it."""

    @hookimpl
    def load_connector(
        self, connector_id: str, settings: Mapping[str, str]
    ) -> Connector | None:
        """Return the connector if it is its own."""
        return Mine() if connector_id == "mine" and settings else None


def a_connector_may_have_every_optional_method(connector: Mine) -> None:
    """No class of ours is above it."""
    known: list[
        ConnectionTester | CostEstimator | HintGiver | OptionLister | RunCanceller
    ] = [connector]
    whole: Connector = connector
    assert known
    assert whole
    assert_type(plugin.load_connector("perplexity", {}), Connector | None)
    assert hookspec
    assert issubclass(ConnectorSpecs, object)
    versions: list[int] = [HOST_API, MANIFEST_VERSION, FLOW_VERSION]
    assert versions
    assert PROJECT_NAME


def a_manifest() -> Manifest:
    """Its parts are dataclasses."""
    effects = Annotations(
        read_only=True,
        destructive=False,
        idempotent=True,
        open_world=False,
        billable=False,
    )
    command = Command(
        name="greet",
        words="/name",
        options=[CommandOption(name="tone", field="/tone")],
        continues=Continuation(field="/earlier", output="/id"),
    )
    action = Action(
        id="greet",
        version=1,
        title="Greet",
        summary="Greets.",
        input="input.json",
        output="output.json",
        annotations=effects,
        timeout=5,
        command=command,
    )
    guide = [GuideStep(title="Get a key", text="Ask.")]
    return Manifest(
        manifest_version=1,
        id="mine",
        version="1.0.0",
        title="Mine",
        summary="A connector.",
        icon="data:,",
        categories=[],
        links={},
        host_api=HostApiRange(min=1, max=1),
        settings=[Setting(name="url", title="URL", description="The address.")],
        connection=ConnectionSpec(schema="connection.json", guide=guide),
        actions=[action],
        sandbox=SandboxSpec(
            start="mine.server:start",
            settings={"url": "{address}"},
            test_connections=[SandboxCredential(title="Works", fields={"key": "a"})],
        ),
    )


def a_flow() -> Flow:
    """A binding fills a field from an earlier step."""
    binding: Binding = ["Hello ", Reference(step="first", pointer="/text")]
    step = FlowStep(
        id="second",
        connector="mine",
        action="greet",
        input={},
        bindings={"/name": binding},
    )
    return Flow(flow_version=1, steps=[step])


def a_flow_of_version_2() -> Flow:
    """A step may run for each item, and take inputs."""
    reference: ValueReference = InputReference(input="/company", default="ACME")
    missing: object | Absent = ABSENT
    assert reference.default != missing
    each: Each = EachOfStep(step="search", pointer="/results", max=5)
    on_failure: OnFailure = "continue"
    step = FlowStep(
        id="sum",
        connector="mine",
        action="greet",
        input={},
        bindings={"/name": [reference, ItemReference(item="/title")]},
        each=each,
        on_failure=on_failure,
    )
    other = FlowStep(
        id="all",
        connector="mine",
        action="greet",
        input={},
        each=EachOfInput(input="/names"),
    )
    return Flow(flow_version=2, inputs={"type": "object"}, steps=[step, other])


def statuses_are_texts() -> None:
    """A host may compare them with the texts of a document."""
    status: str = RunStatus.SUCCEEDED
    assert status == "succeeded"


def mistakes() -> None:
    """Each of these is an error of both checkers."""
    ActionResult(outputs={})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ConnectorError("not_found", "Unknown.")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
