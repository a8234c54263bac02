"""A job whose rows several processes run: each row is paid once, and none is forgotten."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ConnectorError,
    ErrorCode,
    JsonObject,
)
from perplexity_connector.host import Ledger
from perplexity_connector.host.ledger.entries import RunEnd
from perplexity_connector.host.ledger.writing import writer
from perplexity_connector.host.tables.rows import running
from perplexity_connector.host.tables.rows.running import RunningRows
from perplexity_connector.host.tables.rows.work import Work
from tests.host.ledger.entering import a_run, an_end
from tests.host.stage import CONNECTION
from tests.host.tables.stage import THREE, Desk, FullLedger

NAMES = [f"n{index:02}" for index in range(30)]
MANY = "\n".join(["name", *NAMES, ""])


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that waits for others looks again at once, and so does a ledger for a cancel."""
    monkeypatch.setattr(running, "WATCH_S", 0.01)
    monkeypatch.setattr(running, "LOOK_S", 0.01)
    monkeypatch.setattr(writer, "_LOOK_S", 0.01)


class Watched(Ledger):
    """A ledger of another process, and the looks of ours. `then` is called at the second look."""

    looks = 0
    then: Any = None

    def take_over_rows(self, job_id: str) -> Any:
        """Count the look."""
        self.looks += 1
        if self.looks == 2 and self.then:
            self.then()
        return super().take_over_rows(job_id)


@pytest.fixture
def second(desk: Desk) -> Desk:
    """Another process at the same ledger: with another spelling, this one has two owners."""
    other = Desk(desk.folder)
    other.ledger = Ledger(_url(desk, "/."), environ={})
    return other


@pytest.fixture
def other(desk: Desk) -> Iterator[Ledger]:
    """The ledger of another process, which has no host."""
    ledger = Ledger(_url(desk, "/."), environ={})
    yield ledger
    ledger.close()


def _url(desk: Desk, more: str = "") -> str:
    return f"sqlite:///{desk.folder}{more}/ledger.sqlite"


def both(desk: Desk, second: Desk, **options: Any) -> list[list[Any]]:
    """The items of two processes at once."""

    async def work() -> list[list[Any]]:
        return await asyncio.gather(
            *(each.work(start=1, **options) for each in (desk, second))
        )

    try:
        return asyncio.run(work())
    finally:
        desk.ledger.close()
        second.ledger.close()


def test_two_processes_share_the_rows_and_pay_each_once(
    desk: Desk, second: Desk
) -> None:
    """Both have some, and each of them ends when all have ended."""
    assert desk.enter(desk.table(MANY))["start"] == 1
    together = asyncio.Barrier(2)

    def meeting(each: Desk) -> Any:
        async def greet(input: JsonObject, ctx: ActionContext) -> ActionResult:
            if not each.ran:
                await together.wait()
            return await each.greet(input, ctx)

        return greet

    for each in (desk, second):
        each.handler = meeting(each)
    first, other = both(desk, second, at_once=2)
    assert sorted(desk.ran + second.ran) == NAMES
    for items in (first, other):
        assert len(items) > 1
        assert (items[-1]["reason"], items[-1]["rows"]) == ("done", {"done": 30})
        assert items[-1]["output"] == str(desk.out)
    assert len(first) + len(other) == 32


def test_a_process_waits_for_another_and_takes_its_rows_when_it_dies(
    desk: Desk, other: Ledger
) -> None:
    """One look for all places. A request that was sent has an answer that is not known."""
    entered = desk.enter(desk.table(THREE))
    held = other.claim_row(entered["job_id"]).result()
    sent = other.claim_row(entered["job_id"]).result()
    assert held
    assert sent
    other.sent(sent).result()
    desk.ledger = watched = Watched(_url(desk), environ={})
    watched.then = other.close
    *_, end = desk.run_job(start=1, at_once=8)
    assert sorted(desk.ran) == ["Ada", "Alan"]
    assert end["rows"] == {"done": 2, "unsure": 1}
    assert [row["run_id"] for row in end["unsure"]] == [sent.run_id]
    assert watched.looks <= 4


def test_a_run_that_was_left_to_the_provider_is_followed_by_the_next_start(
    desk: Desk, other: Ledger
) -> None:
    """A process of the same start does not wait for it."""
    entered = desk.enter(desk.table(THREE))
    claim = other.claim_row(entered["job_id"]).result()
    assert claim
    other.sent(claim).result()
    other.checkpoint(claim, {"id": "it"}).result()
    other.end_run(claim, RunEnd(state="begun", ended_at=1)).result()
    resumed: list[Any] = []

    async def follow(_: JsonObject, ctx: ActionContext) -> ActionResult:
        resumed.append(ctx.resume_from)
        return ActionResult(output={"text": "At last"})

    desk.fate["Ada"] = follow
    *_, end = desk.run_job(start=entered["start"])
    assert (end["rows"], resumed) == ({"done": 2, "begun": 1}, [])
    *_, end = desk.run_job()
    assert (end["rows"], resumed) == ({"done": 3}, [{"id": "it"}])
    assert desk.ran.count("Ada") == 1


def test_the_budget_ends_both_and_the_job_goes_on_when_it_is_raised(
    desk: Desk, second: Desk
) -> None:
    """Their costs and reservations together stay below it."""
    table = desk.table(MANY)
    desk.enter(table, budget=3)
    ends = [items[-1] for items in both(desk, second)]
    assert [end["reason"] for end in ends] == ["budget", "budget"]
    paid = len(desk.ran) + len(second.ran)
    assert 2 <= 0.25 * paid <= 3
    assert desk.enter(table, budget=20)["start"] == 2
    ends = [items[-1] for items in both(desk, second)]
    assert [end["rows"] for end in ends] == [{"done": 30}] * 2
    assert sorted(desk.ran + second.ran) == NAMES


