"""A flow goes on from its step, and nothing is paid twice without a word."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ConnectorError,
    Effect,
    ErrorCode,
    JsonObject,
)
from perplexity_connector.host import Host, Ledger, SyncHost
from tests.host.flows.crash_child import FLOW_ID, Stage
from tests.host.flows.stage import (
    PEOPLE,
    Theatre,
    each,
    every,
    failing,
    flow,
    kinds,
    ref,
    step,
)
from tests.host.flows.test_flow_records import Full
from tests.host.stage import TOKEN
from tests.host.starters import Starter, starting
from tests.host.tables.crash_child import ANY, DIED
from tests.toy.toy import MANIFEST, ToyPlugin

ID = f"flow_{'b' * 32}"
TWO = flow(step("one", name="Ada"), step("two", bindings={"/name": [ref("one")]}))
CHILD = Path(__file__).with_name("crash_child.py")
IN_DOUBT = failing(ErrorCode.TIMEOUT, effect=Effect.UNKNOWN)


def steps(items: list[Any]) -> list[str]:
    """The steps that have begun."""
    return [item["step"] for item in items if item["type"] == "step.started"]


def refused(theatre: Theatre, flow_id: str = ID, **options: Any) -> ErrorCode:
    """The code of a flow that cannot go on."""
    with pytest.raises(ConnectorError) as caught:
        theatre.resume(flow_id, **options)
    return caught.value.code


def test_a_flow_goes_on_from_the_step_that_failed(theatre: Theatre) -> None:
    """The steps that have succeeded are kept."""
    theatre.fates["Hello, Ada"] = failing()
    assert theatre.run(TWO, flow_id=ID)["status"] == "failed"
    theatre.fates.clear()
    items = theatre.resume(ID)
    assert items[0] == {
        "type": "flow.started",
        "flow_id": ID,
        "kept": [{"step": "one", "stale": False}],
    }
    assert steps(items) == ["two"]
    assert items[-1]["status"] == "succeeded"
    assert theatre.sent == ["Ada", "Hello, Ada", "Hello, Ada"]
    assert theatre.known(ID).status == "succeeded"
    assert refused(theatre) is ErrorCode.INVALID_INPUT


def test_only_the_part_that_was_asked_for_goes_on(theatre: Theatre) -> None:
    """With the outputs that were kept for it."""
    theatre.fates["Bo"] = failing()
    given = {"one": {"text": "Bo"}}
    theatre.run(TWO, flow_id=ID, only="two", outputs=given)
    theatre.fates.clear()
    three = flow(*TWO["steps"], step("three", name="Cy"))
    other = f"flow_{'d' * 32}"
    theatre.fates["Ada"] = failing()
    theatre.run(three, flow_id=other, only="one")
    theatre.fates.clear()
    assert steps(theatre.resume(ID)) == ["two"]
    assert steps(theatre.resume(other)) == ["one"]
    assert theatre.sent == ["Bo", "Ada", "Bo", "Ada"]


def test_a_flow_that_was_left_between_two_steps_goes_on(theatre: Theatre) -> None:
    """It has no status until then. One that is left in a step is cancelled."""

    async def leave(host: Host, moment: str, flow_id: str) -> None:
        async with aclosing(host.stream_flow(TWO, flow_id=flow_id)) as items:
            async for item in items:
                if item["type"] == moment:
                    return

    moments = {
        "flow.started": None,
        "step.started": None,
        "step.finished": None,
        "text.delta": "cancelled",
    }
    for number, (moment, status) in enumerate(moments.items()):
        flow_id = f"flow_{number:032x}"
        theatre.fates["Ada"] = _wait if moment == "text.delta" else theatre.greet
        theatre.fates.pop("Ada") if moment != "text.delta" else None
        theatre.inside(lambda host: leave(host, moment, flow_id))  # noqa: B023 - called at once
        assert theatre.known(flow_id).status == status
        theatre.fates.clear()
        retry = {"retry": "unsure"} if status else {}
        assert theatre.resume(flow_id, **retry)[-1]["status"] == "succeeded"


async def _wait(_: JsonObject, ctx: ActionContext) -> ActionResult:
    del ctx
    await asyncio.Event().wait()
    raise AssertionError


def test_a_run_that_may_have_been_billed_runs_again_only_on_request(
    theatre: Theatre,
) -> None:
    """Else the flow ends at its step, and sends nothing."""
    theatre.fates["Ada"] = IN_DOUBT
    theatre.run(TWO, flow_id=ID)
    theatre.fates.clear()
    for _ in range(2):
        *_, finished, last = theatre.resume(ID)
        error = finished["envelope"]["error"]
        assert (last["status"], error["effect"]) == ("failed", "unknown")
        assert finished["envelope"]["attempts"] == 0
    assert theatre.sent == ["Ada"]
    assert theatre.resume(ID, retry="unsure")[-1]["status"] == "succeeded"
    assert theatre.sent == ["Ada", "Ada", "Hello, Ada"]


def test_a_run_that_the_provider_goes_on_with_is_followed(theatre: Theatre) -> None:
    """From its checkpoint, under its id."""
    followed: list[Any] = []

    async def begin(_: JsonObject, ctx: ActionContext) -> ActionResult:
        if ctx.resume_from is None:
            await ctx.checkpoint({"id": "at the provider"})
            raise ConnectorError(ErrorCode.TIMEOUT, "Late.", effect=Effect.UNKNOWN)
        followed.append(ctx.resume_from)
        return ActionResult(output={"text": "Bo"})

    theatre.fates["Ada"] = begin
    first = theatre.run(TWO, flow_id=ID)
    items = theatre.resume(ID)
    assert items[-1]["status"] == "succeeded"
    assert followed == [{"id": "at the provider"}]
    (started, _) = [item for item in items if item["type"] == "step.started"]
    assert started["run_id"] == first["steps"][0]["envelope"]["run_id"]
    assert [one.state for one in theatre.known(ID).steps] == ["done", "done"]


def test_a_run_that_the_provider_does_not_know_any_more_is_unsure(
    theatre: Theatre,
) -> None:
    """To follow it would fail each time. It is sent again only if the caller says so."""
    followed: list[Any] = []

    async def begin(_: JsonObject, ctx: ActionContext) -> ActionResult:
        followed.append(ctx.resume_from)
        if len(followed) > 2:
            return ActionResult(output={"text": "Bo"})
        await ctx.checkpoint({"id": "at the provider"})
        code = ErrorCode.UPSTREAM_FAILED if ctx.resume_from else ErrorCode.TIMEOUT
        status = 404 if ctx.resume_from else None
        raise ConnectorError(code, "Gone.", effect=Effect.UNKNOWN, http_status=status)

    theatre.fates["Ada"] = begin
    theatre.run(TWO, flow_id=ID)
    for _ in range(2):
        assert theatre.resume(ID)[-1]["status"] == "failed"
    assert len(followed) == 2
    assert theatre.resume(ID, retry="unsure")[-1]["status"] == "succeeded"
    assert followed[2] is None


@pytest.mark.parametrize(
    ("state", "resumed"), [({"id": 1}, [None]), ({"other": 1}, [{"other": 1}])]
)
def test_a_run_that_was_stopped_runs_again_once_the_provider_has_confirmed_it(
    theatre: Theatre, state: Any, resumed: list[Any]
) -> None:
    """Else it may go on there, and is followed."""
    followed: list[Any] = []

    async def begin(_: JsonObject, ctx: ActionContext) -> ActionResult:
        if len(theatre.sent) == 1:
            await ctx.checkpoint(state)
            ctx.emit({"type": "status", "message": "begun"})
            try:
                await asyncio.Event().wait()
            finally:
                ctx.observe_stop("id" in state)
        followed.append(ctx.resume_from)
        return ActionResult(output={"text": "Bo"})

    async def stop(host: Host) -> None:
        async for item in host.stream_flow(TWO, flow_id=ID):
            if item["type"] == "status":
                assert host.cancel(ID)

    theatre.fates["Ada"] = begin
    theatre.inside(stop)
    assert theatre.resume(ID)[-1]["status"] == "succeeded"
    assert followed == resumed


def test_a_run_whose_end_the_flow_has_not_is_not_paid_again(tmp_path: Path) -> None:
    """The ledger has the envelope of the run."""
    theatre = Full(tmp_path, end_step=1)
    theatre.fates["Hello, Ada"] = failing()
    first = theatre.run(TWO, flow_id=ID)
    theatre.fates.clear()
    items = theatre.resume(ID)
    (one, two) = [item["envelope"] for item in items if item["type"] == "step.finished"]
    assert one["output"] == {"text": "Hello, Ada"}
    assert one["run_id"] == first["steps"][0]["envelope"]["run_id"]
    assert two["status"] == "succeeded"
    assert theatre.sent == ["Ada", "Hello, Ada", "Hello, Ada"]
    assert [one.state for one in theatre.known(ID).steps] == ["done", "done"]
    theatre.ledger.close()


def test_a_run_whose_answer_is_not_kept_counts_as_unsure(tmp_path: Path) -> None:
    """It is done, and another one would be paid again."""
    theatre = Full(tmp_path, end_step=1)
    theatre.fates["Hello, Ada"] = failing()

    async def run(host: Host) -> list[Any]:
        return await every(host.stream_flow(TWO, flow_id=ID))

    theatre.ledger.fails["erase"] = 1  # type: ignore[attr-defined]
    theatre.inside(run, record_content=False)
    assert theatre.resume(ID)[-1]["status"] == "failed"
    assert theatre.sent == ["Ada", "Hello, Ada"]
    theatre.ledger.close()


def test_items_that_have_succeeded_are_kept(theatre: Theatre) -> None:
    """The others run, and the output has all of them."""
    people = ["Ada", "Bo", "Cy", "Di", "Ed", "Flo"]
    theatre.fates["Bo"] = failing()
    document = flow(each(), inputs=PEOPLE)
    theatre.run(document, inputs={"people": people}, flow_id=ID)
    theatre.fates.clear()
    items = theatre.resume(ID)
    assert kinds(items).count("item.finished") == 6
    (finished,) = [item for item in items if item["type"] == "step.finished"]
    assert [item["text"] for item in finished["envelope"]["output"]["items"]] == [
        f"Hello, {name}" for name in people
    ]
    counts = Counter(theatre.sent)
    assert counts.pop("Bo") == 2
    assert set(counts.values()) == {1}


def test_what_cannot_be_resumed_is_refused(theatre: Theatre) -> None:
    """An unknown flow, a wrong option, a flow that a process works on, and a host without a ledger."""
    assert refused(theatre) is ErrorCode.NOT_FOUND
    assert refused(theatre, retry="failed") is ErrorCode.INVALID_INPUT
    assert refused(theatre, "") is ErrorCode.NOT_FOUND

    async def resume_twice(host: Host) -> None:
        async with aclosing(host.stream_flow(TWO, flow_id=ID)) as items:
            await anext(items)
            with pytest.raises(ConnectorError) as caught:
                await every(host.resume_flow(ID))
            assert caught.value.code is ErrorCode.UNAVAILABLE

    theatre.inside(resume_twice)
    with pytest.raises(ConnectorError) as caught:
        theatre.inside(lambda host: every(host.resume_flow(ID)), ledger=None)
    assert caught.value.code is ErrorCode.UNSUPPORTED


def test_the_blocking_host_goes_on_with_flows_too(tmp_path: Path) -> None:
    """It has the price and the kept steps, and resumes a flow that was left."""
    with SyncHost(ledger=Ledger(f"sqlite:///{tmp_path}/ledger.sqlite")) as host:
        host.register(ToyPlugin(), MANIFEST)
        given = {"toy": {"token": TOKEN}}
        items = host.stream_flow(TWO, flow_id=ID, connections=given)
        assert next(items)["type"] == "flow.started"
        items.close()
        assert host.flow_price(TWO)["worst"] > 0
        resumed: list[Any] = list(host.resume_flow(ID, connections=given))
        assert resumed[-1]["status"] == "succeeded"
        assert host.kept_steps(TWO, only="two", outputs=ID) == [
            {"step": "one", "stale": False}
        ]


@pytest.mark.parametrize("ran_on_sandbox", [True, False])
def test_a_flow_goes_on_with_the_provider_or_with_a_sandbox_as_it_began(
    theatre: Theatre, ran_on_sandbox: bool
) -> None:
    """Else one record would have invented answers beside paid ones."""
    theatre.fates["Hello, Ada"] = failing()
    theatre.inside(lambda host: host.run_flow(TWO, flow_id=ID), sandbox=ran_on_sandbox)
    theatre.sent.clear()
    with pytest.raises(ConnectorError) as caught:
        theatre.inside(
            lambda host: every(host.resume_flow(ID)), sandbox=not ran_on_sandbox
        )
    assert caught.value.code is ErrorCode.INVALID_INPUT
    assert theatre.sent == []


def test_a_ledger_that_cannot_be_used_is_unavailable(tmp_path: Path) -> None:
    """Before anything is sent."""
    theatre = Full(tmp_path, flow=1)
    assert refused(theatre) is ErrorCode.UNAVAILABLE
    theatre.fates["Ada"] = failing()
    theatre.run(TWO, flow_id=ID)
    theatre.ledger.fails["resume_flow"] = 1  # type: ignore[attr-defined]
    theatre.ledger.error = LookupError(ID)  # type: ignore[attr-defined]
    assert refused(theatre) is ErrorCode.NOT_FOUND
    theatre.ledger.close()


@pytest.fixture(scope="module")
def starter() -> Iterator[Starter]:
    """Runs the flow in a process that dies, and returns its exit code."""
    with starting(CHILD) as start:
        yield start


def test_a_process_that_dies_at_any_step_loses_no_answer(
    tmp_path: Path, starter: Starter
) -> None:
    """Each greeting is sent once; or twice where it was in doubt, and that was asked for."""
    whole = tmp_path / "whole"
    whole.mkdir()
    assert starter(folder=str(whole)) == 0
    known = json.loads((whole / "steps").read_text(encoding="utf-8"))
    assert Counter(known)["begin_step"] == 3
    for number, name in enumerate(known, start=1):
        if name in {"erase_expired", "take_turns"}:
            continue  # they are of no flow
        folder = tmp_path / str(number)
        folder.mkdir()
        died = starter(folder=str(folder), dies=[ANY, number, "after"])
        assert died == DIED, name
        _look_at(Stage(folder), name)


def _look_at(stage: Stage, name: str) -> None:
    """The flow of a dead process goes on, and each of its greetings is there once."""
    known = stage.known(FLOW_ID)
    assert known is None or (known.status == "succeeded") == (name == "end_flow")
    if known is not None and known.status is None:
        items = stage.resume(FLOW_ID)
        if items[-1]["status"] != "succeeded":
            assert name == "sent"
            items = stage.resume(FLOW_ID, retry="unsure")
        assert items[-1] == {"type": "flow.finished", "status": "succeeded"}
        known = stage.known(FLOW_ID)
        (each,) = [one for one in known.steps if (one.step, one.item) == ("each", -1)]
        greeting = {"text": "Hello, Hello, AdaBo"}
        assert each.record["output"] == {"items": [greeting], "failed": []}
        sent = (stage.folder / "sent").read_text(encoding="utf-8").splitlines()
        assert sent == ["Ada", "Hello, AdaBo"]
    stage.ledger.close()
