import json
import os
from pathlib import Path

import pytest

from perplexity_connector.host import Ledger
from perplexity_connector.host.ledger import journal_files
from perplexity_connector.host.ledger.writing import owners
from tests.host.ledger.entering import WAIT_S, environ_of

RUN_ID = "run_00000000000000000000000000000001"
DOCUMENT = {
    "run_id": RUN_ID,
    "connector": "toy",
    "action": "greet",
    "version": 2,
    "input": {"text": "a question"},
    "state": {"id": "resp_1"},
    "connection": "work",
    "journal_version": 1,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of an old journal."""
    made = tmp_path / "runs"
    made.mkdir()
    return made


def keep(folder: Path, run_id: str = RUN_ID, **changes: object) -> Path:
    """Write the file of an unfinished run, as earlier releases did."""
    path = folder / f"{run_id}.json"
    path.write_text(json.dumps({**DOCUMENT, "run_id": run_id, **changes}))
    os.utime(path, (1000, 1000))
    return path


def opened(folder: Path, journal: Path | None = None) -> Ledger:
    """Return a ledger that has just been used."""
    ledger = Ledger(environ=environ_of(folder.parent), journal=journal or folder)
    ledger.set_cap("b", None).result(WAIT_S)
    return ledger


def test_an_unfinished_run_is_taken_in_once(folder: Path) -> None:
    """It can be resumed as before; its file and the folder are removed after the commit."""
    path = keep(folder)
    for beside in (".old", ".lock"):
        path.with_suffix(beside).touch()
    (folder / f".{RUN_ID}.json.new").touch()
    ledger = opened(folder)
    run = ledger.run(RUN_ID).result(WAIT_S)
    assert run
    assert (run.state, run.connector, run.action) == ("begun", "toy", "greet")
    assert (run.version, run.connection, run.input) == (2, "work", DOCUMENT["input"])
    assert (run.checkpoint, run.created_at) == (DOCUMENT["state"], 1_000_000)
    assert not folder.exists()
    assert ledger.resume_run(RUN_ID).result(WAIT_S).checkpoint == DOCUMENT["state"]
    assert ledger.close() == []


def test_a_run_that_the_ledger_has_is_not_entered_again(folder: Path) -> None:
    """A process that died between the commit and the removal left its file."""
    keep(folder)
    opened(folder).close()
    folder.mkdir()
    keep(folder, state={"id": "older"})
    ledger = opened(folder)
    run = ledger.run(RUN_ID).result(WAIT_S)
    assert run
    assert run.checkpoint == DOCUMENT["state"]
    assert not folder.exists()
    ledger.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "two"},
        {"state": {}},
        {"connector": None},
        {"action": ""},
    ],
)
def test_a_damaged_file_stays_and_is_named(
    folder: Path, changes: dict[str, object]
) -> None:
    """The others are taken in."""
    damaged = keep(folder, "run_2", **changes)
    torn = keep(folder, "run_3")
    torn.write_text('{"connector": "to')
    keep(folder)
    ledger = opened(folder)
    assert ledger.run(RUN_ID).result(WAIT_S)
    problems = ledger.close()
    assert len(problems) == 2
    assert str(damaged) in problems[0]
    assert str(torn) in problems[1]
    assert set(folder.iterdir()) == {damaged, torn}


def test_a_run_of_a_process_of_an_earlier_release_is_left_to_it(folder: Path) -> None:
    """Its lock is held."""
    path = keep(folder)
    lock = owners._lock_new(path.with_suffix(".lock"))
    assert lock is not None
    ledger = opened(folder)
    assert ledger.run(RUN_ID).result(WAIT_S) is None
    assert path.exists()
    ledger.close()
    owners._held.discard(lock)
    os.close(lock)


def test_a_file_that_another_process_takes_in_meanwhile_is_no_problem(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is in the ledger then, or will be soon."""
    path = keep(folder)

    def is_locked(_: Path) -> bool:
        path.unlink()
        return False

    monkeypatch.setattr(journal_files, "is_locked", is_locked)
    ledger = opened(folder)
    assert ledger.run(RUN_ID).result(WAIT_S) is None
    assert ledger.close() == []


def test_files_that_cannot_be_removed_are_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is in the ledger all the same."""
    keep(folder)

    def unlink(*_: object, **__: object) -> None:
        raise PermissionError(13, "not yours")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", unlink)
        ledger = opened(folder)
        assert ledger.run(RUN_ID).result(WAIT_S)
    (problem,) = ledger.close()
    assert str(folder) in problem


def test_without_an_old_journal_nothing_happens(folder: Path) -> None:
    """Nor where the ledger cannot be opened: the files stay."""
    assert opened(folder, folder / "missing").close() == []
    path = keep(folder)
    ledger = Ledger("sqlite:////dev/null/no/ledger.sqlite", environ={}, journal=folder)
    ledger.set_cap("b", None).exception(WAIT_S)
    ledger.close()
    assert path.exists()
