"""Nothing is paid twice and no answer goes, also where a person does something unusual."""

import asyncio
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
from perplexity_connector.host import Ledger
from perplexity_connector.host.ledger.entries import FencedError
from perplexity_connector.host.tables.starts import starting
from tests.host.stage import CONNECTION
from tests.host.tables.stage import GREET, Desk, FullLedger

TWO = "name\nAda\nGrace\n"
USD = 1_000_000_000


class CrashError(BaseException):
    """The process ends here."""


def in_doubt(code: ErrorCode) -> Any:
    """A handler that fails after its request may have reached the provider."""

    async def fail(_: JsonObject, __: ActionContext) -> ActionResult:
        raise ConnectorError(code, "x", effect=Effect.UNKNOWN, retry_after=0)

    return fail


def search(desk: Desk, table: Path, code: ErrorCode, **options: Any) -> Any:
    """The end of a start whose rows may be repeated freely; each is in doubt."""

    async def handle(input: JsonObject, ctx: ActionContext) -> ActionResult:
        async with ctx.permit():
            desk.ran.append(str(input["text"]))
        return await in_doubt(code)(input, ctx)

    async def run() -> Any:
        async with (
            desk.host(retries=2) as host,
            aclosing(
                host.stream_table(
                    "toy",
                    "count",
                    table,
                    {"text": "{name}"},
                    out=desk.out,
                    connection=CONNECTION,
                    **options,
                )
            ) as stream,
        ):
            return [item async for item in stream][-1]

    desk.handler = handle
    return asyncio.run(run())


def test_a_search_in_doubt_that_counts_as_not_started_keeps_its_reservation(
    desk: Desk,
) -> None:
    """The provider is down, and may have billed all that it was sent."""
    table = desk.table("name\n" + "".join(f"n{index}\n" for index in range(20)))
    end = search(desk, table, ErrorCode.UNAVAILABLE, budget=1000)
    assert (end["reason"], end["rows"]) == ("failed", {"planned": 20})
    job = desk.ledger.find_job(end["job_id"]).result()
    desk.ledger.close()
    assert job
    assert job.committed == len(desk.ran) * USD


def test_rows_that_must_reserve_again_do_not_wait_for_each_other(desk: Desk) -> None:
    """The budget is used up: no other row is under way."""
    end = search(desk, desk.table(TWO), ErrorCode.TIMEOUT, budget=2, at_once=2)
    desk.ledger.close()
    assert (end["reason"], len(desk.ran)) == ("budget", 2)


def test_a_chat_in_doubt_is_unsure_whatever_its_error(desk: Desk) -> None:
    """An error that stops the job does not make it one that was not started."""
    desk.fate["Ada"] = in_doubt(ErrorCode.QUOTA_EXHAUSTED)
    *_, end = desk.run(desk.table(TWO), at_once=1)
    assert (end["reason"], end["rows"]) == ("failed", {"unsure": 1, "planned": 1})


@pytest.mark.parametrize("is_first", [True, False])
def test_a_sandbox_and_the_provider_do_not_share_a_job(
    desk: Desk, is_first: bool
) -> None:
    """Invented answers do not count as done."""
    table = desk.table(TWO)
    desk.run(table, host={"sandbox": is_first})
    with pytest.raises(ConnectorError, match="--fresh"):
        desk.run(table, host={"sandbox": not is_first})
    assert len(desk.ran) == 2


def test_a_refused_start_retries_nothing_later(desk: Desk) -> None:
    """The output was changed. The start that writes another file is without new runs."""
    desk.fate["Ada"] = in_doubt(ErrorCode.TIMEOUT)
    table = desk.table(TWO)
    *_, end = desk.run(table, at_once=1)
    desk.out.write_text("edited")
    with pytest.raises(ConnectorError, match="--out OTHER"):
        desk.run(table, retry="unsure")
    job, other = end["job_id"], desk.folder / "other.csv"
    *_, end = desk.run(table, job=job, out=other)
    assert (end["rows"], len(desk.ran)) == ({"unsure": 1, "done": 1}, 2)


