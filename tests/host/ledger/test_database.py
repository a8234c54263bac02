import logging
import sqlite3
import stat
import threading
import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from perplexity_connector.contract import Secret
from perplexity_connector.host import Ledger
from perplexity_connector.host.ledger.address import Address
from perplexity_connector.host.ledger.entries import LedgerError, NewerLedgerError
from perplexity_connector.host.ledger.writing import database as module
from perplexity_connector.host.ledger.writing import sqlite_files
from perplexity_connector.host.ledger.writing.database import Database
from perplexity_connector.host.ledger.writing.urls import ledger_error

WORD = "sentinel-password"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a place for a ledger, in a folder that does not exist yet."""
    return tmp_path / "host" / "ledger.sqlite"


@pytest.fixture
def database(file: Path) -> Iterator[Database]:
    """Open a ledger."""
    opened = Database(Address(file=file), {})
    yield opened
    opened.close()


def mode(path: Path) -> str:
    """Return the permissions of a file."""
    return f"{stat.S_IMODE(path.stat().st_mode):o}"


def open_url(url: str) -> Database:
    """Open the ledger of a URL."""
    return Database(Address(url=Secret(url)), {})


def test_only_their_owner_may_read_the_files(file: Path, database: Database) -> None:
    """From the first moment: SQLite gives its other files the permissions of the first."""
    with database.transaction():
        files = {path.name: mode(path) for path in file.parent.iterdir()}
    assert files.pop("ledger.sqlite-owners") == "700"
    assert set(files) == {
        "ledger.sqlite",
        "ledger.sqlite-wal",
        "ledger.sqlite-shm",
    }
    assert set(files.values()) == {"600"}
    assert mode(file.parent) == "700"


def test_the_file_is_private_before_sqlite_opens_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else another user could open it in between, and read all that is written later."""
    modes: list[str] = []

    def create(*args: object, **options: object) -> object:
        modes.append(mode(file))
        return create_engine(*args, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(module, "create_engine", create)
    Database(Address(file=file), {}).close()
    assert modes == ["600"]


def test_a_folder_and_a_file_that_others_could_read_are_taken_from_them(
    file: Path,
) -> None:
    """As those of the stored connections are."""
    file.parent.mkdir(mode=0o755)
    file.touch(mode=0o644)
    Database(Address(file=file), {}).close()
    assert (mode(file.parent), mode(file)) == ("700", "600")


def test_a_folder_that_users_share_is_refused(file: Path) -> None:
    """Unless the operator accepts it."""
    file.parent.mkdir()
    file.parent.chmod(0o1777)
    with pytest.raises(LedgerError, match="AUTOMATION_HOST_CHECK_MODES"):
        Database(Address(file=file), {})
    Database(Address(file=file), {"AUTOMATION_HOST_CHECK_MODES": "0"}).close()


def test_the_folder_of_a_chosen_file_stays_as_it_is(tmp_path: Path) -> None:
    """It may be a folder that users share; the file is private all the same."""
    tmp_path.chmod(0o755)
    link = tmp_path / "link.sqlite"
    link.symlink_to(tmp_path / "real.sqlite")
    open_url(f"sqlite:///{link}").close()
    assert (mode(tmp_path), mode(tmp_path / "real.sqlite")) == ("755", "600")


def test_a_commit_survives_a_power_cut_and_erased_text_does_not(
    database: Database,
) -> None:
    """These are SQLite's words for it."""
    pragmas = {
        "journal_mode": "wal",
        "synchronous": 2,
        "secure_delete": 1,
        "auto_vacuum": 2,
        "busy_timeout": 30_000,
    }
    with database.transaction(is_reading=True) as tx:
        found = {
            name: tx.connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in pragmas
        }
    assert found == pragmas


def test_a_file_that_another_process_is_changing_keeps_its_mode(file: Path) -> None:
    """The next opening changes it."""
    file.parent.mkdir()
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("CREATE TABLE t (x)")
    other.execute("BEGIN IMMEDIATE")
    connection = sqlite3.connect(file, timeout=0)
    sqlite_files.set_up_sqlite(connection, None)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()
    other.close()


def test_two_processes_that_read_first_do_not_fail(
    file: Path, database: Database
) -> None:
    """The transaction takes the right to write at its beginning."""
    other = Database(
        Address(url=Secret(f"sqlite:///{file}?timeout=0")),
        {},
    )
    with (
        database.transaction(),
        pytest.raises(OperationalError, match="locked"),
        other.transaction(),
    ):
        pass
    with database.transaction(), other.transaction(is_reading=True):
        pass
    other.close()


def test_erased_text_leaves_the_files(file: Path, database: Database) -> None:
    """Only once no other process reads the old content."""
    secret = "a very private question"
    with database.transaction() as tx:
        tx.connection.execute(text("CREATE TABLE t (x)"))
        for _ in range(50):
            tx.connection.execute(text("INSERT INTO t VALUES (:x)"), {"x": secret * 99})
    assert database.truncate()
    size = file.stat().st_size
    reader = sqlite3.connect(file, isolation_level=None)
    reader.execute("PRAGMA busy_timeout=0")
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM t").fetchone()
    with database.transaction() as tx:
        tx.connection.execute(text("PRAGMA busy_timeout=0"))
        tx.connection.execute(text("DELETE FROM t"))
    assert not database.truncate()
    reader.close()
    assert database.truncate()
    files = [path for path in file.parent.iterdir() if path.is_file()]
    assert all(secret.encode() not in path.read_bytes() for path in files)
    assert file.stat().st_size < size


def test_a_database_that_fails_is_truncated_later(database: Database) -> None:
    """Its thread goes on."""
    with database.transaction():
        assert not database.truncate()


def test_a_ledger_of_a_newer_release_cannot_be_written(
    file: Path, database: Database
) -> None:
    """Its rows may mean something else."""
    with database.transaction() as tx:
        tx.connection.execute(text("UPDATE meta SET version = 99"))
    with pytest.raises(NewerLedgerError, match="newer release"):
        Database(Address(file=file), {})
    error = ledger_error(NewerLedgerError("new"), Address(file=file))
    assert isinstance(error, NewerLedgerError)


def version_1(file: Path) -> None:
    """Write a ledger as the release with version 1 did, with one budget."""
    file.parent.mkdir()
    statements = Path(__file__).with_name("version_1.sql").read_text()
    with closing(sqlite3.connect(file)) as old:
        old.execute("PRAGMA journal_mode=WAL")
        old.executescript(statements)
        old.execute("INSERT INTO meta VALUES (1)")
        old.execute("INSERT INTO budgets VALUES ('day', 5, 3)")
        old.commit()


def columns(file: Path) -> dict[str, list[str]]:
    """Return the columns and the indexes of each table of a file."""
    query = "SELECT name FROM sqlite_master WHERE type = 'table'"
    with closing(sqlite3.connect(file)) as found:
        names = [name for (name,) in found.execute(query)]
        return {
            name: sorted(
                str(row[1:])
                for kind in ("table_info", "index_list")
                for row in found.execute(f"PRAGMA {kind}({name})")
            )
            for name in names
        }


def test_a_ledger_of_version_1_gets_what_is_new(file: Path, tmp_path: Path) -> None:
    """It has the same tables then as a new one, and keeps its content."""
    version_1(file)
    for _ in range(2):
        database = Database(Address(file=file), {})
        with database.transaction(is_reading=True) as tx:
            read = tx.connection.execute
            assert read(text("SELECT version FROM meta")).scalars().all() == [3]
            assert read(text("SELECT * FROM limits")).all() == []
            assert read(text("SELECT * FROM budgets")).all() == [("day", 5, 3)]
        database.close()
    new = tmp_path / "new.sqlite"
    open_url(f"sqlite:///{new}").close()
    assert columns(file) == columns(new)


def test_two_processes_that_open_a_ledger_of_version_1_at_once_change_it_once(
    file: Path,
) -> None:
    """The second one waits for the first, and finds the new version."""
    version_1(file)
    begin, opened = threading.Barrier(2), list[int]()

    def open_it() -> None:
        begin.wait()
        database = Database(Address(file=file), {})
        with database.transaction() as tx:
            found = tx.connection.execute(text("SELECT version FROM meta"))
            opened.extend(found.scalars())
        database.close()

    threads = [threading.Thread(target=open_it) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened == [3, 3]


def test_only_one_process_makes_the_tables(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a server, which has no lock of the whole database, it takes one first."""
    lock = text("CREATE TABLE taken (x)")
    monkeypatch.setitem(module._BEFORE_TABLES, "sqlite", lock)
    database = Database(Address(file=file), {})
    with database.transaction(is_reading=True) as tx:
        assert not tx.connection.execute(text("SELECT * FROM taken")).all()
    database.close()


def test_a_server_begins_its_transactions_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And has no files of ours."""
    options: dict[str, object] = {}

    def create(_: object, **given: object) -> object:
        options.update(given)
        return create_engine("sqlite://")

    statements: list[str] = []
    server: Any = SimpleNamespace(
        cursor=lambda: SimpleNamespace(execute=statements.append, close=list),
        commit=lambda: statements.append("COMMIT"),
    )
    set_up = module._set_up_server
    monkeypatch.setattr(module, "create_engine", create)
    monkeypatch.setitem(module._SET_UP, "postgresql", lambda *_: set_up(server, None))
    database = open_url(f"postgresql://me:{WORD}@db/ours?connect_timeout=3")
    with database.transaction() as tx:
        assert not tx.connection.execute(text("SELECT * FROM runs")).all()
    assert database.truncate()
    database.close()
    # One whose process sleeps is ended by the server.
    assert "idle_in_transaction_session_timeout" in statements[0]
    assert statements[1:] == ["COMMIT"]
    assert options["isolation_level"] == "READ COMMITTED"
    assert (options["hide_parameters"], options["connect_args"]) == (True, {})


def test_a_ledger_in_memory_has_no_file() -> None:
    """So its process has a lease."""
    database = open_url("sqlite://")
    assert database.owner.has_lease
    database.close()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///file:x?mode=ro&uri=true",
        f"mysql://me:{WORD}@db/x",
        f"postgresql://me:{WORD}@x@db/x",
        f"{WORD}",
    ],
)
def test_what_is_not_a_ledger_is_refused(url: str) -> None:
    """In words of our own, since a library's may repeat a part of the password."""
    with pytest.raises(LedgerError) as caught:
        open_url(url)
    assert WORD not in str(caught.value)


def test_without_a_home_folder_there_is_no_ledger() -> None:
    """The text says what to do."""
    with pytest.raises(LedgerError, match="HOME"):
        Database(Address(), {})


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (f"postgresql://me:{WORD}@db/x", f"bad {WORD}"),
        ("postgresql://me:a%40b@db/x", "bad a@b and a%40b"),
        (f"postgresql://db/x?password={WORD}&port=5", f"bad {WORD}"),
        (WORD, "nothing"),
    ],
)
def test_no_error_repeats_the_password(url: str, message: str) -> None:
    """Neither as it is nor as it is in the URL; nor the errors before it."""
    address = Address(url=Secret(url))
    with pytest.raises(ValueError, match=message) as caught:
        _fail(message)
    found = ledger_error(caught.value, address)
    words = (WORD, "a@b", "a%40b")
    assert not any(word in str(found) for word in words)
    assert (found.__cause__, found.__context__) == (None, None)


