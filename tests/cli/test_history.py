"""The commands `runs` and `usage`: the runs of before, their costs and ends."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from perplexity_connector.host.ledger.entries import LedgerError, UsageRow
from tests.cli.conftest import Command
from tests.cli.fakes import envelope, failed
from tests.cli.flow_ledger import FLOW, FLOW_ID, STEP
from tests.cli.ledger import JOB, NOW, FakeLedger
from tests.cli.screens import screen

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
    for word in ("job_1", "2 done, 1 unsure", "unfinished", "out.csv"):
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
    parts = {**DONE, "connection": "Mine", "perhaps_twice": True, "flow_id": FLOW_ID}
    ledger.keep("run_1", **parts)
    shown = command("runs", "show", name).out
    for word in ("Mine", '"query": "moon"', "Far away.", FLOW_ID):
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


def test_usage_says_which_name_a_row_lacks(
    command: Command, ledger: FakeLedger
) -> None:
    """A search has no model, and a run without a stored connection has the environment's."""
    ledger.rows = [
        UsageRow(name="", runs=1, cost=0, unpriced=0, kept=0, listed=False),
    ]
    shown = {command("usage", "--by", by).out for by in ("model", "connection", "day")}
    assert len(shown) == 3


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
    piped = command("usage").out
    with screen() as shown:
        command("usage")
    assert set(piped.replace("known cost  ", "known cost, ").split()) < set(
        shown.text.split()
    )
    assert shown.text.startswith("Model")
    first, second = piped.splitlines()
    for word in ("sonar", "3 runs", "about 0.007 USD", "1 without", "0.03 USD"):
        assert word in first
    assert "1 run " in second
    by, since = ledger.asked[-1]
    assert by == "model"
    assert since is not None
    documents = json.loads(command("usage", "--by", "day", "--json").out)
    assert documents[0]["cost"] == 0.007
    assert ledger.asked[-1][0] == "day"


# Flows

ENVELOPE: Any = envelope(output=ANSWER)
EACH: Any = envelope(output={"items": [ANSWER, None], "failed": []})
STEPS = (
    replace(STEP, step="search", kept_from="flow_9", run_id=None, cost=None),
    replace(STEP, step="each", record=EACH),
    replace(STEP, step="each", item=0, record=ENVELOPE),
    replace(STEP, step="each", item=1, state="failed", run_id="run_7"),
    replace(STEP, step="ask", state="failed", record=failed("timeout")),
)
DOCUMENT: Any = {
    "flow_version": 2,
    "steps": [{"id": "search"}, {"id": "each", "each": {"input": "/x"}}, {"id": "ask"}],
}
WHOLE_FLOW = replace(
    FLOW,
    document=DOCUMENT,
    steps=STEPS,
    status="failed",
    ended_at=NOW + 9,
    part={"from_step": "each"},
    cost=7_000_000,
)


def test_a_flow_is_one_line(command: Command, ledger: FakeLedger) -> None:
    """With its file, its state, its cost and its longest input; the runs of its steps are not listed."""
    ledger.known_flows = [WHOLE_FLOW]
    (line,) = command("runs").out.splitlines()
    for word in (FLOW_ID, "briefing", "failed", "0.007 USD", "ACME"):
        assert word in line
    ledger.known_flows = [replace(FLOW, title="Daily", inputs=None, is_sandbox=True)]
    (line,) = command("runs").out.splitlines()
    assert "Daily  interrupted, sandbox" in line
    (document,) = json.loads(command("runs", "--json").out)
    assert (document["kind"], document["state"]) == ("flow", "interrupted")


def test_entries_are_found_by_a_text(command: Command, ledger: FakeLedger) -> None:
    """The ledger searches; a state is not looked for at the same time."""
    ledger.known_flows = [WHOLE_FLOW]
    assert FLOW_ID in command("runs", "--search", "Globex").out
    assert ledger.asked == ["Globex"]
    assert command("runs", "--search", "x", "--status", "done").code == 2


