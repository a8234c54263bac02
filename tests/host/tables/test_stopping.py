"""What stops a whole job, what becomes of its rows, and how the next start goes on."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ErrorCode,
    JsonObject,
)
from perplexity_connector.host.tables.rows import running
from tests.host.stage import CONNECTION
from tests.host.tables.stage import GREET, Desk, failing

MANY = "name\n" + "".join(f"n{index}\n" for index in range(30))


async def never(_: JsonObject, ctx: ActionContext) -> ActionResult:
    """Begin something that goes on, and look at it for ever."""
    await ctx.checkpoint({"id": "it"})
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize(
    "code",
    [
        ErrorCode.INVALID_CREDENTIALS,
        ErrorCode.PERMISSION_DENIED,
        ErrorCode.QUOTA_EXHAUSTED,
        ErrorCode.UNSUPPORTED,
    ],
)
def test_what_every_row_would_meet_stops_the_job(desk: Desk, code: ErrorCode) -> None:
    """The row counts as not started, and the same command goes on."""
    table = desk.table(MANY)
    desk.fate["n3"] = failing(code)
    *_, end = desk.run(table, at_once=1)
    assert (end["reason"], end["cause"], bool(end["message"])) == (
        "failed",
        code.value,
        True,
    )
    assert end["rows"] == {"done": 3, "planned": 27}
    assert len(desk.records()) == 3
    desk.fate.clear()
    assert desk.run(table)[-1]["rows"] == {"done": 30}
    assert desk.ran.count("n3") == 2


def test_twenty_unavailable_rows_stop_the_job_and_count_as_not_started(
    desk: Desk,
) -> None:
    """The provider is down. None of them is a failure of its row."""
    table = desk.table(MANY)
    for index in range(5, 30):
        desk.fate[f"n{index}"] = failing(ErrorCode.UNAVAILABLE)
    *_, end = desk.run(table, at_once=1)
    assert (end["reason"], end["cause"]) == ("failed", "unavailable")
    assert (len(desk.ran), end["rows"]) == (25, {"done": 5, "planned": 25})
    assert end["failed"] == {}


def test_a_row_that_was_unavailable_has_failed_if_others_succeed(desk: Desk) -> None:
    """A success between them starts the count again."""
    for index in range(29):
        if index != 15:
            desk.fate[f"n{index}"] = failing(ErrorCode.UNAVAILABLE)
    *_, end = desk.run(desk.table(MANY), at_once=1)
    assert (end["reason"], end["rows"]) == ("done", {"done": 2, "failed": 28})
    assert len(desk.records()) == 30


def test_the_first_stop_leaves_begun_runs_to_the_next_start(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing new is sent, the provider is not asked to stop, and the next start follows the run."""
    monkeypatch.setattr(running, "STOP_S", 0.0)
    table = desk.table(MANY)
    desk.fate["n0"] = never

    def stop(host: Any, item: Any) -> None:
        if item["type"] == "row.finished" and item["line"] == 4:
            assert host.cancel(seen["job"])

    seen: dict[str, str] = {}

    def watch(host: Any, item: Any) -> None:
        seen.setdefault("job", item.get("job_id", ""))
        stop(host, item)

    *_, end = desk.run(table, at_once=2, watch=watch)
    assert (end["reason"], len(end["begun"])) == ("stopped", 1)
    assert end["rows"]["begun"] == 1
    assert len(desk.ran) <= 5
    resumed: list[Any] = []

    async def follow(_: JsonObject, ctx: ActionContext) -> ActionResult:
        resumed.append(ctx.resume_from)
        return ActionResult(output={"text": "At last"})

    desk.fate["n0"] = follow
    *_, end = desk.run(table)
    assert resumed == [{"id": "it"}]
    assert (end["reason"], end["rows"]) == ("done", {"done": 30})


def test_the_second_stop_asks_the_provider_and_plans_the_row_again(
    desk: Desk,
) -> None:
    """It may have cost something, which stays counted."""
    table = desk.table("name\nn0\n")
    cancelled: list[bool] = []

    async def stoppable(input: JsonObject, ctx: ActionContext) -> ActionResult:
        try:
            return await never(input, ctx)
        except asyncio.CancelledError:
            cancelled.append(await ctx.may_stop())
            ctx.observe_stop(True)
            raise

    desk.fate["n0"] = stoppable

    async def stop_twice() -> list[Any]:
        items = []
        async with desk.host() as host:
            stream = host.stream_table(
                "toy", "greet", table, GREET, out=desk.out, connection=CONNECTION
            )
            async with aclosing(stream):
                async for item in stream:
                    items.append(item)
                    if item["type"] == "table.planned":
                        asyncio.create_task(stop(host, item["job_id"]))  # noqa: RUF006 - it ends before the host
        desk.ledger.close()
        return items

    async def stop(host: Any, job_id: str) -> None:
        while not desk.ran:  # noqa: ASYNC110 - until the row was sent
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.1)
        assert host.cancel(job_id)
        assert host.cancel(job_id)

    _, row, end = asyncio.run(stop_twice())
    assert cancelled == [True]
    assert (row["state"], end["reason"], end["rows"]) == (
        "planned",
        "stopped",
        {"planned": 1},
    )