def test_the_password_is_in_nothing_that_a_ledger_shows(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its texts, its errors with all that a crash reporter prints of them, its logs."""
    caplog.set_level(logging.DEBUG)
    ledger = Ledger(f"postgresql+psycopg://me:{WORD}@127.0.0.1:1/ours", environ={})
    future = ledger.run("run_1")
    with pytest.raises(LedgerError) as caught:
        future.result(60)
    report = traceback.TracebackException.from_exception(
        caught.value, capture_locals=True
    )
    shown = [*report.format(), *ledger.close(), ledger.place, repr(vars(ledger))]
    assert "127.0.0.1" in ledger.place
    assert WORD not in "".join(shown) + caplog.text


def _fail(message: str) -> None:
    raise ValueError(message)


def test_a_missing_driver_is_named() -> None:
    """So that a person can install it."""
    error = ledger_error(ImportError(name="psycopg"), Address())
    assert "psycopg" in str(error)


def test_a_server_locks_the_budgets_of_a_group_first(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite has one writer at a time, and needs no lock."""
    locked: list[object] = []
    monkeypatch.setattr(module, "lock_budgets", lambda _, ids: locked.append(ids))
    with database.transaction({"b"}):
        assert locked == []
    database.is_sqlite = False
    with database.transaction({"b"}):
        assert locked == [{"b"}]
