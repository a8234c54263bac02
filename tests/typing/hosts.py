"""How embedders use a host. Only the type checkers read this folder; `.ci/run` starts them."""

from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from decimal import Decimal
from pathlib import Path
from typing import assert_type

from perplexity_connector.contract import (
    ActionDescription,
    AttemptFailed,
    ConnectionStatusDocument,
    ConnectorDocument,
    Effect,
    EnvelopeDocument,
    FieldError,
    FlowDocument,
    FlowErrorDocument,
    FlowHintDocument,
    FlowItem,
    FlowPriceDocument,
    Hint,
    InvalidLineDocument,
    JobItem,
    JsonObject,
    KeptStepDocument,
    Limiter,
    Observation,
    OptionsDocument,
    PaletteEntry,
    ProblemDocument,
    RequestSent,
    RowFinishedItem,
    RowState,
    RunFinished,
    RunObserver,
    RunStarted,
    StreamItem,
    TableEnteredItem,
    TableFinishedItem,
    TableItem,
    TablePlannedItem,
    TablePriceDocument,
    UnsureRowDocument,
    repeat_after,
)
from perplexity_connector.host import (
    ConnectionBackend,
    ConnectionStore,
    FlowOptions,
    FlowTableOptions,
    Host,
    HostOptions,
    JobOptions,
    Ledger,
    LedgerError,
    RateLimiters,
    ResumeOptions,
    RunOptions,
    StepRun,
    StoredConnection,
    SyncHost,
    TableOptions,
    shared_host,
    write_private,
)

STEP = ("perplexity", "execute_search", {"query": "moon distance"})
TABLE = ("perplexity", "execute_search", "companies.csv", {"query": "{company}"})
FLOW: JsonObject = {"flow_version": 1, "steps": []}
Stored = Sequence[StoredConnection]


async def a_host() -> None:
    """It hands out typed documents, and outputs of any shape."""
    async with Host(retries=1, settings={"perplexity": {}}) as host:
        assert_type(host, Host)
        assert_type(host.actions(), list[PaletteEntry])
        assert_type(host.connectors(), list[ConnectorDocument])
        assert_type(host.problems(), list[ProblemDocument])
        assert_type(host.describe("toy", "greet"), ActionDescription)
        assert_type(host.validate("toy", "greet", {"name": "x"}), list[FieldError])
        assert_type(host.hints("toy", "greet", {"name": "x"}), list[Hint])
        assert_type(host.flow_hints(FLOW), list[FlowHintDocument])
        assert_type(await host.run(*STEP, timeout=5, run_id="a"), EnvelopeDocument)
        assert_type(host.stream(*STEP), AsyncGenerator[StreamItem, None])
        assert_type(host.validate_flow(FLOW), list[FlowErrorDocument])
        assert_type(await host.run_flow(FLOW, timeout=5), FlowDocument)
        assert_type(host.stream_flow(FLOW), AsyncGenerator[FlowItem, None])
        assert_type(host.resume_flow("flow_1"), AsyncGenerator[FlowItem, None])
        assert_type(await host.flow_price(FLOW, only="a"), FlowPriceDocument)
        assert_type(await host.kept_steps(FLOW), list[KeptStepDocument])
        rows = host.stream_table(*TABLE, out="found.csv", budget=5)
        assert_type(rows, AsyncGenerator[TableItem, None])
        job = host.stream_job("found", start=1, at_once=4)
        assert_type(job, AsyncGenerator[JobItem, None])
        end = await host.write_table("found", "found.csv", raw=True)
        assert_type(end, TableFinishedItem)
        assert_type(await host.options("perplexity", "models"), OptionsDocument)
        assert_type(await host.connections.test("Mine"), ConnectionStatusDocument)
        assert_type(host.cancel("a"), bool)
    assert_type(await shared_host(), Host)


