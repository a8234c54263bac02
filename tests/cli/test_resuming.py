"""Runs that a crash or a failure cut short, and going on with them from the ledger."""

import json
from typing import Any

import pytest

from perplexity_connector.contract import ErrorCode
from perplexity_connector.contract.errors import RETRYABLE
from perplexity_connector.host.ledger.entries import LedgerError
from tests.cli.conftest import Command
from tests.cli.fakes import FakeHost, envelope, failed
from tests.cli.ledger import JOB, FakeLedger

ANSWER = {"content": "Far away."}


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize(
    "words",
    [("run", "--resume"), ("run", "--forget"), ("runs", "resume"), ("runs", "forget")],
)
def test_two_processes_do_not_work_on_one_run(
    command: Command, ledger: FakeLedger, words: tuple[str, ...]
) -> None:
    """The second says so, as something that passes; then it may."""
    ledger.keep("run_1")
    ledger.held.add("run_1")
    outcome = command(*words, "run_1")
    assert (outcome.code, outcome.out) == (4, "")
    ledger.held.clear()
    assert command(*words, "run_1").code == 0


def test_a_kept_run_can_be_dropped(
    command: Command, host: FakeHost, ledger: FakeLedger
) -> None:
    """Nothing is asked for, and an unknown one is refused with the known ones."""
    ledger.keep("run_1", "run_2")
    assert "run_1" in command("run", "--forget", "run_9").err
    for run_id in ("run_1", "last"):
        assert command("run", "--forget", run_id).code == 0
    assert command("run", "--forget", "run_1").code == 2
    assert host.runs == []
    assert ledger.entries == {}


