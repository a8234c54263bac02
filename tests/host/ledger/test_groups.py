import sqlite3
from collections.abc import Iterator
from concurrent.futures import Future, wait
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from perplexity_connector.host import Ledger
from perplexity_connector.host.ledger.entries import FencedError, LedgerError
from perplexity_connector.host.ledger.writing import groups
from perplexity_connector.host.ledger.writing.database import Database
from perplexity_connector.host.ledger.writing.owners import Owner, Transaction
from tests.host.ledger.entering import WAIT_S, a_run, busy, environ_of, outcome

pytestmark = pytest.mark.usefixtures("quiet_thread")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Return an open ledger."""
    opened = Ledger(environ=environ_of(tmp_path))
    opened.set_cap("b", None).result(WAIT_S)
    yield opened
    opened.close()


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list that gets the number of units of each try to commit."""
    counts: list[int] = []
    real = groups._commit_once

    def commit_once(database: Database, units: list[object]) -> object:
        counts.append(len(units))
        return real(database, units)  # type: ignore[arg-type]

    monkeypatch.setattr(groups, "_commit_once", commit_once)
    return counts


def bad_words(tx: Transaction) -> None:
    """Fail as a database does."""
    tx.connection.execute(text("SELECT * FROM missing"))


def caps(ledger: Ledger) -> set[str]:
    """Return the budgets of a ledger."""

    def work(tx: Transaction) -> set[str]:
        return set(tx.connection.execute(text("SELECT id FROM budgets")).scalars())

    return ledger._read(work).result(WAIT_S)


def test_what_waits_is_committed_together(ledger: Ledger, commits: list[int]) -> None:
    """One wait for the disk, also for many runs."""
    with busy(ledger) as release:
        futures = [ledger.set_cap(f"b{n}", None) for n in range(9)]
        release()
        wait(futures, WAIT_S)
    assert commits == [1, 9]
    assert caps(ledger) == {"b", *(f"b{n}" for n in range(9))}


def test_a_future_resolves_after_the_commit(ledger: Ledger, tmp_path: Path) -> None:
    """So that an entry is on the disk when its request leaves."""
    seen: list[object] = []
    other = sqlite3.connect(tmp_path / "ledger.sqlite", check_same_thread=False)

    def look(_: object) -> None:
        query = "SELECT count(*) FROM budgets WHERE id = 'new'"
        seen.extend(other.execute(query).fetchone())

    with busy(ledger):
        future = ledger.set_cap("new", 5)
        future.add_done_callback(look)
    future.result(WAIT_S)
    ledger.close()
    assert seen == [1]
    other.close()


def test_a_unit_that_is_refused_undoes_only_its_own_work(
    ledger: Ledger, commits: list[int]
) -> None:
    """The others of its group are committed, and the transaction goes on."""

    def refused(tx: Transaction) -> None:
        tx.connection.execute(text("INSERT INTO budgets (id) VALUES ('half')"))
        message = "another owner"
        raise FencedError(message)

    with busy(ledger):
        futures: list[Future[None]] = [
            ledger.set_cap("first", None),
            ledger._write(refused),
            ledger.set_cap("last", None),
        ]
        read = ledger.find_job("none")
    assert read.result(WAIT_S) is None
    assert isinstance(outcome(futures[1]), FencedError)
    assert caps(ledger) == {"b", "first", "last"}
    assert commits[:2] == [1, 4]
    assert ledger.close() == []


def test_a_group_that_fails_is_repeated_unit_by_unit(
    ledger: Ledger, commits: list[int]
) -> None:
    """The unit that broke it fails, and nothing else."""
    with busy(ledger):
        futures: list[Future[None]] = [
            ledger.set_cap("first", None),
            ledger._write(bad_words),
            ledger.set_cap("last", None),
        ]
    assert isinstance(outcome(futures[1]), LedgerError)
    assert caps(ledger) == {"b", "first", "last"}
    assert commits[:5] == [1, 3, 1, 1, 1]
    (problem,) = ledger.close()
    assert "missing" in problem


def test_content_that_no_database_takes_fails_as_a_ledger(ledger: Ledger) -> None:
    """The caller is ready for this error, and for no other."""
    run = a_run("run_\udc80")
    assert isinstance(outcome(ledger.begin_run(run)), LedgerError)
    assert len(ledger.close()) == 1


@pytest.mark.parametrize("deadlocks", [1, 3])
def test_a_deadlock_is_repeated(
    ledger: Ledger, commits: list[int], deadlocks: int
) -> None:
    """The other transaction has ended by then; but not for ever."""

    class DeadlockError(Exception):
        sqlstate = "40P01"

    failures = [OperationalError("", None, DeadlockError()) for _ in range(deadlocks)]

    def work(_: object) -> str:
        while failures:
            raise failures.pop()
        return "done"

    found = outcome(ledger._write(work))
    assert found == "done" if deadlocks == 1 else isinstance(found, LedgerError)
    assert len(commits) == min(deadlocks + 1, 3)


