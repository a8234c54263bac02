"""Unfinished runs on disk, and going on with them."""

import errno
import json
import os
import stat
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perplexity_connector.cli import hosts
from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.journal import Journal, Unfinished
from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.contract.errors import RETRYABLE
from perplexity_connector.host import StepRun
from tests.cli.conftest import Command
from tests.cli.fakes import FakeHost, envelope, failed

RUN = Unfinished(
    run_id="run_1",
    connector="toy",
    action="look",
    version=1,
    input={"query": "moon"},
    state={"response_id": "resp_1"},
)


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    """The command line's journal, in a folder of the test's."""
    folder = tmp_path / "state" / "runs"
    monkeypatch.setattr(hosts, "journal_folder", lambda: folder)
    monkeypatch.setattr("perplexity_connector.cli.journal._LOCK_WAIT_S", 0.01)
    return Journal(folder)


def files(folder: Path) -> list[Path]:
    """Every file of the journal."""
    return list((folder / "state" / "runs").iterdir())


def test_what_was_kept_can_be_read_again(journal: Journal) -> None:
    """The whole step, and the last checkpoint."""
    journal.keep(RUN)
    assert journal.read("run_1") == RUN
    assert journal.unfinished() == ["run_1"]


def test_only_the_owner_can_read_it_and_nothing_half_written_stays(
    journal: Journal, tmp_path: Path
) -> None:
    """It holds what somebody asked."""
    journal.keep(RUN)
    journal.keep(RUN)
    (file,) = files(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def keep(journal: Journal, *run_ids: str) -> None:
    """Runs that are alike but for their ids."""
    for run_id in run_ids:
        journal.keep(replace(RUN, run_id=run_id))


def age(journal: Journal, name: str, days: float) -> None:
    """Make a file look as if it had been written so many days ago."""
    then = time.time() - days * 24 * 3600
    os.utime(journal.folder / name, (then, then))


def test_a_run_is_dropped_after_seven_days_and_one_more(journal: Journal) -> None:
    """It is too old when another run ends, and still is a day later."""
    keep(journal, "run_1", "run_2", "run_3", "run_4")
    age(journal, "run_2.json", 8)
    journal.forget("run_1")
    assert set(journal.unfinished()) == {"run_2", "run_3", "run_4"}
    age(journal, "run_2.old", 1.1)
    journal.forget("run_3")
    assert journal.unfinished() == ["run_4"]
    assert [file.name for file in journal.folder.iterdir()] == ["run_4.json"]


def test_a_clock_that_jumped_drops_no_run(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither forwards nor back, and the jump leaves nothing behind."""
    keep(journal, "run_1", "run_2", "run_3", "run_4")
    now = time.time()
    for days, run_id in ((30, "run_1"), (-30, "run_2"), (0, "run_3")):
        monkeypatch.setattr(time, "time", lambda days=days: now + days * 86400)
        journal.forget(run_id)
    assert [file.name for file in journal.folder.iterdir()] == ["run_4.json"]


def test_an_old_run_that_a_process_works_on_is_not_dropped(journal: Journal) -> None:
    """Its answer may arrive at any moment."""
    keep(journal, "run_1", "run_2")
    other = Journal(journal.folder)
    other.take("run_2")
    age(journal, "run_2.json", 8)
    journal.forget("run_1")
    age(journal, "run_2.old", 1.1)
    journal.forget("run_1")
    assert journal.unfinished() == ["run_2"]
    other.release("run_2")
    journal.forget("run_1")
    assert journal.unfinished() == []


def test_a_file_that_a_crash_tore_is_removed_unless_its_process_lives(
    journal: Journal,
) -> None:
    """The run's last whole checkpoint stays."""
    keep(journal, "run_1", "run_2", "run_3")
    for run_id in ("run_2", "run_3"):
        (journal.folder / f".{run_id}.json.new").write_text("{", encoding="utf-8")
    other = Journal(journal.folder)
    other.take("run_3")
    journal.forget("run_1")
    names = {file.name for file in journal.folder.iterdir()}
    assert names >= {"run_2.json", ".run_3.json.new", "run_3.json"}
    assert ".run_2.json.new" not in names
    other.release("run_3")


def test_a_file_that_another_process_removes_meanwhile_disturbs_nothing(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was listed, and then it was gone."""
    keep(journal, "run_1", "run_2")
    gone = [*journal.folder.glob("run_*.json"), journal.folder / "run_9.json"]
    monkeypatch.setattr(Path, "glob", lambda *_: iter(gone))
    journal.forget("run_1")
    assert set(journal.unfinished()) == {"run_1", "run_2", "run_9"}


def test_two_processes_do_not_work_on_one_run(
    command: Command, host: FakeHost, journal: Journal
) -> None:
    """The second says so, as something that passes, and asks nobody; then it may."""
    keep(journal, "run_1")
    other = Journal(journal.folder)
    other.take("run_1")
    for option in ("--resume", "--forget"):
        outcome = command("run", option, "run_1")
        assert (outcome.code, outcome.out) == (4, "")
    assert host.runs == []
    other.release("run_1")
    host.script = [envelope(run_id="run_1")]
    assert command("run", "--resume", "run_1").code == 0


def test_a_run_that_is_under_way_is_not_resumed_by_another_process(
    journal: Journal,
) -> None:
    """From its first checkpoint on."""
    names = {"run_id": "run_1", "connector": "toy", "action": "look"}
    step = StepRun(**names, version=1, input={}, connection=None)
    journal.note(step, {"at": 1})
    journal.note(step, {"at": 2})
    with pytest.raises(ConnectorError) as refused:
        Journal(journal.folder).take("run_1")
    assert refused.value.code is ErrorCode.UNAVAILABLE
    journal.release("run_1")
    assert Journal(journal.folder).take("run_1").state == {"at": 2}


def test_a_run_that_ends_while_another_process_waits_for_it_is_unknown_then(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the lock that the waiting one took is not left behind."""
    keep(journal, "run_1")
    claim = Journal._claim

    def claim_late(self: Journal, run_id: str, seconds: float = 0) -> None:
        claim(self, run_id, seconds)
        (journal.folder / "run_1.json").unlink()

    monkeypatch.setattr(Journal, "_claim", claim_late)
    with pytest.raises(UsageError):
        journal.take("run_1")
    assert list(journal.folder.iterdir()) == []


@pytest.mark.parametrize("error", [OSError, NotImplementedError])
def test_a_file_system_without_locks_keeps_runs_all_the_same(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """A lock is a help, and not a condition."""

    def acquire(_: object) -> None:
        raise error

    monkeypatch.setattr("filelock.FileLock.acquire", acquire)
    keep(journal, "run_1")
    assert journal.take("run_1").run_id == "run_1"


def test_a_kept_run_can_be_dropped(
    command: Command, host: FakeHost, journal: Journal
) -> None:
    """A damaged one too; nothing is asked for, and an unknown one is refused with the known ones."""
    keep(journal, "run_1", "run_2")
    (journal.folder / "run_2.json").write_text("{", encoding="utf-8")
    assert "run_1" in command("run", "--forget", "run_9").err
    for run_id in ("run_1", "run_2"):
        assert command("run", "--forget", run_id).code == 0
    assert command("run", "--forget", "run_1").code == 2
    assert host.runs == []
    assert list(journal.folder.iterdir()) == []


@pytest.mark.parametrize("more", [("look",), ("--example",), ("--resume", "run_1")])
@pytest.mark.usefixtures("host")
def test_dropping_takes_no_step(
    command: Command, journal: Journal, more: tuple[str, ...]
) -> None:
    """The run stays."""
    keep(journal, "run_1")
    assert command("run", *more, "--forget", "run_1").code == 2
    assert journal.unfinished() == ["run_1"]


@pytest.mark.usefixtures("host")
def test_a_run_that_cannot_be_dropped_is_said_in_a_line(
    command: Command, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that can only be read."""
    keep(journal, "run_1")
    monkeypatch.setattr(Path, "unlink", refuse)
    outcome = command("run", "--forget", "run_1")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.count("\n") == 1


def refuse(*_: object, **__: Any) -> None:
    """What a read-only file system says."""
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


@pytest.mark.parametrize("run_id", ["run_9", "../run_1", "run_1/../run_1", ""])
def test_an_unknown_run_is_refused_naming_the_ones_there_are(
    journal: Journal, run_id: str
) -> None:
    """An id is no path."""
    journal.keep(RUN)
    with pytest.raises(UsageError, match="run_1"):
        journal.read(run_id)


@pytest.mark.parametrize("text", ["{", "{}", '{"connector": "toy"}', "[]"])
def test_a_damaged_journal_is_said_to_be_damaged(
    journal: Journal, tmp_path: Path, text: str
) -> None:
    """It is not taken for an empty step."""
    journal.keep(RUN)
    files(tmp_path)[0].write_text(text, encoding="utf-8")
    with pytest.raises(UsageError):
        journal.read("run_1")


def test_a_checkpoint_is_kept_and_a_run_that_ends_is_forgotten(
    command: Command, host: FakeHost, journal: Journal
) -> None:
    """Under the run's own id."""
    seen: list[Any] = []

    async def run(*what: object, **how: Any) -> dict[str, Any]:
        how["on_checkpoint"]({"response_id": "resp_1"})
        seen.extend(journal.unfinished())
        kept = journal.read(str(how["run_id"]))
        assert (kept.connector, kept.action, kept.input, kept.state) == (
            *what,
            {"response_id": "resp_1"},
        )
        return envelope(run_id=how["run_id"])

    host.run = run
    assert command("run", "look", "query=moon").code == 0
    assert len(seen) == 1
    assert journal.unfinished() == []


@pytest.mark.parametrize("code", list(ErrorCode))
def test_a_run_whose_end_was_not_seen_is_kept_and_says_how_to_go_on(
    command: Command, host: FakeHost, journal: Journal, code: str
) -> None:
    """Only `upstream_failed` without a status is an end; every refusal leaves the way back."""
    host.state = {"response_id": "resp_1"}
    warnings = [{"code": "stop_unconfirmed", "message": "It may go on."}]
    warnings = warnings if code in {"timeout", "cancelled"} else []
    for status, kept in ((None, code != "upstream_failed"), (404, True)):
        end = failed(code, retryable=code in RETRYABLE, http_status=status)
        host.script = [end | {"warnings": warnings}]
        outcome = command("run", "look", "query=moon")
        assert len(journal.unfinished()) == kept
        assert outcome.err.count("--resume run_") == kept
        assert outcome.err.count("--forget run_") == (
            kept and code not in RETRYABLE | {ErrorCode.CANCELLED}
        )
        for run_id in journal.unfinished():
            journal.drop(run_id)


@pytest.mark.usefixtures("journal")
def test_a_failure_before_any_checkpoint_offers_no_way_back(
    command: Command, host: FakeHost
) -> None:
    """There is none."""
    host.script = [failed("unavailable", retryable=True) | {"run_id": "run_7"}]
    assert "--resume" not in command("run", "look", "query=moon").err


def test_a_run_whose_checkpoint_was_cleared_is_kept_without_an_offer(
    command: Command, host: FakeHost, journal: Journal
) -> None:
    """Nothing goes on, but its received part can be fetched for some days."""
    host.state = {"response_id": "resp_1"}

    def clear() -> None:
        host.runs[-1][2]["on_checkpoint"]({})

    host.script = [clear, failed("unavailable", retryable=True)]
    assert "--resume" not in command("run", "look", "query=moon").err
    assert len(journal.unfinished()) == 1


def test_resuming_goes_on_with_the_step_as_it_was_saved(
    command: Command, host: FakeHost, journal: Journal
) -> None:
    """The same run, its input and its last checkpoint; no action has to be named."""
    journal.keep(RUN)
    host.script = [envelope(run_id="run_1")]
    assert command("run", "--resume", "run_1").code == 0
    _, where, how = host.runs[-1]
    assert where == ("toy", "look", {"query": "moon"})
    assert (how["run_id"], how["version"], how["resume_from"]) == (
        "run_1",
        1,
        {"response_id": "resp_1"},
    )
    assert journal.unfinished() == []


@pytest.mark.parametrize("own", ["Mine", None])
@pytest.mark.parametrize(
    ("arguments", "used"),
    [((), "Mine"), (("--connection", "Other"), "Other"), (("--connection", ""), None)],
)
def test_a_resume_with_another_connection_leaves_the_runs_own_in_the_journal(
    command: Command,
    host: FakeHost,
    journal: Journal,
    own: str | None,
    arguments: tuple[str, ...],
    used: str | None,
) -> None:
    """It may be the wrong one; an empty name is the environment's."""
    journal.keep(replace(RUN, connection=own))
    host.state = {"response_id": "resp_2"}
    host.script = [failed("not_found", http_status=404)]
    assert command("run", "--resume", "run_1", *arguments).code == 5
    assert host.runs[-1][2]["connection"] == (used if arguments else own)
    kept = journal.read("run_1")
    assert (kept.connection, kept.state) == (own, host.state)


@pytest.mark.parametrize(
    "more",
    [("look",), ("look", "query=x"), ("--input", "{}"), ("--example",), ("--sandbox",)],
)
def test_resuming_takes_no_other_step(
    command: Command, host: FakeHost, journal: Journal, more: tuple[str, ...]
) -> None:
    """What was begun cannot be changed."""
    journal.keep(RUN)
    assert command("run", *more, "--resume", "run_1").code == 2
    assert host.runs == []


@pytest.mark.usefixtures("host", "journal")
def test_no_action_and_nothing_to_resume_is_a_mistake(command: Command) -> None:
    """It ends like any other mistake in a command line."""
    assert command("run").code == 2


@pytest.mark.usefixtures("journal")
def test_a_run_on_a_private_sandbox_is_not_kept(
    command: Command, host: FakeHost
) -> None:
    """The sandbox ends with the process, and the run with it."""
    command("run", "look", "--sandbox")
    assert host.runs[-1][2]["on_checkpoint"] is None


@pytest.mark.usefixtures("journal")
def test_no_key_is_kept(
    command: Command, host: FakeHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the key nor the connection is part of a step."""
    monkeypatch.setenv("TOY_KEY", "sentinel-key")

    async def run(*_: object, **how: Any) -> dict[str, Any]:
        how["on_checkpoint"]({"response_id": "resp_1"})
        return failed("timeout", retryable=True)

    host.run = run
    command("run", "look", "query=moon")
    (file,) = (tmp_path / "state" / "runs").glob("*.json")
    assert "sentinel-key" not in file.read_text(encoding="utf-8")
    assert set(json.loads(file.read_text(encoding="utf-8"))) == {
        *RUN.__slots__,
        "journal_version",
    }
