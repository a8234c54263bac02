import builtins
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from perplexity_connector.host import Ledger
from perplexity_connector.host.ledger.entries import Claim, LedgerError, State
from perplexity_connector.host.ledger.writing import owners, writer
from perplexity_connector.host.ledger.writing.database import Database
from perplexity_connector.host.ledger.writing.service import Service
from tests.host.ledger.entering import (
    WAIT_S,
    a_run,
    an_end,
    busy,
    environ_of,
    outcome,
)

if TYPE_CHECKING:
    from concurrent.futures import Future


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Return the variables of a user."""
    return dict(environ_of(tmp_path))


@pytest.fixture
def ledger(environ: dict[str, str]) -> Iterator[Ledger]:
    """Return a ledger, which is closed in the end."""
    made = Ledger(environ=environ)
    yield made
    made.close()


def ledger_threads() -> int:
    """Return how many threads of ledgers run."""
    return [thread.name for thread in threading.enumerate()].count(
        "automation-host-ledger"
    )


def test_nothing_is_opened_before_the_first_call(
    ledger: Ledger, tmp_path: Path
) -> None:
    """Nor by closing a ledger that was not used."""
    assert ledger.close() == []
    assert (list(tmp_path.iterdir()), ledger_threads()) == ([], 0)


def test_the_ledgers_of_one_database_share_a_thread(environ: dict[str, str]) -> None:
    """Which ends with the last of them."""
    first, second = Ledger(environ=environ), Ledger(environ=environ)
    claim = first.begin_run(a_run()).result(WAIT_S)
    second.sent(claim).result(WAIT_S)
    assert ledger_threads() == 1
    assert first.close() == []
    assert second.owns(claim).result(WAIT_S)
    second.close()
    assert ledger_threads() == 0


def test_threads_that_call_at_once_open_it_once(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One close is then enough."""
    lock = ledger._lock

    @contextmanager
    def late() -> Iterator[None]:
        # Another thread has the lock, and opens the ledger.
        ledger._lock = lock
        ledger.set_cap("b", None).result(WAIT_S)
        with lock:
            yield

    monkeypatch.setattr(ledger, "_lock", late())
    ledger.set_cap("c", None).result(WAIT_S)
    ledger.close()
    assert ledger_threads() == 0


def test_a_closed_ledger_is_opened_again_by_the_next_call(ledger: Ledger) -> None:
    """As another owner: the first has given its rows up."""
    claim = ledger.begin_run(a_run()).result(WAIT_S)
    ledger.close()
    assert not ledger.owns(claim).result(WAIT_S)


def test_closing_waits_for_all_units_in_the_queue(
    ledger: Ledger, environ: dict[str, str]
) -> None:
    """Also for units of their callbacks: a run that does not wait for its commits has these."""
    run = a_run()
    ends: list[Future[State]] = []

    def end(begun: "Future[Claim]") -> None:
        sent = ledger.sent(begun.result())
        sent.add_done_callback(
            lambda _: ends.append(ledger.end_run(begun.result(), an_end()))
        )

    with busy(ledger):
        begun = ledger.begin_run(run)
        begun.add_done_callback(end)
    assert ledger.close() == []
    assert ends[0].result(0) == "done"
    other = Ledger(environ=environ)
    found = other.run(run.run_id).result(WAIT_S)
    assert found
    assert found.state == "done"
    other.close()


def test_a_call_during_the_close_of_another_thread_opens_it_again(
    ledger: Ledger,
) -> None:
    """No call is lost, and none waits for ever."""
    ledger.set_cap("b", None).result(WAIT_S)
    assert ledger._writer
    ledger._writer.stop(WAIT_S)
    ledger.set_cap("c", None).result(WAIT_S)
    assert ledger_threads() == 1


