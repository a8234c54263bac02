"""Unfinished runs on disk, and going on with them."""

import json
import os
import stat
import time
from pathlib import Path

import pytest

from perplexity_connector.cli import app
from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.journal import Journal, Unfinished
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
    monkeypatch.setattr(app, "journal_folder", lambda: folder)
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


def test_the_end_of_a_run_and_old_age_are_forgotten(
    journal: Journal, tmp_path: Path
) -> None:
    """A run that was seen to end needs no way back, and one of last week has none."""
    for run_id in ("run_1", "run_2", "run_3"):
        journal.keep(
            Unfinished(
                run_id=run_id,
                connector="toy",
                action="look",
                version=1,
                input={},
                state={},
            )
        )
    week = time.time() - 8 * 24 * 3600
    os.utime(tmp_path / "state" / "runs" / "run_2.json", (week, week))
    journal.forget("run_1")
    assert journal.unfinished() == ["run_3"]


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
    seen: list[object] = []

    async def run(*what: object, **how: object) -> dict[str, object]:
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


@pytest.mark.parametrize(
    ("code", "retryable", "kept"),
    [("unavailable", True, 1), ("upstream_failed", False, 0)],
)
def test_a_run_whose_end_was_not_seen_is_kept_and_says_how_to_go_on(
    command: Command,
    host: FakeHost,
    journal: Journal,
    code: str,
    retryable: bool,
    kept: int,
) -> None:
    """A failure that may pass leaves the way back; one that is final leaves nothing."""

    async def run(*_: object, **how: object) -> dict[str, object]:
        how["on_checkpoint"]({"response_id": "resp_1"})
        return failed(code, retryable=retryable) | {"run_id": how["run_id"]}

    host.run = run
    outcome = command("run", "look", "query=moon")
    assert len(journal.unfinished()) == kept
    assert outcome.err.count("--resume run_") == kept


@pytest.mark.usefixtures("journal")
def test_a_failure_before_any_checkpoint_offers_no_way_back(
    command: Command, host: FakeHost
) -> None:
    """There is none."""
    host.script = [failed("unavailable", retryable=True) | {"run_id": "run_7"}]
    assert "--resume" not in command("run", "look", "query=moon").err


def test_a_run_that_was_stopped_offers_no_way_back(
    command: Command, host: FakeHost, journal: Journal
) -> None:
    """An empty checkpoint says that there is nothing to come back to."""

    async def run(*_: object, **how: object) -> dict[str, object]:
        how["on_checkpoint"]({"response_id": "resp_1"})
        how["on_checkpoint"]({})
        return failed("timeout", retryable=True) | {"run_id": how["run_id"]}

    host.run = run
    assert "--resume" not in command("run", "look", "query=moon").err
    assert journal.unfinished() == []


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

    async def run(*_: object, **how: object) -> dict[str, object]:
        how["on_checkpoint"]({"response_id": "resp_1"})
        return failed("timeout", retryable=True)

    host.run = run
    command("run", "look", "query=moon")
    (file,) = files(tmp_path)
    assert "sentinel-key" not in file.read_text(encoding="utf-8")
    assert set(json.loads(file.read_text(encoding="utf-8"))) == {
        *RUN.__slots__,
        "journal_version",
    }
