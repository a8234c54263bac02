"""The output file: continued where it is ours, and never overwritten where it is not."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ConnectorError,
    JsonObject,
)
from perplexity_connector.host.tables.outputs import output as outputs
from tests.host.tables.stage import GREET, THREE, Desk


@pytest.fixture
def begun(desk: Desk) -> Path:
    """A table of which one row is done and written."""
    table = desk.table(THREE)
    desk.run(table, budget=1, at_once=1)
    assert len(desk.records()) == 1
    return table


@pytest.mark.parametrize("tail", [b"Grace,ha", b'"x\n', b"a,b,c,d,e,f\n"])
def test_what_follows_our_last_record_is_cut(
    desk: Desk, begun: Path, tail: bytes
) -> None:
    """A crash came between the file and the ledger, or within a write."""
    with desk.out.open("ab") as file:
        file.write(tail)
    desk.run(begun, budget=9)
    assert [len(record) for record in desk.records()] == [6, 6, 6]
    assert sorted(desk.ran) == ["Ada", "Alan", "Grace"]


def test_records_that_a_full_disk_refuses_are_written_by_the_next_start(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first refusal stops the job; the rows under way end, and their records wait in the ledger."""
    tried: list[bytes] = []

    def refuse(_: outputs.Output, record: bytes) -> int:
        tried.append(record)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    table = desk.table(THREE)
    with monkeypatch.context() as patch:
        patch.setattr(outputs.Output, "__init__", _opened)
        patch.setattr(outputs.Output, "append", refuse)
        *_, end = desk.run(table, at_once=3)
    assert (end["reason"], end["message"]) == ("failed", os.strerror(errno.ENOSPC))
    # Once for the first row, and once at the end.
    assert len(tried) == 2
    assert desk.run(table)[-1]["reason"] == "done"
    assert (len(desk.ran), len(desk.records())) == (3, 3)


def _opened(output: outputs.Output, path: Path, *_: object) -> None:
    output._file = os.open(path, os.O_RDWR | os.O_CREAT)


@pytest.mark.parametrize("change", ["shorter", "other", "header"])
def test_a_file_that_was_changed_is_left_alone(
    desk: Desk, begun: Path, change: str
) -> None:
    """Another output of the same job is written whole from the ledger, without new runs."""
    content = desk.out.read_bytes()
    changed = {
        "shorter": content[:-3],
        "other": content.replace(b"done", b"fine"),
        "header": content.replace(b"_status", b"_Status"),
    }[change]
    desk.out.write_bytes(changed)
    with pytest.raises(ConnectorError, match="--out OTHER") as caught:
        desk.run(begun, budget=9)
    assert desk.out.read_bytes() == changed
    job = str(caught.value).split("--job ")[1].split()[0]
    desk.out = desk.folder / "other.csv"
    plan, *_ = desk.run(begun, budget=9, job=job)
    assert plan["done"] == 1
    assert len(desk.records()) == 3
    assert desk.ran.count("Ada") == 1


def test_a_file_that_has_gone_is_written_again(desk: Desk, begun: Path) -> None:
    """Nothing of it can be overwritten."""
    desk.out.unlink()
    desk.run(begun, budget=9)
    assert len(desk.records()) == 3
    assert desk.ran.count("Ada") == 1


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_a_foreign_file_is_refused_again_and_again(desk: Desk, name: str) -> None:
    """Also with our own header. It becomes `OUT.1` with `fresh`."""
    desk.out = desk.folder / name
    desk.out.write_bytes(b"name,output,_status,_error,_cost,_run\nmine\n")
    table = desk.table(THREE)
    for _ in range(2):
        with pytest.raises(ConnectorError, match="exists already"):
            desk.run(table)
    assert desk.ran == []
    desk.run(table, fresh=True)
    assert (desk.folder / f"{name}.1").read_bytes().endswith(b"mine\n")


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_a_first_record_whose_end_was_not_noted_is_ours(desk: Desk, name: str) -> None:
    """The crash came after the write, and before the ledger."""
    desk.out = desk.folder / name
    table = desk.table("name\nAda\n")
    job = desk.run(table)[0]["job_id"]
    before = desk.out.read_bytes()
    desk.ledger.line_ends(job, [(2, None)]).result()
    desk.run(table)
    assert desk.out.read_bytes() == before
    desk.ledger.line_ends(job, [(2, None)]).result()
    desk.out.write_bytes(b"other\n")
    with pytest.raises(ConnectorError, match="--out OTHER"):
        desk.run(table)


def test_a_crash_while_a_whole_file_is_put_in_place_is_made_good(desk: Desk) -> None:
    """Its ends are noted: the next start finishes."""
    table = desk.table("id,name\n1,Ada\n2,Grace\n")
    desk.run(table, key="id")
    old = desk.out.read_bytes()
    changed = desk.table("id,name\n1,Edsger\n2,Grace\n")
    desk.run(changed, key="id")
    new = desk.out.read_bytes()
    assert old != new
    desk.out.write_bytes(old)
    outputs.unfinished(desk.out).write_bytes(new)
    desk.run(changed, key="id")
    assert desk.out.read_bytes() == new
    assert not outputs.unfinished(desk.out).exists()
    outputs.unfinished(desk.out).write_bytes(b"torn")
    desk.run(changed, key="id")
    assert desk.out.read_bytes() == new
    assert not outputs.unfinished(desk.out).exists()


def test_a_full_disk_loses_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record is written whole or not at all; the answers are in the ledger, and the next start writes them."""
    table = desk.table(THREE)
    write, full = os.write, [True]

    def write_less(file: int, data: bytes) -> int:
        if full[0] and b"Hello" in data:
            return write(file, data[:10])
        return write(file, data)

    monkeypatch.setattr(os, "write", write_less)
    *_, end = desk.run(table, at_once=1)
    assert (end["reason"], end["message"]) == ("failed", os.strerror(errno.ENOSPC))
    assert (len(desk.ran), desk.records()) == (1, [])
    full.clear()
    full.append(False)
    assert desk.run(table)[-1]["reason"] == "done"
    assert (len(desk.ran), len(desk.records())) == (3, 3)


def test_an_output_in_no_folder_is_refused(desk: Desk) -> None:
    """The job can be started again."""
    desk.out = desk.folder / "none" / "out.csv"
    table = desk.table(THREE)
    with pytest.raises(ConnectorError, match="cannot be opened"):
        desk.run(table)
    desk.out.parent.mkdir()
    assert desk.run(table)[-1]["reason"] == "done"


def test_text_of_a_run_is_no_formula(desk: Desk) -> None:
    """The table's own cells stay; `raw` leaves all as it is."""

    async def formula(_: JsonObject, __: ActionContext) -> ActionResult:
        return ActionResult(output={"text": "=1+1", "n": -5})

    desk.fate["=Ada"] = formula
    table = desk.table("name\n=Ada\n")
    options: Any = {"columns": {"text": "/text", "n": "/n"}}
    desk.run(table, GREET, **options)
    record = desk.records()[0]
    assert [record[name] for name in ("name", "text", "n")] == ["=Ada", "'=1+1", "-5"]
    desk.out = desk.folder / "raw.csv"
    desk.run(table, GREET, raw=True, **options)
    assert desk.records()[0]["text"] == "=1+1"
