"""SQLite's files: readable by their owner alone, safe at a power cut, and without erased text."""

import os
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from sqlalchemy import URL, Connection

from perplexity_connector.host.credentials.private_files import (
    ExposedError,
    make_private,
)
from perplexity_connector.host.environment import checks_modes
from perplexity_connector.host.ledger.address import Address
from perplexity_connector.host.ledger.entries import LedgerError

_TRUNCATE = "PRAGMA wal_checkpoint(TRUNCATE)"
_NO_FILES = (None, "", ":memory:")


def sqlite_file(url: URL, address: Address, environ: Mapping[str, str]) -> Path | None:
    """Return the file of a SQLite database, which exists then; None for any other database.

    SQLite itself would make it readable for other users. Raises `LedgerError` and `OSError`.
    """
    if url.get_backend_name() != "sqlite" or url.database in _NO_FILES:
        return None
    if url.database.startswith("file:"):
        message = "Name the file itself: sqlite:////path/to/ledger.sqlite."
        raise LedgerError(message)
    # The file that a link leads to is the one that is made and checked.
    file = Path(os.path.realpath(url.database))
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    if checks_modes(environ):
        # The folder of a chosen file may be one that users share.
        _require_private(file.parent if address.file else file, file)
    return file


def set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Prepare a new connection. The driver begins no transaction by itself then."""
    connection.isolation_level = None
    # Only a new file takes this, and only before its first page is written.
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    if mode != "wal":
        # Some file systems have no shared memory; and another process may be doing this right now.
        with suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode=WAL").fetchone()
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA secure_delete=ON")


def truncate(connection: Connection) -> bool:
    """Overwrite erased text and give its pages back. Return False if other processes are in the way."""
    cursor = connection.connection.cursor()
    try:
        # First the erased pages become zeros in the file, then the file becomes shorter.
        cursor.execute(_TRUNCATE).fetchall()
        cursor.execute("PRAGMA incremental_vacuum").fetchall()
        is_busy, _, _ = cursor.execute(_TRUNCATE).fetchone()
    except sqlite3.Error:
        return False
    return not is_busy


def _require_private(*paths: Path) -> None:
    try:
        for path in paths:
            make_private(path)
    except ExposedError as exposed:
        problem = str(exposed)
    else:
        return
    raise LedgerError(problem)