def a_blocking_host() -> None:
    """The same without `async`."""
    with SyncHost(concurrency=2) as host:
        assert_type(host, SyncHost)
        assert_type(host.hints("toy", "greet", {}, version=1), list[Hint])
        assert_type(host.flow_hints(FLOW), list[FlowHintDocument])
        assert_type(host.run(*STEP, connection={"api_key": "x"}), EnvelopeDocument)
        assert_type(host.stream(*STEP), Generator[StreamItem, None, None])
        assert_type(host.run_flow(FLOW), FlowDocument)
        assert_type(host.stream_flow(FLOW), Generator[FlowItem, None, None])
        again: ResumeOptions = {"retry": "unsure"}
        resumed = host.resume_flow("flow_1", **again)
        assert_type(resumed, Generator[FlowItem, None, None])
        assert_type(host.flow_price(FLOW, inputs={}), FlowPriceDocument)
        assert_type(host.kept_steps(FLOW, outputs="flow_1"), list[KeptStepDocument])
        rows = host.stream_table(*TABLE, out=Path("found.csv"))
        assert_type(rows, Generator[TableItem, None, None])
        of_flow = FlowTableOptions(out="found.csv", connections={"toy": "Mine"})
        rows = host.stream_flow_table(FLOW, "companies.csv", **of_flow)
        assert_type(rows, Generator[TableItem, None, None])
        job = host.stream_job("found", **JobOptions(retry="failed"))
        assert_type(job, Generator[JobItem, None, None])
        assert_type(host.write_table("found", "found.csv"), TableFinishedItem)
        assert_type(host.options("perplexity", "models"), OptionsDocument)
        assert_type(host.connections.test("Mine"), ConnectionStatusDocument)


def a_table(host: SyncHost) -> None:
    """Each kind of item has a type."""
    options: TableOptions = {"out": "found.csv", "at_once": 4, "ordered": True}
    try:
        for item in host.stream_table(*TABLE, **options):
            match item["type"]:
                case "table.planned":
                    assert_type(item, TablePlannedItem)
                    assert_type(item["price"], TablePriceDocument)
                    assert_type(item["invalid"], list[InvalidLineDocument])
                case "table.entered":
                    assert_type(item, TableEnteredItem)
                    assert_type(item["start"], int)
                case "row.finished":
                    assert_type(item, RowFinishedItem)
                    assert_type(item["state"], RowState)
                case "table.finished":
                    assert_type(item, TableFinishedItem)
                    assert_type(item["unsure"], list[UnsureRowDocument])
    except LedgerError as error:
        assert_type(str(error), str)


async def options_kept_apart(host: Host) -> None:
    """The keywords of a host, a run and a flow are types too."""

    async def keep(state: JsonObject) -> None:
        assert_type(state, JsonObject)

    def keep_step(step: StepRun, state: JsonObject) -> None:
        assert_type(step.run_id, str)
        assert_type(state, JsonObject)

    of_host: HostOptions = {"retries": 0, "limiter": RateLimiters()}
    of_run: RunOptions = {"timeout": 5, "on_checkpoint": keep, "attempt": 2}
    of_flow: FlowOptions = {"on_checkpoint": keep_step}
    SyncHost(**of_host)
    Host(ledger=Ledger(), budget=Decimal("2.5"), record_content=False, sandbox=True)
    Host(budget=[])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await host.run(*STEP, **of_run)
    await host.run_flow(FLOW, **of_flow)


class Store:
    """A store of an embedder."""

    def read(self) -> Stored:
        """Return nothing."""
        return ()

    def change(self, edit: Callable[[Stored], Stored]) -> None:
        """Keep nothing."""
        edit(())


class Turns:
    """A limiter of an engine."""

    def acquire(self, key_id: str, action: str) -> AbstractAsyncContextManager[object]:
        """Return a turn at once."""
        del key_id, action
        return nullcontext()

    def observe(
        self,
        key_id: str,
        action: str,
        *,
        limit: int | None,
        remaining: int | None,
        resets_at: float | None,
        retry_after: float | None,
    ) -> None:
        """Learn nothing."""


class Metrics:
    """An observer of an engine."""

    def observe(self, observation: Observation) -> None:
        """Read each kind of report."""
        match observation:
            case RunStarted():
                assert_type(observation.started_at, str)
            case AttemptFailed():
                assert_type(observation.effect, Effect)
            case RequestSent():
                assert_type(observation.status, int | None)
            case RunFinished():
                assert_type(observation.run_id, str)


def seams(folder: Path) -> None:
    """An engine brings its own parts; no class of ours is above them."""
    stores: list[ConnectionBackend] = [Store(), ConnectionStore(folder)]
    limiters: list[Limiter] = [Turns(), RateLimiters(concurrency=2)]
    observers: list[RunObserver] = [Metrics()]
    for store in stores:
        Host(store=store, limiter=limiters[0], observers=observers)
    write_private(folder / "file", b"content")


def an_engine_that_repeats(envelope: EnvelopeDocument) -> float | None:
    """The error of an envelope fits the host's own rule."""
    if envelope["status"] == "succeeded":
        return None
    return repeat_after(envelope["error"], idempotent=True, resumable=False, attempt=1)


async def mistakes(host: Host) -> None:
    """Each of these is an error of both checkers."""
    await host.run(*STEP, time_out=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Host(observers=[Store()])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    Host(retry=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