def test_a_cancelled_job_stops_its_processes(desk: Desk, second: Desk) -> None:
    """One that runs a row, and one that waits for it."""
    job_id = desk.enter(desk.table("name\nn0\n"))["job_id"]

    async def never(_: JsonObject, ctx: ActionContext) -> ActionResult:
        await ctx.checkpoint({"id": "it"})
        await asyncio.to_thread(lambda: desk.ledger.cancel(job_id).result())
        await asyncio.Event().wait()
        raise AssertionError

    for each in (desk, second):
        each.fate["n0"] = never
    ends = [items[-1] for items in both(desk, second)]
    assert [end["reason"] for end in ends] == ["stopped", "stopped"]
    assert len(desk.ran) + len(second.ran) == 1


def test_a_stop_ends_a_process_that_waits(desk: Desk, other: Ledger) -> None:
    """Its rows are those of another one."""
    entered = desk.enter(desk.table("name\nn0\n"))
    assert other.claim_row(entered["job_id"]).result()
    desk.ledger = watched = Watched(_url(desk), environ={})

    async def stop() -> list[Any]:
        async with desk.host() as host:
            loop = asyncio.get_running_loop()
            watched.then = lambda: loop.call_soon(host.cancel, entered["job_id"])
            stream = host.stream_job("job", start=1, connection=CONNECTION)
            return [item async for item in stream]

    (end,) = asyncio.run(stop())
    watched.close()
    assert (end["reason"], end["rows"]) == ("stopped", {"claimed": 1})


def test_a_new_start_retries(desk: Desk) -> None:
    """Only the rows that it is to retry, named by their key."""

    async def fail(_: JsonObject, __: ActionContext) -> ActionResult:
        raise ConnectorError(ErrorCode.INVALID_INPUT, "It failed.")

    desk.fate["Ada"] = fail
    desk.enter(desk.table(THREE), key="name")
    assert desk.run_job()[-1]["failed"] == {"invalid_input": [2]}
    desk.fate.clear()
    row, end = desk.run_job(retry="failed")
    assert (row["key"], row["left"], end["rows"]) == ("Ada", 0, {"done": 3})


def test_an_end_that_the_ledger_never_takes_is_in_the_last_item(
    desk: Desk, full: FullLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The output may be on another machine."""
    monkeypatch.setattr(running, "LEDGER_PATIENCE_S", 0.05)
    desk.enter(desk.table(THREE))
    full.fails = {"end_run": 1000}
    *_, end = desk.run_job(at_once=1)
    assert (end["reason"], end["unsaved"], len(end["unsaved_lines"])) == (
        "failed",
        None,
        1,
    )


def test_a_job_that_cannot_be_run_here_is_refused(
    desk: Desk, other: Ledger, tmp_path: Path
) -> None:
    """Nothing is sent."""
    run = a_run()
    other.end_run(other.begin_run(run).result(), an_end()).result()

    def code(job: str = "job", host: Any = None, **options: Any) -> ErrorCode:
        async def work() -> None:
            async with desk.host(**(host or {})) as opened:
                await anext(opened.stream_job(job, **options))

        with pytest.raises(ConnectorError) as caught:
            desk._ended(work())
        return caught.value.code

    assert code() is ErrorCode.NOT_FOUND
    assert code(run.run_id) is ErrorCode.NOT_FOUND
    job_id = desk.enter(desk.table(THREE))["job_id"]
    refused = ErrorCode.INVALID_INPUT
    assert code(host={"sandbox": True}) is refused
    assert code(start=0) is refused
    assert code(at_once=0) is refused
    other.forget(job_id).result()
    assert code() is refused
    assert code(start=1) is refused
    with pytest.raises(TypeError):
        code(out=tmp_path / "x.csv")
    assert desk.ran == []


def test_the_connection_is_that_of_the_job(desk: Desk) -> None:
    """By its name, which each process looks up itself."""
    desk.enter(desk.table("name\nn0\n"), connection="Mine")
    with pytest.raises(ConnectorError) as caught:
        desk.run_job(connection="Other")
    assert caught.value.code is ErrorCode.INVALID_INPUT
    row, _ = desk.run_job(connection=None)
    assert row["error"] == "not_found"


def test_a_process_runs_a_job_once_at_a_time(desk: Desk) -> None:
    """Two of one process would be one owner."""
    desk.enter(desk.table(THREE))

    async def twice() -> None:
        async with desk.host() as host:
            stream = host.stream_job("job", connection=CONNECTION)
            await anext(stream)
            with pytest.raises(ConnectorError):
                await anext(host.stream_job("job", connection=CONNECTION))
            await stream.aclose()

    desk._ended(twice())


def test_a_row_that_is_free_again_is_claimed_by_the_place_that_waits_for_it() -> None:
    """Its process has died while another one looked for rows."""
    nothing: Any = None
    work = Work(
        job_id="job",
        runnable=nothing,
        at_once=1,
        has_keys=False,
        groups=(),
        left=1,
        output="",
        beside=None,
    )

    async def claimed() -> Any:
        rows = RunningRows(nothing, nothing, work, nothing, nothing)
        found = iter([None, "claim"])
        rows._next_row = AsyncMock(side_effect=found)
        rows._others = AsyncMock(return_value=1)
        return await rows._claim()

    assert asyncio.run(claimed()) == "claim"