def test_a_crash_of_a_fresh_start_leaves_the_old_output(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it has another name, it is not of the new job."""
    table, other = desk.table(TWO), {"name": "Dr {name}"}
    desk.run(table)
    old = desk.out.read_bytes()

    def crash(_: Path) -> Path:
        raise CrashError

    with monkeypatch.context() as patch:
        patch.setattr(starting, "free_path", crash)
        with pytest.raises(CrashError):
            desk.run(table, other, fresh=True)
    with pytest.raises(ConnectorError, match="--fresh"):
        desk.run(table, other)
    desk.run(table, other, fresh=True)
    assert (desk.folder / "out.csv.1").read_bytes() == old


def test_a_job_that_is_under_way_is_not_begun_again(desk: Desk) -> None:
    """Not by `--fresh` either: two processes would pay for the same rows, and share a file."""
    table = desk.table(TWO)
    desk.run(table)
    ledger = FullLedger(f"sqlite:///{desk.folder}/ledger.sqlite", environ={})
    ledger.error, ledger.fails = FencedError("it writes", 4711), {"rename_job": 1}
    desk.ledger = ledger
    old = desk.out.read_bytes()
    with pytest.raises(ConnectorError, match="4711"):
        desk.run(table, fresh=True)
    assert (len(desk.ran), desk.out.read_bytes()) == (2, old)


def test_two_jobs_do_not_share_an_output(desk: Desk) -> None:
    """Neither at once nor one after the other, also where the file was not there at the plan."""
    desk.out = desk.folder / "out.jsonl"
    refused: list[str] = []

    async def run(host: Any, job: str, begin: asyncio.Event) -> None:
        async def confirm(_: object) -> bool:
            return await begin.wait()

        options: Any = {"out": desk.out, "connection": CONNECTION, "job": job}
        table = desk.table(TWO, f"{job}.csv")
        stream = host.stream_table(
            "toy", "greet", table, GREET, confirm=confirm, **options
        )
        try:
            async with aclosing(stream):
                async for item in stream:
                    if item["type"] == "row.finished" and job == "first":
                        during.set()
                        await asyncio.sleep(0)
                        await asyncio.wait(others)
        except ConnectorError as error:
            refused.append(f"{job}: {error.user_message}")

    async def all_jobs() -> None:
        async with desk.host() as host:
            now = asyncio.Event()
            now.set()
            others.append(asyncio.create_task(run(host, "second", during)))
            third = asyncio.create_task(run(host, "third", after))
            await asyncio.sleep(0)
            await run(host, "first", now)
            after.set()
            await third

    during, after = asyncio.Event(), asyncio.Event()
    others: list[asyncio.Task[None]] = []
    asyncio.run(all_jobs())
    desk.ledger.close()
    assert [text.partition(":")[0] for text in refused] == ["second", "third"]
    assert len(desk.json_records()) == len(desk.ran) == 2


def test_an_output_with_the_only_answers_is_not_cut(desk: Desk) -> None:
    """The ledger has erased them, and the lines of the table have moved."""
    desk.ledger = _without_content(desk)
    desk.run(desk.table(TWO))
    old = desk.out.read_bytes()
    moved = desk.table("name\nAlan\nAda\nGrace\n")
    for _ in range(2):
        with pytest.raises(ConnectorError, match="--out OTHER"):
            desk.run(moved)
    assert desk.out.read_bytes() == old


@pytest.mark.parametrize("name", ["Ada Lovelace", "A"])
def test_an_edited_output_is_left_alone_after_its_answers_were_erased(
    desk: Desk, name: str
) -> None:
    """Its last record cannot be compared, but its length can."""
    desk.ledger = _without_content(desk)
    desk.run(desk.table(TWO))
    edited = desk.out.read_text().replace("Ada,", f"{name},", 1)
    desk.out.write_text(edited)
    with pytest.raises(ConnectorError, match="was changed"):
        desk.run(desk.table(TWO + "Alan\n"))
    assert desk.out.read_text() == edited


def test_a_longer_table_goes_on_after_its_answers_were_erased(desk: Desk) -> None:
    """New records follow the old ones."""
    desk.ledger = _without_content(desk)
    desk.run(desk.table(TWO))
    old = desk.out.read_text()
    desk.run(desk.table(TWO + "Alan\n"))
    assert desk.out.read_text().startswith(old)
    assert "Hello, Alan" in desk.out.read_text()


def test_a_host_that_records_no_content_leaves_none_of_a_table(desk: Desk) -> None:
    """As soon as the job has ended."""
    desk.run(desk.table("name\nSentinel\n"), host={"record_content": False})
    files = [path for path in desk.folder.glob("ledger*") if path.is_file()]
    assert files
    assert not any(b"Sentinel" in path.read_bytes() for path in files)


def _without_content(desk: Desk) -> Ledger:
    url = f"sqlite:///{desk.folder}/ledger.sqlite"
    return Ledger(url, environ={}, record_content=False)