def test_a_transaction_that_the_server_has_ended_is_repeated(ledger: Ledger) -> None:
    """Its process has slept. The statement of a savepoint meets the driver's own error."""

    class SleptError(Exception):
        sqlstate = "25P03"

    failures = [SleptError()]

    def work(_: object) -> str:
        while failures:
            raise failures.pop()
        return "done"

    assert outcome(ledger._write(work)) == "done"


def test_a_transaction_that_cannot_begin_for_another_reason_fails(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread goes on."""

    def fail(*_: object) -> Transaction:
        raise ValueError

    with monkeypatch.context() as patch:
        patch.setattr(Owner, "begin", fail)
        error = outcome(ledger.set_cap("c", None))
    assert isinstance(error, LedgerError)
    assert caps(ledger) == {"b"}


def test_a_full_disk_costs_only_the_record(ledger: Ledger) -> None:
    """The thread goes on, and writes again when there is room."""

    def limit(pages: int) -> None:
        statement = text(f"PRAGMA max_page_count={pages}")
        ledger._read(lambda tx: tx.connection.execute(statement).all()).result(WAIT_S)

    limit(1)
    with busy(ledger):
        futures = [ledger.begin_run(a_run(text="x" * 100_000)) for _ in range(3)]
    assert all(isinstance(outcome(future), LedgerError) for future in futures)
    limit(10_000)
    ledger.begin_run(a_run()).result(WAIT_S)
    (problem,) = ledger.close()
    assert "full" in problem


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[tuple[Ledger, sqlite3.Connection]]:
    """Return a ledger that waits for no other process, and the connection of one."""
    file = tmp_path / "l.sqlite"
    ledger = Ledger(f"sqlite:///{file}?timeout=0", environ={})
    ledger.set_cap("b", None).result(WAIT_S)
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    yield ledger, other
    other.close()
    ledger.close()


def test_units_that_cannot_begin_fail_together(
    impatient: tuple[Ledger, sqlite3.Connection], commits: list[int]
) -> None:
    """Each alone would wait for the other process as long as the first."""
    ledger, other = impatient
    with busy(ledger):
        other.execute("BEGIN IMMEDIATE")
        futures = [ledger.set_cap(f"b{n}", None) for n in range(3)]
    assert all(isinstance(outcome(future), LedgerError) for future in futures)
    assert commits == [1, 3]
    other.execute("ROLLBACK")
    ledger.set_cap("b3", None).result(WAIT_S)
    assert caps(ledger) == {"b", "b3"}


def test_a_unit_that_reads_does_not_fail_because_others_cannot_write(
    impatient: tuple[Ledger, sqlite3.Connection], commits: list[int]
) -> None:
    """It is in their group, and is tried again without them."""
    ledger, other = impatient
    with busy(ledger):
        other.execute("BEGIN IMMEDIATE")
        written = ledger.set_cap("new", None)
        read = ledger.run("run_unknown")
    assert isinstance(outcome(written), LedgerError)
    assert outcome(read) is None
    assert commits == [1, 2, 1]


def test_units_that_are_repeated_alone_stop_where_none_can_begin(
    impatient: tuple[Ledger, sqlite3.Connection],
    commits: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first was committed, and the others fail together."""
    ledger, other = impatient
    real = groups._commit_once

    def commit_once(database: Database, units: list[object]) -> object:
        failure = real(database, units)  # type: ignore[arg-type]
        if len(commits) == 3:
            other.execute("BEGIN IMMEDIATE")
        return failure

    monkeypatch.setattr(groups, "_commit_once", commit_once)
    with busy(ledger):
        futures: list[Future[None]] = [
            ledger.set_cap("first", None),
            ledger._write(bad_words),
            ledger.set_cap("last", None),
        ]
    found = [outcome(future) is None for future in futures]
    assert (found, commits) == ([True, False, False], [1, 3, 1, 1])


def test_an_error_keeps_neither_the_database_nor_its_url(ledger: Ledger) -> None:
    """A crash report prints the variables of all frames that an error knows."""

    def work(_: object) -> None:
        try:
            int("no number")
        except ValueError:
            message = "refused"
            raise LookupError(message) from None

    future: Future[None] = ledger._write(work)
    error = future.exception(WAIT_S)
    assert isinstance(error, LookupError)
    assert (error.__cause__, error.__context__, error.__traceback__) == (None,) * 3
