"""Tables that a page has sent, and the outputs of their runs: files in private folders.

A client sends a table's name for people, and gets a random id. A table is found by that id in the
list of the folder. Neither becomes a path.
"""

import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host.environment import (
    HOME_VARIABLE,
    KEEP_DAYS,
    keep_days,
    tables_folder,
    variables,
)
from perplexity_connector.host.tables.inputs.reading import open_table
from perplexity_connector.workbench.failures import RefusedError
from perplexity_connector.workbench.folders import folder_of, using_folder
from perplexity_connector.workbench.reading import wrong_field

_FILES = "tables"
LARGEST_TABLE = 50_000_000
_EXTENSIONS = (".csv", ".jsonl", ".ndjson")
_LONGEST_NAME = 100
_NAME = "name.txt"
_DAY_S = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class SentTable:
    """A table in a folder of its own.

    * `table_id`: its id, which is the folder's name.
    * `name`: its name for people.
    * `path`, `output`: its file, and that of the output.
    """

    table_id: str
    name: str
    path: Path
    output: Path

    @property
    def job(self) -> str:
        """Return the name of its job, by which each later run goes on with the rows."""
        return f"{self.name} ({self.table_id[:8]})"

    @property
    def output_name(self) -> str:
        """Return the name of its output for people, which is not that of the table."""
        name = Path(self.name)
        return f"{name.stem}-results{name.suffix}"


@dataclass(slots=True, kw_only=True)
class Upload:
    """A table that arrives. `_size`: how many bytes have arrived."""

    table: SentTable
    file: BinaryIO = field(repr=False)
    _size: int = 0

    def write(self, piece: bytes) -> None:
        """Add the next bytes. Raises `RefusedError` (413) for more than `LARGEST_TABLE`."""
        self._size += len(piece)
        if self._size > LARGEST_TABLE:
            message = f"A table may have {LARGEST_TABLE // 1_000_000} MB at most."
            raise RefusedError(413, ErrorCode.INVALID_INPUT, message)
        self.file.write(piece)

    def columns(self) -> tuple[str, ...]:
        """Return the columns of the whole table. Raises `ConnectorError` for one that cannot be read."""
        self.file.flush()
        return open_table(self.table.path).columns


class Uploads:
    """The tables in one folder.

    Its methods wait for files, and raise `ConnectorError`: `not_found` for an unknown table,
    `internal` for a folder that cannot be used.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Use a folder; the user's without one."""
        self._given_folder = folder

    @contextmanager
    def receive(self, name: str) -> Iterator[Upload]:
        """Receive a table. After an error nothing of it is left."""
        extension = name[name.rfind(".") :].lower()
        if extension not in _EXTENSIONS:
            pointer, message = "/name", f"Must end in {', '.join(_EXTENSIONS)}."
            raise wrong_field(pointer, message)
        table = self._new(name, extension)
        try:
            with table.path.open("wb") as file:
                yield Upload(table=table, file=file)
        except BaseException:
            shutil.rmtree(table.path.parent, ignore_errors=True)
            raise

    def find(self, table_id: str) -> SentTable:
        """Return a table by its id."""
        for table in self._tables():
            if table.table_id == table_id:
                return table
        message = "This table is not here any more. Send it again."
        raise ConnectorError(ErrorCode.NOT_FOUND, message)

    def of_job(self, job: str | None) -> SentTable | None:
        """Return the table of a job by its name; None if it is not here."""
        return next((table for table in self._tables() if table.job == job), None)

    def remove(self, table: SentTable) -> None:
        """Remove a table and its output."""
        with _usable():
            shutil.rmtree(table.path.parent)

    def remove_old(self) -> None:
        """Remove tables that are older than what the ledger keeps."""
        oldest = time.time() - _days() * _DAY_S
        for folder in self._folders():
            with suppress(OSError):
                if folder.stat().st_mtime < oldest:
                    shutil.rmtree(folder)

    def _tables(self) -> Iterator[SentTable]:
        for folder in self._folders():
            found: list[SentTable] = []
            with suppress(FileNotFoundError):  # it was removed meanwhile
                found = [_table_in(folder, path) for path in folder.glob("table.*")]
            yield from found

    def _folders(self) -> list[Path]:
        with _usable():
            return [*self._folder.glob("*")]

    def _new(self, name: str, extension: str) -> SentTable:
        with _usable():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder = self._folder / secrets.token_hex(16)
            folder.mkdir(mode=0o700)
            shown = "".join(filter(str.isprintable, name))[-_LONGEST_NAME:]
            (folder / _NAME).write_text(shown, encoding="utf-8")
            path = folder / f"table{extension}"
            path.touch(0o600)
            return _table_in(folder, path)

    @property
    def _folder(self) -> Path:
        return self._given_folder or folder_of(_FILES, tables_folder, HOME_VARIABLE)


def _table_in(folder: Path, path: Path) -> SentTable:
    name = (folder / _NAME).read_text(encoding="utf-8")
    return SentTable(
        table_id=folder.name,
        name=name,
        path=path,
        output=path.with_name(f"output{path.suffix}"),
    )


def _days() -> int:
    try:
        return max(1, keep_days(variables(None)))
    except ValueError:
        # The ledger says what is wrong with it.
        return KEEP_DAYS


def _usable() -> AbstractContextManager[None]:
    return using_folder(_FILES, HOME_VARIABLE)
