"""A file that is written from the ledger at any time, and a job that is only entered."""

import errno
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host import Ledger
from perplexity_connector.host.tables.outputs.output import Output
from tests.host.tables.stage import THREE, Desk, FullLedger


@pytest.fixture
def other(desk: Desk) -> Iterator[Ledger]:
    """Another owner at the same ledger."""
    ledger = Ledger(f"sqlite:///{desk.folder}/./ledger.sqlite", environ={})
    yield ledger
    ledger.close()


def refused(desk: Desk, **options: Any) -> ConnectorError:
    """The refusal of a writing."""
    with pytest.raises(ConnectorError) as caught:
        desk.write(**options)
    return caught.value


def test_to_enter_a_job_sends_nothing_and_gives_the_writer_up(
    desk: Desk, other: Ledger
) -> None:
    """It counts a start each time."""
    table = desk.table(THREE)
    entered = desk.enter(table)
    assert entered["type"] == "table.entered"
    assert (entered["job"], entered["start"], desk.ran) == ("job", 1, [])
    other.write_job(entered["job_id"], str(desk.out)).result()
    assert refused_to_enter(desk, table) is ErrorCode.INVALID_INPUT
    other.end_job(entered["job_id"], None).result()
    assert desk.enter(table)["start"] == 2
    assert not desk.out.exists()


def refused_to_enter(desk: Desk, table: Any) -> ErrorCode:
    """The code of the refusal."""
    with pytest.raises(ConnectorError) as caught:
        desk.enter(table)
    return caught.value.code


def test_a_plan_that_is_not_confirmed_enters_nothing(desk: Desk) -> None:
    """As it begins nothing else."""
    planned = desk.enter(desk.table(THREE), confirm=lambda _: False)
    assert planned["type"] == "table.planned"
    assert refused(desk).code is ErrorCode.NOT_FOUND


def test_a_file_is_written_at_any_time_and_a_later_writing_adds_the_rest(
    desk: Desk,
) -> None:
    """To write costs nothing, and counts no start."""
    table = desk.table(THREE)
    desk.enter(table, budget=1)
    end = desk.write()
    assert (end["reason"], end["rows"]) == ("done", {"planned": 3})
    assert desk.records() == []
    assert desk.run_job(at_once=1)[-1]["reason"] == "budget"
    assert desk.write()["reason"] == "budget"
    before = desk.out.read_bytes()
    assert len(desk.records()) == len(desk.ran) == 1
    assert desk.enter(table, budget=9)["start"] == 3
    assert desk.write()["reason"] == "done"
    desk.run_job(start=3)
    end = desk.write()
    assert (end["rows"], end["cost"], end["output"]) == (
        {"done": 3},
        0.75,
        str(desk.out),
    )
    assert desk.out.read_bytes().startswith(before)
    assert [record["name"] for record in desk.records()] == ["Ada", "Grace", "Alan"]
    desk.write()
    assert len(desk.records()) == 3


def test_a_job_that_was_cancelled_says_so(desk: Desk, other: Ledger) -> None:
    """Until the next start."""
    table = desk.table(THREE)
    other.cancel(desk.enter(table)["job_id"]).result()
    assert desk.write()["reason"] == "stopped"
    desk.enter(table)
    assert desk.write()["reason"] == "done"


def test_the_records_are_those_that_one_process_writes(desk: Desk) -> None:
    """The next start with the table goes on in the file."""
    table = desk.table(THREE)
    desk.enter(table)
    desk.run_job()
    desk.write()
    written = desk.out.read_bytes()
    _, end = desk.run(table, job="job")
    assert end["reason"] == "done"
    assert desk.out.read_bytes() == written
    assert len(desk.ran) == 3


def test_another_format_has_the_same_columns(desk: Desk) -> None:
    """Those of the job, also where the first output was CSV."""
    desk.enter(desk.table(THREE), columns={"answer": "/text"})
    desk.run_job()
    desk.out = desk.folder / "found.jsonl"
    desk.write()
    first = desk.json_records()[0]
    assert (first["name"], first["answer"]) == ("Ada", "Hello, Ada")


