"""Rare ends: other processes, a disk that fills while the whole file is written, readers that are gone."""

import asyncio
import dataclasses
import os
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
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
from perplexity_connector.host.ledger.entries import FencedError
from perplexity_connector.host.limits.rate_limiter import RateLimiter
from perplexity_connector.host.tables.inputs.planning import Planner, _Candidate
from perplexity_connector.host.tables.inputs.reading import Line, open_table
from perplexity_connector.host.tables.outputs import output as outputs
from perplexity_connector.host.tables.outputs.records import Outcome
from perplexity_connector.host.tables.outputs.unsaved import Unsaved
from perplexity_connector.host.tables.rows import running
from perplexity_connector.host.tables.rows.items import Items
from perplexity_connector.host.tables.starts import under_way
from tests.host.tables.stage import THREE, Desk, FullLedger, failing


def test_a_job_of_another_process_is_refused_with_its_id(
    desk: Desk, full: FullLedger
) -> None:
    """The ledger knows it."""
    full.error = FencedError("another one writes", 4711)
    full.fails = {"start_job": 1}
    with pytest.raises(ConnectorError, match="4711"):
        desk.run(desk.table(THREE))
    full.error = FencedError("just begun")
    full.fails = {"begin_job": 1}
    with pytest.raises(ConnectorError, match="Another process"):
        desk.run(desk.table(THREE))


def test_a_row_that_waits_for_its_turn_is_not_sent_after_a_stop(desk: Desk) -> None:
    """It counts as not started."""

    async def late(input: JsonObject, ctx: ActionContext) -> ActionResult:
        if not stopped.is_set():
            stopped.set()
            assert seen["host"].cancel(seen["job"])
        return await desk.greet(input, ctx)

    def watch(host: Any, item: Any) -> None:
        if item["type"] == "table.planned":
            seen.update(host=host, job=item["job_id"])

    seen: dict[str, Any] = {}
    stopped = asyncio.Event()
    desk.handler = late
    *_, end = desk.run(desk.table(THREE), watch=watch)
    assert (end["reason"], end["rows"], desk.ran) == ("stopped", {"planned": 3}, [])


def test_a_full_disk_while_the_whole_file_is_written_keeps_the_old_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next start writes it."""
    desk.run(desk.table("id,name\n1,Ada\n2,Alan\n"), key="id", at_once=1)
    changed = desk.table("id,name\n1,Grace\n2,Alan\n")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        *_, end = desk.run(changed, key="id")
    assert end["message"] == "No space left on device"
    assert not outputs.unfinished(desk.out).exists()
    assert len(desk.records()) == 3
    desk.run(changed, key="id")
    assert [record["name"] for record in desk.records()] == ["Grace", "Alan"]


def test_an_output_that_cannot_be_changed_is_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is sent."""

    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "ftruncate", refuse)
    with pytest.raises(ConnectorError, match="cannot be written"):
        desk.run(desk.table(THREE))
    assert desk.ran == []


def test_old_outputs_are_kept_under_names_of_their_own(tmp_path: Path) -> None:
    """Each `--fresh` finds the next one."""
    (tmp_path / "out.csv.1").touch()
    assert outputs.free_path(tmp_path / "out.csv").name == "out.csv.2"


def test_an_end_that_waits_is_dropped_if_another_process_has_the_row(
    desk: Desk, full: FullLedger
) -> None:
    """Its own answer counts."""
    full.fails = {"end_run": 1}

    def watch(_: object, item: Any) -> None:
        if item["type"] == "row.finished" and item["line"] == 2:
            full.error = FencedError("taken over", 7)
            full.fails = {"end_run": 1}

    *_, end = desk.run(desk.table("name\nAda\n"), watch=watch)
    assert end["unsaved"] is None


def test_a_held_row_whose_failure_the_ledger_cannot_take_is_saved_later(
    desk: Desk, full: FullLedger
) -> None:
    """As any other end."""

    async def fail(_: JsonObject, __: ActionContext) -> ActionResult:
        # The next two ends are that of the success after it, and its own.
        full.fails = {"end_run": 0}
        raise ConnectorError(ErrorCode.UNAVAILABLE, "Away.", effect=Effect.NONE)

    async def greet(_: JsonObject, __: ActionContext) -> ActionResult:
        full.skips, full.fails = 1, {"end_run": 1}
        return ActionResult(output={"text": "Hello"})

    desk.fate = {"Ada": fail, "Grace": greet}
    *_, end = desk.run(desk.table("name\nAda\nGrace\n"), at_once=1)
    assert end["rows"] == {"done": 1, "failed": 1}
    assert end["unsaved"] is None