def test_a_ledger_that_is_used_while_it_is_closed_stays_open(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another thread."""
    ledger.set_cap("b", None).result(WAIT_S)
    real = writer.leave_writer

    def leave_writer(left: writer.Writer, seconds: float) -> None:
        real(left, seconds)
        ledger.set_cap("c", None).result(WAIT_S)

    with monkeypatch.context() as patch:
        patch.setattr(writer, "leave_writer", leave_writer)
        ledger.close()
    assert ledger_threads() == 1


@pytest.mark.parametrize("users", [1, 2])
def test_a_close_that_cannot_wait_longer_says_so(
    environ: dict[str, str], users: int
) -> None:
    """The last changes may be lost then."""
    ledgers = [Ledger(environ=environ) for _ in range(users)]
    for ledger in ledgers:
        ledger.set_cap("b", None).result(WAIT_S)
    with busy(ledgers[0]):
        (problem,) = ledgers[0].close(0)
    assert "not written" in problem
    for ledger in ledgers:
        ledger.close()


def test_a_future_cannot_be_cancelled(ledger: Ledger) -> None:
    """A caller that gives up waiting has not undone its entry."""
    with busy(ledger):
        future = ledger.set_cap("b", None)
        assert not future.cancel()
    assert future.result(WAIT_S) is None


def test_a_ledger_that_cannot_be_opened_fails_its_futures(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is opened by a later call if that is possible then. It says each problem once."""
    monkeypatch.setattr(writer, "_LOOK_S", 0)
    (tmp_path / "ledger.sqlite").write_text("this is no database" * 99)
    ledger = Ledger(environ=environ)
    for future in (ledger.begin_run(a_run()), ledger.begin_run(a_run())):
        assert isinstance(outcome(future), LedgerError)
    (tmp_path / "ledger.sqlite").unlink()
    ledger.begin_run(a_run()).result(WAIT_S)
    (problem,) = ledger.close()
    assert "not a database" in problem


def test_without_sqlalchemy_all_futures_fail(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host without `[host]` goes on without a record."""
    real = builtins.__import__

    def fail(name: str, *args: object, **options: object) -> object:
        if name.endswith("ledger.writing.service"):
            raise ImportError(name="sqlalchemy")
        return real(name, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", fail)
    ledger = Ledger(environ=environ)
    error = outcome(ledger.begin_run(a_run()))
    monkeypatch.undo()
    (problem,) = ledger.close()
    assert isinstance(error, LedgerError)
    assert "sqlalchemy" in str(error) == problem


@pytest.mark.usefixtures("watchful_thread")
def test_a_thread_that_fails_fails_its_futures(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller that waits for ever would be worse than a missing record."""
    monkeypatch.setattr(writer, "_LOOK_S", 3600)
    ledger.set_cap("b", None).result(WAIT_S)

    def fail(*_: object) -> None:
        raise MemoryError

    with busy(ledger):
        monkeypatch.setattr(Service, "commit", fail)
        futures = [ledger.set_cap(f"b{n}", None) for n in range(2)]
    futures.append(ledger.set_cap("later", None))
    assert all(isinstance(outcome(future), LedgerError) for future in futures)
    (problem,) = ledger.close()
    assert "MemoryError" in problem


@pytest.mark.usefixtures("watchful_thread")
def test_a_run_that_another_process_cancels_is_reported_once(
    ledger: Ledger, tmp_path: Path
) -> None:
    """To all that listen, until they stop."""
    other = Ledger(f"sqlite:///{tmp_path}/ledger.sqlite", environ={})
    heard: list[str] = []
    is_heard = threading.Event()

    def hear(run_id: str) -> None:
        heard.append(run_id)
        is_heard.set()

    def fail(_: str) -> None:
        raise ValueError

    stops = [ledger.on_cancel(listener) for listener in (hear, fail)]
    runs = [a_run() for _ in range(3)]
    for run in runs:
        ledger.begin_run(run).result(WAIT_S)
    ids = [run.run_id for run in runs]
    assert other.cancel(ids[0]).result(WAIT_S)
    assert is_heard.wait(WAIT_S)
    stops[1]()
    is_heard.clear()
    assert other.cancel(ids[1]).result(WAIT_S)
    assert is_heard.wait(WAIT_S)
    stops[0]()
    assert other.cancel(ids[2]).result(WAIT_S)
    assert heard == ids[:2]
    other.close()
    (problem,) = ledger.close()
    assert ids[0] in problem


@pytest.mark.usefixtures("watchful_thread")
def test_a_process_without_a_lock_file_renews_its_lease(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And ends it when it closes."""
    renewed, left = threading.Event(), threading.Event()
    monkeypatch.setattr(owners, "_lock_new", lambda _: None)
    monkeypatch.setattr("perplexity_connector.host.ledger.writing.service.RENEWAL_S", 0)
    for name, event in (("renew", renewed), ("leave", left)):
        monkeypatch.setattr(owners.Owner, name, lambda *_, event=event: event.set())
    ledger.set_cap("b", None).result(WAIT_S)
    assert renewed.wait(WAIT_S)
    ledger.close()
    assert left.is_set()


def test_a_ledger_that_closes_leaves_no_owner(
    ledger: Ledger, environ: dict[str, str]
) -> None:
    """Neither its own nor one that died."""
    ledger.set_cap("b", None).result(WAIT_S)
    dead = Database(ledger._address, environ)
    dead._connection.close()
    dead.owner.unlock()
    ledger.close()
    ledger.set_cap("c", None).result(WAIT_S)
    ledger.close()
    with closing(sqlite3.connect(ledger.place)) as database:
        assert database.execute("SELECT id FROM owners").fetchall() == []


@pytest.mark.usefixtures("watchful_thread")
def test_a_look_that_fails_is_a_problem_and_nothing_more(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one may succeed."""
    is_asked = threading.Event()

    def fail(*_: object) -> list[str]:
        is_asked.set()
        message = "no such look"
        raise ValueError(message)

    monkeypatch.setattr(
        "perplexity_connector.host.ledger.writing.service.cancelled_runs", fail
    )
    ledger.set_cap("b", None).result(WAIT_S)
    assert is_asked.wait(WAIT_S)
    ledger.set_cap("c", None).result(WAIT_S)
    (problem,) = ledger.close()
    assert "no such look" in problem


def test_erased_text_is_out_of_the_files_when_a_ledger_is_closed(
    ledger: Ledger, tmp_path: Path
) -> None:
    """Another process that reads would keep it there for a moment."""
    run = a_run(text="a very private question")
    ledger.end_run(ledger.begin_run(run).result(WAIT_S), an_end()).result(WAIT_S)
    files = [tmp_path / "ledger.sqlite", tmp_path / "ledger.sqlite-wal"]
    assert any(b"private question" in file.read_bytes() for file in files)
    ledger.forget(run.run_id).result(WAIT_S)
    ledger.close()
    assert b"private question" not in files[0].read_bytes()
    assert not files[1].exists()


@pytest.mark.usefixtures("watchful_thread")
def test_erased_text_leaves_the_files_of_an_open_ledger(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the first chance, which may not be the first try."""
    outcomes = [True, False]
    is_done = threading.Event()

    def truncate(_: Database) -> bool:
        if len(outcomes) == 1:
            is_done.set()
        return outcomes.pop()

    monkeypatch.setattr(Database, "truncate", truncate)
    ledger.erase_expired().result(WAIT_S)
    assert is_done.wait(WAIT_S)
    ledger.close()
    assert outcomes == []


def test_at_the_end_of_a_program_nothing_more_is_recorded(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that is closed by then is closed in good order."""

    def start(_: threading.Thread) -> None:
        raise RuntimeError

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(LedgerError):
        ledger.begin_run(a_run())
    assert ledger.close() == []


def test_in_a_forked_child_every_call_is_refused(
    ledger: Ledger, environ: dict[str, str]
) -> None:
    """The thread runs in the parent only. A new ledger works in the child."""
    ledger.set_cap("b", None).result(WAIT_S)
    parents = ledger._writer
    assert parents
    parents._process = 0
    writer._forget_parents()
    for call in (
        lambda: ledger.set_cap("c", None),
        lambda: ledger.run("run_x"),
        ledger.erase_expired,
        ledger.close,
    ):
        with pytest.raises(LedgerError, match="fork"):
            call()
    new = Ledger(environ=environ)
    new.set_cap("c", None).result(WAIT_S)
    new.close()
    parents.stop(WAIT_S)
    parents._process = os.getpid()
    parents.users = 1
    writer._parents.clear()