def test_a_second_writer_is_refused_by_pid(desk: Desk, other: Ledger) -> None:
    """Until the first one has ended."""
    job_id = desk.enter(desk.table(THREE))["job_id"]
    other.write_job(job_id, str(desk.out)).result()
    assert str(os.getpid()) in refused(desk).user_message
    other.end_job(job_id, None).result()
    desk.write()


def test_a_file_that_was_changed_is_left_alone(desk: Desk) -> None:
    """Also one that is not of the job. Another file gets all records."""
    desk.enter(desk.table(THREE))
    desk.run_job()
    desk.write()
    desk.out.write_text("my own", encoding="utf-8")
    other = desk.folder / "other.csv"
    other.write_text("mine too", encoding="utf-8")
    for out in (desk.out, other):
        text = out.read_text("utf-8")
        assert refused(desk, out=out).code is ErrorCode.INVALID_INPUT
        assert out.read_text("utf-8") == text
    desk.out = desk.folder / "third.csv"
    desk.write()
    assert len(desk.records()) == 3


def test_a_file_that_cannot_be_opened_frees_the_writer(
    desk: Desk, other: Ledger
) -> None:
    """Another process can write at once."""
    job_id = desk.enter(desk.table(THREE))["job_id"]
    out = desk.folder / "none" / "out.csv"
    assert refused(desk, out=out).code is ErrorCode.INVALID_INPUT
    other.write_job(job_id, str(desk.out)).result()


def test_a_file_that_cannot_be_written_is_said(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The records wait in the ledger."""
    desk.enter(desk.table(THREE))
    desk.run_job()

    def fail(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    desk.write()
    desk.enter(desk.table("name\nAda\nGrace\nAlan\nEdsger\n"))
    desk.run_job()
    with monkeypatch.context() as patch:
        patch.setattr(Output, "append", fail)
        end = desk.write()
    assert (end["reason"], end["message"]) == ("failed", os.strerror(errno.ENOSPC))
    assert len(desk.records()) == 3
    assert desk.write()["reason"] == "done"
    assert len(desk.records()) == 4


def test_records_that_are_out_of_date_are_written_again(desk: Desk) -> None:
    """A retried row replaces its record."""

    async def fail(*_: object) -> Any:
        raise ConnectorError(ErrorCode.INVALID_INPUT, "It failed.")

    desk.fate["Grace"] = fail
    desk.enter(desk.table(THREE))
    desk.run_job()
    end = desk.write()
    assert end["failed"] == {"invalid_input": [3]}
    desk.fate.clear()
    desk.run_job(retry="failed")
    desk.write()
    assert [record["_status"] for record in desk.records()] == ["done"] * 3
    assert [record["name"] for record in desk.records()] == ["Ada", "Grace", "Alan"]


def test_a_host_that_keeps_no_content_keeps_it_until_it_is_written(
    desk: Desk,
) -> None:
    """Else the answers were lost."""
    table, host = desk.table(THREE), {"record_content": False}
    desk.enter(table, host=host)
    desk.run_job(host=host)
    desk.enter(table, host=host)
    desk.write(host=host)
    assert [record["output"] for record in desk.records()] == [
        json.dumps({"text": f"Hello, {name}"}) for name in ("Ada", "Grace", "Alan")
    ]
    job = desk.ledger.find_job("job").result()
    desk.ledger.close()
    assert job
    assert job.content_erased


@pytest.mark.parametrize("method", ["find_job", "write_job", "find_lines"])
def test_a_ledger_that_cannot_be_used_is_said(
    desk: Desk, full: FullLedger, method: str
) -> None:
    """The next writing does all of it."""
    desk.enter(desk.table(THREE))
    desk.run_job()
    full.fails = {method: 1}
    assert refused(desk).code is ErrorCode.UNAVAILABLE
    desk.write()
    assert len(desk.records()) == 3


def test_an_end_that_the_ledger_cannot_take_is_said(
    desk: Desk, full: FullLedger
) -> None:
    """The file is written."""
    desk.enter(desk.table(THREE))
    desk.run_job()
    full.fails = {"end_job": 1}
    assert desk.write()["reason"] == "failed"
    assert len(desk.records()) == 3
