"""A ledger that cannot be written: nothing new is sent, and no answer is lost."""

import json
from pathlib import Path

import pytest

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host.ledger.entries import FencedError
from perplexity_connector.host.tables.rows import running
from tests.host.tables.stage import THREE, Desk, FullLedger


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job looks again at once, and stops soon."""
    monkeypatch.setattr(running, "LOOK_S", 0.01)
    monkeypatch.setattr(running, "LEDGER_PATIENCE_S", 0.05)


def test_an_end_that_the_ledger_cannot_take_is_tried_again(
    desk: Desk, full: FullLedger
) -> None:
    """And its record is written then."""
    full.fails = {"end_run": 1}
    *_, end = desk.run(desk.table(THREE), at_once=1)
    assert (end["reason"], end["rows"]) == ("done", {"done": 3})
    assert len(desk.records()) == len(desk.ran) == 3


def test_an_end_that_it_never_takes_goes_beside_the_output(
    desk: Desk, full: FullLedger
) -> None:
    """With all that is known of it. Nothing more is sent."""
    full.fails = {"end_run": 1000}
    *_, end = desk.run(desk.table(THREE), at_once=1)
    assert (end["reason"], len(desk.ran)) == ("failed", 1)
    assert "full" in end["message"]
    assert end["unsaved"] == str(desk.out) + ".unsaved"
    (line,) = Path(end["unsaved"]).read_text("utf-8").splitlines()
    saved = json.loads(line)
    assert (saved["line"], saved["input"]) == (2, {"name": "Ada"})
    assert saved["envelope"]["output"] == {"text": "Hello, Ada"}
    assert end["unsaved_lines"] == []


def test_what_no_file_can_take_is_told(desk: Desk, full: FullLedger) -> None:
    """The caller shows it."""
    full.fails = {"end_run": 1000}
    Path(f"{desk.out}.unsaved").mkdir()
    *_, end = desk.run(desk.table(THREE), at_once=1)
    assert end["unsaved"] is None
    (line,) = end["unsaved_lines"]
    assert json.loads(line)["envelope"]["output"] == {"text": "Hello, Ada"}


def test_nothing_is_sent_while_no_row_can_be_claimed(
    desk: Desk, full: FullLedger
) -> None:
    """It is tried again for a while; then the job stops."""
    table = desk.table(THREE)
    full.fails = {"claim_row": 2}
    assert desk.run(table, at_once=1)[-1]["reason"] == "done"
    full.fails = {"claim_row": 10_000}
    *_, end = desk.run(desk.table(f"{THREE}Edsger\n"), at_once=1)
    assert (end["reason"], len(desk.ran)) == ("failed", 3)


@pytest.mark.parametrize("method", ["row_lines", "end_job", "find_failures"])
def test_a_failure_beside_the_runs_loses_no_record(
    desk: Desk, full: FullLedger, method: str
) -> None:
    """Each record is in the ledger before; the missing ones are written at the end, or the next time."""
    table = desk.table(THREE)
    full.fails = {method: 1}
    desk.run(table)
    full.fails = {}
    desk.run(table)
    assert len(desk.records()) == len(desk.ran) == 3


@pytest.mark.parametrize("method", ["find_job", "percentile", "begin_job", "add_rows"])
def test_nothing_is_sent_where_the_plan_cannot_be_recorded(
    desk: Desk, full: FullLedger, method: str
) -> None:
    """The same command runs all rows later."""
    table = desk.table(THREE)
    full.fails = {method: 1}
    with pytest.raises(ConnectorError) as caught:
        desk.run(table)
    assert caught.value.code is ErrorCode.UNAVAILABLE
    assert desk.ran == []


def test_a_row_that_another_process_has_is_left_to_it(
    desk: Desk, full: FullLedger
) -> None:
    """Its own answer counts."""
    full.error = FencedError("taken over", 7)
    full.fails = {"end_run": 1}
    _, *rows, end = desk.run(desk.table(THREE), at_once=1)
    assert len(rows) == 2, (rows, end)
    assert end["unsaved"] is None