@pytest.mark.usefixtures("host")
def test_a_run_that_another_process_drops_meanwhile_is_a_mistake(
    command: Command, ledger: FakeLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left to drop."""
    ledger.keep("run_1")
    gone = ledger._failed(LookupError("run_1"))
    monkeypatch.setattr(ledger, "forget", lambda _: gone)
    assert command("run", "--forget", "run_1").code == 2


@pytest.mark.parametrize("more", [("look",), ("--example",), ("--resume", "run_1")])
@pytest.mark.usefixtures("host")
def test_dropping_takes_no_step(
    command: Command, ledger: FakeLedger, more: tuple[str, ...]
) -> None:
    """The run stays."""
    ledger.keep("run_1")
    assert command("run", *more, "--forget", "run_1").code == 2
    assert ledger.unfinished == ["run_1"]


@pytest.mark.parametrize(
    ("problem", "code"), [(LedgerError("It is damaged."), 1), (TimeoutError(), 4)]
)
@pytest.mark.parametrize("option", ["--forget", "--resume"])
def test_a_ledger_that_cannot_be_used_is_named_in_a_line(
    command: Command,
    host: FakeHost,
    ledger: FakeLedger,
    problem: Exception,
    code: int,
    option: str,
) -> None:
    """As on a disk that can only be read, or while another process holds it for long."""
    ledger.problem = problem
    outcome = command("run", option, "run_1")
    assert (outcome.code, outcome.out, host.runs) == (code, "", [])
    assert outcome.err.count("\n") == 1


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize("run_id", ["run_9", "", "last"])
def test_an_unknown_run_is_refused_naming_the_ones_there_are(
    command: Command, ledger: FakeLedger, run_id: str
) -> None:
    """A ledger without any run has no last one either."""
    if run_id != "last":
        ledger.keep("run_1", "run_2")
    outcome = command("run", "--resume", run_id)
    assert (outcome.code, "run_2, run_1" in outcome.err) == (2, run_id != "last")


def test_the_last_run_is_the_newest_unfinished_one_else_the_newest(
    command: Command, host: FakeHost, ledger: FakeLedger
) -> None:
    """The first is followed, the second is shown."""
    ledger.keep("run_1")
    ledger.keep("run_2", state="done", output=envelope(output=ANSWER), checkpoint=None)
    host.has_own_ids = True
    assert (
        json.loads(command("run", "--resume", "last", "--json").out)["run_id"]
        == "run_1"
    )
    assert command("runs", "resume", "last").out.startswith("Far away.")
    assert len(host.runs) == 1


@pytest.mark.parametrize("name", ["job_1", "/home/../home/ada/out.csv"])
def test_the_job_of_a_table_is_not_resumed_as_a_run(
    command: Command, host: FakeHost, ledger: FakeLedger, name: str
) -> None:
    """Its command is needed, which has the table and the template. That is said for its output file too."""
    ledger.known_jobs = [JOB]
    outcome = command("runs", "resume", name)
    assert (outcome.code, host.runs) == (2, [])
    assert outcome.err != command("runs", "resume", "unknown").err


def test_a_run_that_ends_after_its_answer_is_written_needs_no_words(
    command: Command, host: FakeHost, ledger: FakeLedger
) -> None:
    """It is in the ledger under its own id, with its step and its end."""
    host.state = {"response_id": "resp_1"}
    host.script = [envelope(output=ANSWER)]
    outcome = command("run", "look", "query=moon")
    assert (outcome.code, outcome.err) == (0, "")
    (run,) = ledger.entries.values()
    assert (run.connector, run.action, run.input, run.state) == (
        *("toy", "look", {"query": "moon"}),
        "done",
    )


@pytest.mark.parametrize("code", list(ErrorCode))
def test_a_run_whose_end_was_not_seen_says_how_to_go_on(
    command: Command, host: FakeHost, ledger: FakeLedger, code: str
) -> None:
    """Only `upstream_failed` without a status is an end; every refusal leaves the way back."""
    host.state = {"response_id": "resp_1"}
    warnings = [{"code": "stop_unconfirmed", "message": "It may go on."}]
    warnings = warnings if code in {"timeout", "cancelled"} else []
    for status, kept in ((None, code != "upstream_failed"), (404, True)):
        end = failed(code, retryable=code in RETRYABLE, http_status=status)
        host.script = [end | {"warnings": warnings}]
        outcome = command("run", "look", "query=moon")
        assert len(ledger.unfinished) == kept
        assert outcome.err.count("--resume run_") == kept
        assert outcome.err.count("--forget run_") == (
            kept and code not in RETRYABLE | {ErrorCode.CANCELLED}
        )
        ledger.entries.clear()


def test_a_failure_before_any_checkpoint_offers_no_way_back(
    command: Command, host: FakeHost
) -> None:
    """Nothing can be followed."""
    host.script = [failed("unavailable", retryable=True) | {"run_id": "run_7"}]
    assert "--resume" not in command("run", "look", "query=moon").err


def test_a_run_whose_checkpoint_was_cleared_is_not_offered(
    command: Command, host: FakeHost
) -> None:
    """Nothing goes on."""
    host.state = {"response_id": "resp_1"}

    def clear() -> None:
        host.runs[-1][2]["on_checkpoint"]({})

    host.script = [clear, failed("unavailable", retryable=True)]
    assert "--resume" not in command("run", "look", "query=moon").err


@pytest.mark.parametrize("run_id", ["run_1", "last"])
def test_resuming_goes_on_with_the_step_as_it_was_recorded(
    command: Command, host: FakeHost, ledger: FakeLedger, run_id: str
) -> None:
    """The same run, its input and its last checkpoint; no action has to be named."""
    ledger.keep("run_1")
    host.script = [envelope(run_id="run_1")]
    assert command("run", "--resume", run_id).code == 0
    _, where, how = host.runs[-1]
    assert where == ("toy", "look", {"query": "moon"})
    assert (how["run_id"], how["version"], how["resume_from"]) == (
        "run_1",
        1,
        {"response_id": "resp_1"},
    )
    assert ledger.unfinished == []


@pytest.mark.parametrize("state", ["done", "failed", "unsure"])
def test_a_run_that_has_ended_is_shown_again_and_nothing_is_asked(
    command: Command, host: FakeHost, ledger: FakeLedger, state: Any
) -> None:
    """Its answer is in the ledger; the exit code is the run's."""
    end = envelope(output=ANSWER) if state == "done" else failed("timeout")
    ledger.keep("run_1", state=state, output=end, checkpoint=None)
    outcome = command("run", "--resume", "run_1")
    assert outcome.code == (0 if state == "done" else 4)
    assert ("Far away." in outcome.out) == (state == "done")
    assert host.runs == []


@pytest.mark.parametrize("state", ["claimed", "sent", "done", "unsure"])
def test_a_run_without_checkpoint_and_answer_cannot_be_resumed(
    command: Command, host: FakeHost, ledger: FakeLedger, state: Any
) -> None:
    """Each time for its own reason; nothing is asked."""
    ledger.keep("run_1", state=state, checkpoint=None)
    outcome = command("run", "--resume", "run_1")
    assert (outcome.code, outcome.err.count("\n"), host.runs) == (2, 1, [])


def test_the_run_of_a_private_sandbox_cannot_be_resumed(
    command: Command, host: FakeHost, ledger: FakeLedger
) -> None:
    """The sandbox has ended with its process, and the run with it."""
    command("run", "look", "--sandbox")
    assert host.options[-1]["sandbox"]
    ledger.keep("run_1", is_sandbox=True)
    assert command("run", "--resume", "run_1").code == 2
    assert len(host.runs) == 1


@pytest.mark.parametrize("own", ["Mine", None])
@pytest.mark.parametrize(
    ("arguments", "used"),
    [((), "Mine"), (("--connection", "Other"), "Other"), (("--connection", ""), None)],
)
def test_a_resume_with_another_connection_leaves_the_runs_own_in_the_ledger(
    command: Command,
    host: FakeHost,
    ledger: FakeLedger,
    own: str | None,
    arguments: tuple[str, ...],
    used: str | None,
) -> None:
    """It may be the wrong one; an empty name is the environment's."""
    ledger.keep("run_1", connection=own)
    host.state = {"response_id": "resp_2"}
    host.script = [failed("not_found", http_status=404)]
    assert command("run", "--resume", "run_1", *arguments).code == 5
    assert host.runs[-1][2]["connection"] == (used if arguments else own)
    kept = ledger.entries["run_1"]
    assert (kept.connection, kept.checkpoint) == (own, host.state)


@pytest.mark.parametrize(
    "more",
    [("look",), ("look", "query=x"), ("--input", "{}"), ("--example",), ("--sandbox",)],
)
def test_resuming_takes_no_other_step(
    command: Command, host: FakeHost, ledger: FakeLedger, more: tuple[str, ...]
) -> None:
    """A step that was begun cannot be changed."""
    ledger.keep("run_1")
    assert command("run", *more, "--resume", "run_1").code == 2
    assert host.runs == []


@pytest.mark.usefixtures("host")
def test_no_action_and_nothing_to_resume_is_a_mistake(command: Command) -> None:
    """It ends like any other mistake in a command line."""
    assert command("run").code == 2