def test_a_held_row_that_another_process_has_is_left_to_it(
    desk: Desk, full: FullLedger
) -> None:
    """Its own answer counts, and the other rows go on."""

    async def fail(_: JsonObject, __: ActionContext) -> ActionResult:
        raise ConnectorError(ErrorCode.UNAVAILABLE, "Away.", effect=Effect.NONE)

    async def greet(_: JsonObject, __: ActionContext) -> ActionResult:
        full.error = FencedError("taken over", 7)
        full.skips, full.fails = 1, {"end_run": 1}
        return ActionResult(output={"text": "Hello"})

    desk.fate = {"Ada": fail, "Grace": greet}
    _, *rows, end = desk.run(desk.table("name\nAda\nGrace\nAlan\n"), at_once=1)
    assert [row["line"] for row in rows] == [3, 4]
    assert (end["reason"], end["unsaved"]) == ("done", None)


def test_a_bug_in_a_row_ends_the_stream(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the error that it is."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(
        "perplexity_connector.host.tables.runnables.runnable_action.RowLog", broken
    )
    with pytest.raises(ZeroDivisionError):
        desk.run(desk.table("name\nAda\n"))


def test_items_that_wait_are_dropped_when_the_reader_leaves() -> None:
    """And later ones are not kept."""

    async def leave() -> None:
        items = Items()
        item: Any = {"type": "row.finished"}
        await items.put(item)
        items.leave()
        await items.put(item)
        items.end()
        assert await items.get() is None

    asyncio.run(leave())


def test_the_time_at_a_limit_is_known_after_a_response() -> None:
    """Before that, it is not."""

    async def look() -> tuple[float | None, float | None]:
        limiter = RateLimiter(8)
        before = limiter.seconds_for(100)
        limiter.observe(50, 49, 0)
        limiter._window_s = 1.0
        return before, limiter.seconds_for(100)

    assert asyncio.run(look()) == (None, 2.0)


def test_an_unusable_connection_has_no_time(desk: Desk) -> None:
    """The run itself says what is wrong."""
    item = desk.run(desk.table("name\nAda\n"), connection="unknown", plan_only=True)[0]
    assert item["seconds"] is None


def test_erased_answers_are_not_written_again(desk: Desk) -> None:
    """New records are added; the file keeps the old ones, and the end says so."""
    plan, *_ = desk.run(desk.table("id,name\n1,Ada\n2,Grace\n"), key="id")
    desk.ledger.forget(plan["job_id"]).result()
    *_, end = desk.run(desk.table("id,name\n1,Ada\n2,Alan\n"), key="id")
    outputs_of_ada = {one["output"] for one in desk.records() if one["id"] == "1"}
    assert outputs_of_ada == {'{"text": "Hello, Ada"}'}
    assert "Alan" in desk.out.read_text("utf-8")
    assert end["reason"] == "done"
    assert end["message"]


def test_a_ledger_of_many_machines_needs_a_name_for_the_job(desk: Desk) -> None:
    """A path means another file on each of them."""
    desk.ledger.is_local = False
    with pytest.raises(ConnectorError, match="--job NAME"):
        desk.run(desk.table(THREE))
    assert desk.run(desk.table(THREE), job="mine")[-1]["reason"] == "done"


