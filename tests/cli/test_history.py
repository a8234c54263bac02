"""The commands `runs` and `usage`: the runs of before, their costs and ends."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from perplexity_connector.host.ledger.entries import LedgerError, UsageRow
from tests.cli.conftest import Command
from tests.cli.fakes import envelope, failed
from tests.cli.ledger import JOB, NOW, FakeLedger

ANSWER = {"content": "Far away."}
CHAT = {
    "model": "sonar",
    "max_tokens": 16,
    "messages": [{"role": "user", "content": "How far is it?"}],
}
DONE: dict[str, Any] = {
    "state": "done",
    "output": envelope(output=ANSWER),
    "checkpoint": None,
    "cost": 5_000_000,
    "cost_basis": "list_price",
    "ended_at": NOW + 5,
}


def test_runs_lists_the_newest_first_each_on_a_line(
    command: Command, ledger: FakeLedger
) -> None:
    """When, action, state, cost and first words; a table is one line, which says since when it is unfinished."""
    ledger.keep("run_1", **DONE)
    ledger.keep("run_2", input=CHAT, created_at=NOW + 2)
    ledger.known_jobs = [JOB]
    second, job, first = command("runs").out.splitlines()
    for word in ("run_1", "look", "done", "about 0.005 USD", "moon"):
        assert word in first
    for word in ("run_2", "begun", "How far is it?"):
        assert word in second
    for word in ("job_1", "2 done, 1 unsure", "unfinished since", "out.csv"):
        assert word in job


def test_a_row_of_a_table_is_not_listed(command: Command, ledger: FakeLedger) -> None:
    """Its job is, and `runs show` names the rows to look at."""
    ledger.entries["run_3"] = replace(
        _kept(ledger, "run_3", state="failed", error_code="timeout", number=7),
        job_id="job_1",
    )
    ledger.known_jobs = [
        replace(
            JOB,
            ended_at=NOW,
            cap=25_000_000_000,
            perhaps_twice=1,
            is_sandbox=True,
            counts={},
        )
    ]
    assert "run_3" not in command("runs").out
    shown = command("runs", "show", "/home/ada/out.csv").out
    for word in ("line 7", "run_3", "failed (timeout)", "25 USD", "1 start"):
        assert word in shown
    ledger.known_jobs = [replace(JOB, starts=2, output=None)]
    assert "2 starts" in command("runs", "show", "job_1").out


def _kept(ledger: FakeLedger, run_id: str, **parts: Any) -> Any:
    ledger.keep(run_id, **parts)
    return ledger.entries[run_id]


def test_runs_can_be_chosen_by_state_and_time(
    command: Command, ledger: FakeLedger
) -> None:
    """And counted; jobs with a row in that state are among them."""
    now = int(time.time() * 1000)
    ledger.keep("run_1", **DONE, created_at=now - 40 * 86_400_000)
    ledger.keep("run_2", created_at=now)
    ledger.keep("run_3", **DONE, created_at=now)
    ledger.known_jobs = [replace(JOB, created_at=now)]

    def ids(*options: str) -> list[str]:
        return [each["id"] for each in json.loads(command("runs", *options).out)]

    assert ids("--json", "--status", "begun") == ["run_2"]
    assert ids("--json", "--status", "done") == ["run_3", "job_1", "run_1"]
    assert ids("--json", "--since", "30d") == ["run_3", "run_2", "job_1"]
    assert ids("--json", "--limit", "1") == ["run_3"]


@pytest.mark.parametrize(
    "options",
    [
        ("runs", "--status", "finished"),
        ("runs", "--since", "a while"),
        ("usage", "--by", "colour"),
        ("usage", "--since", "30"),
        ("runs", "show", "run_9"),
        ("runs", "cancel", "last"),
    ],
)
def test_a_mistake_is_named_in_a_line(
    command: Command, options: tuple[str, ...]
) -> None:
    """Exit code 2."""
    outcome = command(*options)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)


def test_nothing_recorded_is_said(command: Command) -> None:
    """On stderr, so that stdout is an empty list."""
    for words in (("runs",), ("usage",)):
        outcome = command(*words)
        assert (outcome.code, outcome.out, outcome.err.count("\n")) == (0, "", 1)
        assert json.loads(command(*words, "--json").out) == []


@pytest.mark.parametrize("name", ["run_1", "last"])
def test_a_run_is_shown_with_its_question_and_its_answer(
    command: Command, ledger: FakeLedger, name: str
) -> None:
    """For people, or whole as JSON."""
    ledger.keep("run_1", **DONE, connection="Mine", perhaps_twice=True)
    shown = command("runs", "show", name).out
    for word in ("Mine", '"query": "moon"', "Far away."):
        assert word in shown
    document = json.loads(command("runs", "show", name, "--json").out)
    assert document["input"] == {"query": "moon"}
    assert document["envelope"]["output"] == ANSWER
    assert document["cost"] == 0.005


@pytest.mark.parametrize(
    ("parts", "word"),
    [
        ({"state": "begun"}, "runs resume run_1"),
        ({"state": "unsure", "input": None, "summary": "Two pages."}, "Two pages."),
        ({"state": "failed", "output": failed("timeout")}, "failed"),
        ({"is_sandbox": True}, "sandbox"),
    ],
)
def test_a_run_without_an_answer_says_how_it_is(
    command: Command, ledger: FakeLedger, parts: Any, word: str
) -> None:
    """Its content may be erased; the summary outlives it."""
    ledger.keep("run_1", **parts)
    assert word in command("runs", "show", "run_1").out


def test_a_job_as_json_says_since_when_it_is_unfinished(
    command: Command, ledger: FakeLedger
) -> None:
    """An ended one does not."""
    ledger.known_jobs = [JOB]
    shown = json.loads(command("runs", "show", "job_1", "--json").out)
    assert shown["unfinished_since"] == shown["created_at"]
    assert shown["rows"] == {"done": 2, "unsure": 1}
    ledger.known_jobs = [replace(JOB, ended_at=NOW)]
    (listed,) = json.loads(command("runs", "--json").out)
    assert listed["unfinished_since"] is None


@pytest.mark.parametrize(
    "name", ["job_1", "/home/ada/out.csv", "/home/../home/ada/out.csv", "last"]
)
def test_a_job_is_cancelled_and_forgotten_by_its_id_or_name(
    command: Command, ledger: FakeLedger, name: str
) -> None:
    """Its process is asked; without one, nothing is under way."""
    ledger.known_jobs = [JOB]
    ledger.held.add("job_1")
    said = [command("runs", "cancel", name).err]
    ledger.held.clear()
    said.append(command("runs", "cancel", name).err)
    assert said[0] != said[1]
    assert command("runs", "forget", name).code == 0
    assert ledger.asked == ["job_1"] * 3


def test_a_ledger_that_cannot_be_read_is_an_error_here(
    command: Command, ledger: FakeLedger
) -> None:
    """Here no answer counts more. It is named once."""
    ledger.problem = LedgerError("The ledger is damaged.")
    ledger.warnings = ["The ledger is damaged."]
    for words in (("runs",), ("usage",), ("runs", "show", "last")):
        outcome = command(*words)
        assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)


def test_usage_shows_runs_and_costs(command: Command, ledger: FakeLedger) -> None:
    """With the runs whose cost is unknown, and the money that is kept for runs in doubt."""
    ledger.rows = [
        UsageRow(
            name="sonar",
            runs=3,
            cost=7_000_000,
            unpriced=1,
            kept=30_000_000,
            listed=True,
        ),
        UsageRow(name="", runs=1, cost=0, unpriced=0, kept=0, listed=False),
    ]
    first, second = command("usage").out.splitlines()
    for word in ("sonar", "3 runs", "about 0.007 USD", "1 without", "0.03 USD"):
        assert word in first
    assert "1 run " in second
    by, since = ledger.asked[-1]
    assert by == "model"
    assert since is not None
    documents = json.loads(command("usage", "--by", "day", "--json").out)
    assert documents[0]["cost"] == 0.007
    assert ledger.asked[-1][0] == "day"