def test_a_search_without_a_match_is_not_an_empty_ledger(command: Command) -> None:
    """Its text is not repeated."""
    empty, unmatched = command("runs"), command("runs", "--search", "zzz")
    assert (unmatched.code, unmatched.out, unmatched.err.count("\n")) == (0, "", 1)
    assert unmatched.err != empty.err
    assert "zzz" not in unmatched.err


def test_flows_can_be_chosen_by_state_and_time(
    command: Command, ledger: FakeLedger
) -> None:
    """One that was cut short is not failed."""
    now = int(time.time() * 1000)
    newer = replace(FLOW, flow_id=f"flow_{'2' * 32}", created_at=now)
    ledger.known_flows = [newer, WHOLE_FLOW]

    def states(*options: str) -> list[str]:
        words = command("runs", "--json", *options).out
        return [each["state"] for each in json.loads(words)]

    assert states("--status", "failed") == ["failed"]
    assert states("--status", "interrupted") == ["interrupted"]
    assert states("--status", "failed", "--since", "1d") == []
    assert states("--since", "1d") == ["interrupted"]


@pytest.mark.parametrize("name", [FLOW_ID, "last"])
def test_a_flow_is_shown_with_its_inputs_and_the_output_of_each_step(
    command: Command, ledger: FakeLedger, name: str
) -> None:
    """And each failed item, kept outputs, and how to go on."""
    ledger.known_flows = [WHOLE_FLOW]
    shown = command("runs", "show", name).out
    for word in (
        "/home/ada/briefing.json",
        "each",
        '"company": "ACME"',
        "kept from flow_9",
        "item 0\n\nFar away.",
        "each, item 1  failed  run_7",
        "(timeout)",
        f"run-flow --resume {FLOW_ID}",
    ):
        assert word in shown
    document = json.loads(command("runs", "show", name, "--json").out)
    assert document["flow"] == DOCUMENT
    assert document["inputs"] == {"company": "ACME"}
    assert [each["item"] for each in document["steps"]] == [None, None, 0, 1, None]
    assert document["steps"][1]["envelope"] == EACH


@pytest.mark.parametrize(
    "parts",
    [
        {"status": "succeeded"},
        {"is_running": True},
        {"row_id": 7},
        {"document": None, "inputs": None, "source": None, "content_erased": True},
    ],
)
def test_a_flow_that_need_not_or_cannot_go_on_says_nothing_of_it(
    command: Command, ledger: FakeLedger, parts: Any
) -> None:
    """The content may be erased."""
    ledger.known_flows = [replace(FLOW, **parts)]
    outcome = command("runs", "show", FLOW_ID)
    assert outcome.code == 0
    assert "--resume" not in outcome.out


def test_a_flow_is_cancelled_and_forgotten_by_its_id(
    command: Command, ledger: FakeLedger
) -> None:
    """As a run is."""
    ledger.known_flows = [FLOW]
    for word in ("cancel", "forget"):
        assert command("runs", word, FLOW_ID).code == 0
    assert ledger.asked == [FLOW_ID] * 2
    ledger.known_flows = []
    assert command("runs", "cancel", FLOW_ID).code == 2


def test_an_entry_that_is_gone_meanwhile_is_left_out(
    command: Command, ledger: FakeLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process has erased it."""
    ledger.keep("run_1")
    monkeypatch.setattr(ledger, "run", lambda _: ledger._did(None))
    assert command("runs").out == ""


def test_a_question_is_shown_by_its_words_and_not_by_an_id(
    command: Command, ledger: FakeLedger
) -> None:
    """The id of the answer that it goes on from may be longer."""
    asked = {"query": "How far?", "previous": "resp_0123456789abcdef"}
    ledger.keep("run_1", input=asked)
    shown = command("runs").out
    assert "How far?" in shown
    assert "resp_" not in shown