def test_own_runs_raise_the_reservation_of_open_ended_ones(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the plan, and while the rows run."""
    found: Future[int | None] = Future()
    found.set_result(2_000_000_000)
    monkeypatch.setattr(desk.ledger, "percentile", lambda *_: found)
    monkeypatch.setattr(running, "_PERCENTILES_EVERY", 1)
    plan, *_, end = desk.run(desk.table(THREE), budget=2.2, at_once=1)
    assert (plan["price"]["worst"], end["reason"]) == (6.0, "budget")
    assert len(desk.ran) == 1


@pytest.mark.parametrize("is_job", [True, False])
def test_a_run_that_is_stopped_alone_has_failed_and_that_of_a_job_is_planned(
    desk: Desk, *, is_job: bool
) -> None:
    """Where nothing was sent yet."""

    async def wait(_: JsonObject, __: ActionContext) -> ActionResult:
        (run,) = await asyncio.wrap_future(desk.ledger.runs(job_id=seen["job"]))
        if is_job:
            await asyncio.wrap_future(desk.ledger.cancel(seen["job"]))
        assert seen["host"].cancel(run.run_id)
        await asyncio.Event().wait()
        raise AssertionError

    def watch(host: Any, item: Any) -> None:
        if item["type"] == "table.planned":
            seen.update(host=host, job=item["job_id"])

    seen: dict[str, Any] = {}
    desk.handler = wait
    *_, end = desk.run(desk.table("name\nAda\n"), watch=watch)
    expected = ("stopped", "planned") if is_job else ("done", "failed")
    assert (end["reason"], end["rows"]) == (expected[0], {expected[1]: 1})


def test_a_stopped_run_ends_alone_while_the_ledger_cannot_be_read(
    desk: Desk, full: FullLedger
) -> None:
    """The other rows go on."""

    async def wait(input: JsonObject, ctx: ActionContext) -> ActionResult:
        if input["name"] != "Ada":
            return await desk.greet(input, ctx)
        runs = await asyncio.wrap_future(full.runs(job_id=seen["job"]))
        (run,) = [one for one in runs if one.state == "claimed"]
        full.fails = {"find_job": 1}
        assert seen["host"].cancel(run.run_id)
        await asyncio.Event().wait()
        raise AssertionError

    def watch(host: Any, item: Any) -> None:
        if item["type"] == "table.planned":
            seen.update(host=host, job=item["job_id"])

    seen: dict[str, Any] = {}
    desk.handler = wait
    *_, end = desk.run(desk.table("name\nAda\nGrace\n"), watch=watch, at_once=1)
    assert (end["reason"], end["rows"]) == ("done", {"failed": 1, "done": 1})


def test_a_caller_that_is_cancelled_again_stops_at_the_provider() -> None:
    """And still waits for the end, so that each row has its state."""

    class Rows:
        wishes = 0

        def stop(self) -> None:
            self.wishes += 1
            over.set()

    over = asyncio.Event()

    async def work() -> Any:
        await over.wait()
        return "end"

    async def leave() -> tuple[Any, int]:
        rows: Any = Rows()
        waiting = asyncio.create_task(
            under_way._end_of(asyncio.create_task(work()), rows)
        )
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting.cancel()
        return await waiting, rows.wishes

    assert asyncio.run(leave()) == ("end", 1)


def test_a_plan_that_no_caller_waits_for_ends_early(desk: Desk) -> None:
    """Without a temporary file."""
    table: Any = desk.table(THREE)
    recipe: Any = None
    records: Any = SimpleNamespace(lines=lambda _: ())
    planner = Planner(open_table(table), recipe, records)
    planner.leave()
    assert planner.plan().spool._file.closed


def test_an_end_that_another_process_has_waits_no_more() -> None:
    """The next one is tried."""
    failed: Future[Any] = Future()
    failed.set_exception(FencedError("taken over"))
    ledger: Any = SimpleNamespace(end_run=lambda *_: failed)

    async def retry() -> list[Any]:
        unsaved = Unsaved(ledger)
        claim: Any = None
        end: Any = None
        unsaved.add(claim, end)
        found = [one async for one in unsaved.retry()]
        return [*found, *[one async for one in unsaved.retry()]]

    assert asyncio.run(retry()) == []


@pytest.mark.parametrize("kind", [Line, _Candidate, Outcome, outputs.Known])
def test_a_repr_shows_neither_cells_nor_answers(kind: Any) -> None:
    """A crash report prints the values of a frame."""
    content = {"cells", "record", "input", "output", "last", "next"}
    names = [field.name for field in dataclasses.fields(kind)]
    made = kind(**{name: "private" if name in content else name for name in names})
    assert "private" not in repr(made)


def test_an_unchanged_row_is_neither_checked_nor_priced_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger has its price, from the start that planned it."""
    table = desk.table(THREE)
    refused = failing(ErrorCode.INVALID_CREDENTIALS)
    desk.fate = dict.fromkeys(["Ada", "Grace", "Alan"], refused)
    before, *_ = desk.run(table, at_once=1)
    desk.fate = {}
    monkeypatch.setattr(Planner, "_appraised", None)
    after, *_, end = desk.run(table)
    assert (after["runs"], after["price"]) == (3, before["price"])
    assert (end["reason"], end["cost"]) == ("done", 0.75)


def test_a_template_that_no_line_can_use_begins_no_job(desk: Desk) -> None:
    """The corrected one is not another template of a known job."""
    table = desk.table(THREE)
    with pytest.raises(ConnectorError, match="/nmae"):
        desk.run(table, {"nmae": "{name}"})
    assert not desk.out.exists()
    assert desk.run(table)[-1]["reason"] == "done"
