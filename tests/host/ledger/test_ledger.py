"""The facade: each of its methods reaches the transaction of that name."""

from collections.abc import Iterator
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest

from perplexity_connector.host import Ledger
from perplexity_connector.host.ledger import lazy
from perplexity_connector.host.ledger.entries import (
    FencedError,
    LedgerError,
    NewLine,
    NewRow,
    OverBudgetError,
    RunEnd,
)
from perplexity_connector.host.ledger.records import erasing
from perplexity_connector.host.ledger.writing import owners
from tests.host.ledger.books import a_job
from tests.host.ledger.entering import WAIT_S, a_run, an_end, environ_of, outcome

DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Return a ledger."""
    made = Ledger(environ=environ_of(tmp_path))
    yield made
    made.close()


def plan(ledger: Ledger, rows: int = 2, cap: int = 100) -> None:
    """Plan a job of some rows, which cost 5 each and reserve 10, and start it."""
    ledger.begin_job(a_job(name="/out.csv", cap=cap)).result(WAIT_S)
    numbers = range(1, rows + 1)
    ledger.add_rows(
        "job_1",
        [
            NewRow(
                number=n, key=f"k{n}", digest="d", input={"n": n}, likely=5, worst=10
            )
            for n in numbers
        ],
        [NewLine(number=n, key=f"k{n}", record={"n": n}) for n in numbers],
    ).result(WAIT_S)
    ledger.start_job("job_1", last_line=rows).result(WAIT_S)


def test_a_job_is_planned_worked_off_and_ended(ledger: Ledger) -> None:
    """From its first row to its last line."""
    plan(ledger)
    keys = ledger.find_rows("job_1", ["k1", "k9"]).result(WAIT_S)
    assert set(keys) == {"k1"}
    first = ledger.claim_row("job_1").result(WAIT_S)
    assert first
    assert ledger.owns(first).result(WAIT_S)
    ledger.sent(first).result(WAIT_S)
    ledger.back(first).result(WAIT_S)
    ledger.sent(first).result(WAIT_S)
    ledger.reserve_again(first, 10).result(WAIT_S)
    ledger.checkpoint(first, {"id": "x"}).result(WAIT_S)
    assert ledger.end_run(first, an_end()).result(WAIT_S) == "done"
    second = ledger.claim_row("job_1").result(WAIT_S)
    assert second
    ledger.put_back(second).result(WAIT_S)
    second = ledger.claim_row("job_1", {"group": 12}).result(WAIT_S)
    assert second
    ledger.sent(second).result(WAIT_S)
    failed = RunEnd(state="failed", status="failed", error_code="timeout", ended_at=1)
    ledger.end_run(second, failed).result(WAIT_S)
    assert ledger.claim_row("job_1").result(WAIT_S) is None
    assert len(ledger.find_lines("job_1").result(WAIT_S)) == 2
    ledger.line_ends("job_1", [(1, 50)]).result(WAIT_S)
    unwritten = ledger.find_lines("job_1", is_unwritten=True).result(WAIT_S)
    assert [line.number for line in unwritten] == [2]
    (written,) = ledger.last_written("job_1").result(WAIT_S)
    (failure,) = ledger.find_failures("job_1").result(WAIT_S)
    assert (written.output_end, failure.key) == (50, "k2")
    ledger.end_job("job_1", "done").result(WAIT_S)
    job = ledger.find_job("/out.csv").result(WAIT_S)
    assert job
    assert (job.counts, job.starts) == ({"done": 1, "failed": 1}, 1)
    ledger.rename_job("job_1", None).result(WAIT_S)
    assert ledger.find_job("/out.csv").result(WAIT_S) is None


def test_a_budget_refuses_what_does_not_fit(ledger: Ledger) -> None:
    """The reservation that was refused has changed nothing."""
    plan(ledger, cap=10)
    ledger.set_cap("day:x", 100).result(WAIT_S)
    assert ledger.claim_row("job_1", budgets=["day:x"]).result(WAIT_S)
    refused = outcome(ledger.claim_row("job_1", budgets=["day:x"]))
    assert isinstance(refused, OverBudgetError)
    assert (refused.budget_id, refused.is_waiting_useful) == ("job:job_1", True)


def test_what_is_recorded_can_be_read(ledger: Ledger) -> None:
    """Runs, one run, usage and a percentile, for which there are too few runs."""
    run = a_run()
    ledger.end_run(ledger.begin_run(run).result(WAIT_S), an_end()).result(WAIT_S)
    listed = ledger.runs(status="done", limit=1).result(WAIT_S)
    assert [found.run_id for found in listed] == [run.run_id]
    found = ledger.run(run.run_id).result(WAIT_S)
    assert found
    assert (found.cost, found.input) == (5, run.input)
    last = ledger.last_run("toy", "greet", None).result(WAIT_S)
    assert last
    assert last.run_id == run.run_id
    assert ledger.last_run("toy", "greet", "Mine").result(WAIT_S) is None
    assert list(ledger.jobs().result(WAIT_S)) == []
    (used,) = ledger.usage("action").result(WAIT_S)
    assert used.cost == 5
    assert ledger.percentile("toy", "greet", "").result(WAIT_S) is None


def test_an_unknown_run_can_be_neither_cancelled_nor_resumed(ledger: Ledger) -> None:
    """Its error is the same for each call."""
    for future in (
        ledger.cancel("run_x"),
        ledger.forget("run_x"),
        ledger.resume_run("run_x"),
    ):
        assert isinstance(outcome(future), LookupError)


def test_a_run_of_this_process_is_not_forgotten(ledger: Ledger) -> None:
    """Its answer may cost money."""
    run = a_run()
    ledger.begin_run(run).result(WAIT_S)
    assert isinstance(outcome(ledger.forget(run.run_id)), FencedError)


@pytest.mark.parametrize("record_content", [True, False])
def test_content_is_erased_at_the_end_if_it_is_not_to_be_recorded(
    tmp_path: Path, record_content: bool
) -> None:
    """Of a run outside a job with its end, and of a job's with its end once the output has all records."""
    ledger = Ledger(environ=environ_of(tmp_path), record_content=record_content)
    run = a_run()
    ledger.end_run(ledger.begin_run(run).result(WAIT_S), an_end()).result(WAIT_S)
    plan(ledger, rows=1)
    claim = ledger.claim_row("job_1").result(WAIT_S)
    assert claim
    ledger.end_run(claim, an_end()).result(WAIT_S)
    assert not ledger.end_job("job_1", "done").result(WAIT_S)
    assert _input_of(ledger, claim.run_id)
    ledger.line_ends("job_1", [(1, 100)]).result(WAIT_S)
    assert ledger.end_job("job_1", "done").result(WAIT_S)
    inputs = [_input_of(ledger, run_id) for run_id in (run.run_id, claim.run_id)]
    assert [bool(found) for found in inputs] == [record_content] * 2
    ledger.erase("job_1").result(WAIT_S)
    assert _input_of(ledger, claim.run_id) is None
    ledger.close()