def test_a_request_without_an_answer_is_unsure_after_the_second_stop(
    desk: Desk,
) -> None:
    """It was sent, and what became of it is not known."""

    async def wait(_: JsonObject, __: ActionContext) -> ActionResult:
        hosts[0].cancel(jobs[0])
        hosts[0].cancel(jobs[0])
        await asyncio.Event().wait()
        raise AssertionError

    def watch(host: Any, item: Any) -> None:
        hosts.append(host)
        jobs.append(item.get("job_id", ""))

    hosts: list[Any] = []
    jobs: list[str] = []
    desk.fate["n0"] = wait
    _, row, end = desk.run(desk.table("name\nn0\nn1\n"), at_once=1, watch=watch)
    assert (row["state"], end["reason"]) == ("unsure", "stopped")
    assert [one["line"] for one in end["unsure"]] == [2]
    assert end["rows"] == {"unsure": 1, "planned": 1}


def test_a_reader_that_leaves_stops_the_job_in_order(desk: Desk) -> None:
    """Rows under way end and are written; nothing new is sent."""
    table = desk.table(MANY)

    async def leave() -> None:
        async with desk.host() as host:
            stream = host.stream_table(
                "toy",
                "greet",
                table,
                GREET,
                out=desk.out,
                connection=CONNECTION,
                at_once=2,
            )
            async with aclosing(stream):
                async for item in stream:
                    if item["type"] == "row.finished":
                        break

    asyncio.run(leave())
    desk.ledger.close()
    assert 1 <= len(desk.ran) <= 8
    assert len(desk.records()) == len(desk.ran)
    assert desk.run(table)[-1]["reason"] == "done"
    assert len(desk.ran) == 30


def test_a_host_that_closes_stops_the_job_in_order(desk: Desk) -> None:
    """Although its reader did not leave: rows under way end and are written, and none stays claimed."""
    table = desk.table(MANY)
    hosts: list[Any] = []

    async def slow(_: JsonObject, __: ActionContext) -> ActionResult:
        (course,) = hosts[0]._tables._under_way._running.values()
        await course._stopped.wait()
        return ActionResult(output={"text": "At last"})

    async def close() -> list[str]:
        desk.fate["n1"] = slow
        items: list[Any] = []
        async with desk.host() as host:
            hosts.append(host)
            stream = host.stream_table(
                "toy",
                "greet",
                table,
                GREET,
                out=desk.out,
                connection=CONNECTION,
                at_once=2,
            )
            while not any(item["type"] == "row.finished" for item in items):
                items.append(await anext(stream))
        items += [item async for item in stream]
        return [item["state"] for item in items[1:-1]]

    states = asyncio.run(close())
    (job,) = desk.ledger.jobs().result()
    desk.ledger.close()
    assert states == ["done"] * len(desk.ran)
    assert job.counts == {"done": len(desk.ran), "planned": 30 - len(desk.ran)}
    assert "n1" in desk.ran
    assert len(desk.records()) == len(desk.ran) < 30


def test_a_host_that_closes_stops_no_job_twice(desk: Desk) -> None:
    """A second wish would ask the provider to stop its runs."""
    table = desk.table(MANY)

    async def close() -> Any:
        async with desk.host() as host:
            stream = host.stream_table(
                "toy", "greet", table, GREET, out=desk.out, connection=CONNECTION
            )
            first: Any = await anext(stream)
            await anext(stream)
            host.cancel(first["job_id"])
            (course,) = host._tables._under_way._running.values()
        async for _ in stream:
            pass
        return course

    course = asyncio.run(close())
    desk.ledger.close()
    assert not course.brakes.is_cancelling


def test_another_process_can_stop_a_job(desk: Desk) -> None:
    """With `runs cancel JOB`: its rows are planned again."""
    table = desk.table("name\nn0\nn1\n")
    desk.fate["n0"] = never

    def watch(_: object, item: Any) -> None:
        if item["type"] == "row.finished" and item["line"] == 3:
            desk.ledger.cancel(seen[0])
        if item["type"] == "table.planned":
            seen.append(item["job_id"])

    seen: list[str] = []
    *_, end = desk.run(table, watch=watch)
    assert end["reason"] == "stopped"
    assert end["rows"]["done"] == 1


def test_rows_that_have_no_line_any_more_are_not_run(desk: Desk) -> None:
    """The table was cut between a start that a budget ended and the next one."""
    desk.run(desk.table("name\nAda\nGrace\nAlan\n"), budget=1, at_once=1)
    ran = len(desk.ran)
    assert ran == 1
    *_, end = desk.run(desk.table("name\nAlan\n"), budget=9)
    assert (desk.ran[ran:], end["rows"]) == (["Alan"], {"done": 1})
    assert [record["name"] for record in desk.records()] == ["Alan"]
