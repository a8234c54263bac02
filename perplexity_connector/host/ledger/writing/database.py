"""Open the database of a ledger, on the thread that uses it."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import (
    URL,
    Connection,
    create_engine,
    event,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import NullPool

from perplexity_connector.host.ledger.address import Address
from perplexity_connector.host.ledger.entries import LedgerError, NewerLedgerError
from perplexity_connector.host.ledger.schema import VERSION, jobs, meta, metadata
from perplexity_connector.host.ledger.transactions.budgets import lock_budgets
from perplexity_connector.host.ledger.writing.owners import Owner, Transaction, sweep
from perplexity_connector.host.ledger.writing.sqlite_files import (
    set_up_sqlite,
    sqlite_file,
    truncate,
)
from perplexity_connector.host.ledger.writing.urls import database_url, ledger_error

# How long a writer waits: for the other writers of a file, and for a server.
_WAITS = {"sqlite": {"timeout": 30}, "postgresql": {"connect_timeout": 10}}
# A process that sleeps inside a transaction would keep all others from its rows: this is far below a lease.
_IDLE_MS = 15_000
_ISOLATION = {"postgresql": "READ COMMITTED"}
# Only one process makes the tables. The number means nothing; each release has the same.
_BEFORE_TABLES = {"postgresql": text("SELECT pg_advisory_xact_lock(7237103486542)")}

_NEW_COLUMN = text("ALTER TABLE jobs ADD COLUMN flow_id VARCHAR")
(_NEW_INDEX,) = (index for index in jobs.indexes if index.name == "ix_jobs_listed")


class Database:
    """An open ledger, for one thread.

    * `address`: where it is.
    * `owner`: this process.
    * `is_sqlite`: whether it is a file, with one writer at a time.
    * `_connection`: its only connection; after a failure of the network it connects again.
    """

    def __init__(self, address: Address, environ: Mapping[str, str]) -> None:
        """Open it. Raises errors of SQLAlchemy, `OSError`, `ImportError` and `LedgerError`."""
        self.address = address
        url = database_url(address)
        file = sqlite_file(url, address, environ)
        if file:
            url = url.set(database=str(file))
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.owner = Owner(_lock_folder(file))
        self._connection = _connect(url)
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def transaction(
        self, budgets: Collection[str] = (), *, is_reading: bool = False
    ) -> Iterator[Transaction]:
        """Commit the block's changes, or none of them.

        `budgets` are those that it changes. Locked in one order, two processes do not wait for each other.
        """
        with self._connection.begin():
            self._begin(is_reading=is_reading)
            if budgets and not self.is_sqlite:  # which has one writer at a time
                lock_budgets(self._connection, budgets)
            yield self.owner.begin(self._connection)

    def error(self, error: Exception) -> LedgerError:
        """Return an error of the database as one of the ledger."""
        return ledger_error(error, self.address)

    def truncate(self) -> bool:
        """Remove erased text from the files. Return False while another process reads the old ones."""
        return not self.is_sqlite or truncate(self._connection)

    def close(self) -> None:
        """Close the connection, and let others take over the rows of this process."""
        self._connection.close()
        self.owner.unlock()

    def _prepare(self) -> None:
        with self._connection.begin():
            self._begin(is_reading=False)
            _require_version(self._connection)
            if self.owner.folder and self.owner.folder.is_dir():
                sweep(self.owner.folder)
            self.owner.register(self._connection)

    def _begin(self, *, is_reading: bool) -> None:
        """Begin a transaction of SQLite; other drivers do this themselves.

        One that reads first and then writes would fail at once if another one wrote meanwhile. SQLAlchemy's
        event for this would make each statement slower.
        """
        if self.is_sqlite:
            self._connection.exec_driver_sql(
                "BEGIN" if is_reading else "BEGIN IMMEDIATE"
            )


def _lock_folder(file: Path | None) -> Path | None:
    return file.with_name(f"{file.name}-owners") if file else None


def _connect(url: URL) -> Connection:
    backend = url.get_backend_name()
    waits = _WAITS[backend]
    # Parameters are inputs and outputs: no error and no log may hold them.
    engine = create_engine(
        url,
        connect_args={name: waits[name] for name in waits if name not in url.query},
        poolclass=NullPool,
        hide_parameters=True,
        isolation_level=_ISOLATION.get(backend),
    )
    event.listen(engine, "connect", _SET_UP[backend])
    return engine.connect()


def _set_up_server(connection: DBAPIConnection, _record: object) -> None:
    """Let the server end a transaction whose process says nothing more. A process that wakes connects again."""
    cursor = connection.cursor()
    cursor.execute(f"SET idle_in_transaction_session_timeout = {_IDLE_MS}")
    cursor.close()
    connection.commit()


_SET_UP: Mapping[str, Callable[..., None]] = {
    "sqlite": set_up_sqlite,
    "postgresql": _set_up_server,
}


def _require_version(connection: Connection) -> None:
    """Make the tables of a new ledger, or those that an older one has not.

    Raises `NewerLedgerError` for one of a newer release.
    """
    if (lock := _BEFORE_TABLES.get(connection.dialect.name)) is not None:
        connection.execute(lock)
    if not inspect(connection).has_table(meta.name):
        metadata.create_all(connection)
        connection.execute(insert(meta).values(version=VERSION))
        return
    version = connection.execute(select(meta.c.version)).scalar_one()
    if version > VERSION:
        message = f"It has version {version} and this release knows {VERSION}. Use a newer release."
        raise NewerLedgerError(message)
    if version < VERSION:
        _add_what_is_new(connection)
        connection.execute(update(meta).values(version=VERSION))


def _add_what_is_new(connection: Connection) -> None:
    """Version 2 has two tables more. Version 3 has three more, and a column of `jobs` with an index."""
    # Processes of a release that does not know the column go on to write.
    connection.execute(_NEW_COLUMN)
    metadata.create_all(connection)
    _NEW_INDEX.create(connection)