def _input_of(ledger: Ledger, run_id: str) -> object:
    run = ledger.run(run_id).result(WAIT_S)
    assert run
    return run.input


def test_the_environment_may_forbid_to_record_content(tmp_path: Path) -> None:
    """A program's own choice comes before it."""
    environ = environ_of(tmp_path, AUTOMATION_HOST_RECORD_CONTENT="0")
    assert not Ledger(environ=environ).record_content
    assert Ledger(environ=environ, record_content=True).record_content


def test_expired_content_is_erased_by_the_next_process_that_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the days that the program or the operator chose."""
    run = a_run()
    ledger = Ledger(environ=environ_of(tmp_path))
    ledger.end_run(ledger.begin_run(run).result(WAIT_S), an_end()).result(WAIT_S)
    ledger.close()
    real = owners.clock
    monkeypatch.setattr(owners, "clock", lambda tx: real(tx) + 8 * DAY_MS)
    month = Ledger(environ=environ_of(tmp_path))
    month.set_cap("b", None).result(WAIT_S)
    assert _input_of(month, run.run_id)
    month.close()
    week = Ledger(environ=environ_of(tmp_path), keep_days=7)
    week.set_cap("b", None).result(WAIT_S)
    assert _input_of(week, run.run_id) is None
    assert week.erase_expired().result(WAIT_S) == 0
    week.close()


def test_the_modules_of_the_transactions_have_names() -> None:
    """Another name is an ordinary mistake."""
    assert lazy.usage.__name__.endswith("records.usage")
    assert not hasattr(lazy, "nothing")


def test_a_wrong_number_of_days_is_a_problem_and_stops_nothing(tmp_path: Path) -> None:
    """Nothing is erased then."""
    environ = environ_of(tmp_path, AUTOMATION_HOST_KEEP_DAYS="a week")
    ledger = Ledger(environ=environ)
    assert isinstance(outcome(ledger.erase_expired()), LedgerError)
    ledger.begin_run(a_run()).result(WAIT_S)
    (problem,) = ledger.close()
    assert "AUTOMATION_HOST_KEEP_DAYS" in problem


def test_all_that_has_expired_is_erased_batch_by_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day's runs may be more than one batch."""
    monkeypatch.setattr(erasing, "BATCH", 2)
    environ = environ_of(tmp_path, AUTOMATION_HOST_KEEP_DAYS="0")
    ledger = Ledger(environ=environ)
    monkeypatch.setattr(ledger, "_tidy_at", inf)
    claims = [ledger.begin_run(a_run()).result(WAIT_S) for _ in range(5)]
    for claim in claims:
        ledger.end_run(claim, replace(an_end(), ended_at=1)).result(WAIT_S)
    monkeypatch.setattr(ledger, "_tidy_at", 0.0)
    for _ in range(3):
        ledger.set_cap("day:x", 1).result(WAIT_S)
    runs = ledger.runs().result(WAIT_S)
    ledger.close()
    assert [run.input for run in runs] == [None] * 5
