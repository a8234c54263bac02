"""Read a table, CSV or JSON Lines, one record at a time: no more than that is in memory."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeAlias

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.host.tables.refusals import refusal
from perplexity_connector.host.validation.text_values import parse_json

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Seen: TypeAlias = Callable[[memoryview], object]

# The digest of a file.
DIGEST = "sha256"
_BUFFER = 65_536
_NOT_TEXT = "The line is not UTF-8 text."
_HALF = "The line has half of a character, such as a cut emoji (a lone surrogate)."


def _ignored(_: memoryview) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A record of a table.

    * `number`: the line of the file that it begins in, from 1.
    * `cells`: its values by column; text in a CSV file, any JSON in JSON Lines.
    * `record`: the same as the ledger keeps it, for the output: the list of its `cells`, or its
      `text`, which stays as it is to the byte.
    * `problem`: why it cannot run; empty if it can.
    """

    number: int
    cells: Mapping[str, JsonValue] = field(repr=False)
    record: JsonObject = field(repr=False)
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that was opened once to find its columns.

    * `path`: its file.
    * `columns`: their names in order; in JSON Lines, all that occur.
    """

    path: Path
    columns: tuple[str, ...]

    def lines(self, seen: Seen = _ignored) -> Iterator[Line]:
        """Read the file from its start. Blank lines are left out. `seen` gets all bytes that are read."""
        if is_json_lines(self.path):
            return _json_lines(self.path, seen)
        return _csv_lines(self.path, self.columns, seen)


def open_table(path: Path, columns: tuple[str, ...] | None = None) -> Table:
    """Return the table of a file, whose extension is `.csv` or that of JSON Lines.

    `columns` are not read again if they are known. Raises `ConnectorError` for a file that cannot be read,
    another extension, or a CSV header without names or with the same one twice.
    """
    if columns is None:
        columns = _names(path) if is_json_lines(path) else _header(path)
    return Table(path=path, columns=columns)


def file_digest(path: Path) -> str:
    """Return the digest of a file's bytes. Raises `ConnectorError` for a file that cannot be read."""
    with _raw(path) as file:
        return hashlib.file_digest(file, DIGEST).hexdigest()


def is_json_lines(path: Path) -> bool:
    """Return whether a file holds JSON Lines; else it holds CSV. Raises for another extension."""
    extension = path.suffix.lower()
    if extension in {".jsonl", ".ndjson"}:
        return True
    if extension == ".csv":
        return False
    message = (
        "A table and its output must be CSV (.csv) or JSON Lines (.jsonl or .ndjson)."
    )
    raise refusal(message)


def _csv_lines(path: Path, header: tuple[str, ...], seen: Seen) -> Iterator[Line]:
    with _opened(path, seen) as file:
        records = _records(file)
        next(records)
        for number, cells in records:
            yield Line(
                number=number,
                cells=dict(zip(header, cells, strict=False)),
                record={"cells": cells},
                problem=_cells_problem(cells, len(header)),
            )


def _header(path: Path) -> tuple[str, ...]:
    with _opened(path) as file:
        _, names = next(_records(file), (0, []))
    if problem := _cells_problem(names, len(names)):
        message = f"The first line of the table cannot be used. {problem}"
        raise refusal(message)
    if not any(names):
        message = "The table has no columns: its first line must name them."
        raise refusal(message)
    require_different(names, "The table has the column {} twice.")
    return tuple(names)


def require_different(names: list[str], message: str) -> None:
    """Refuse a name that is used twice; its own words are in the message, in place of `{}`."""
    for name in names:
        if names.count(name) > 1:
            raise refusal(message.format(repr(name)))


def _records(file: TextIO) -> Iterator[tuple[int, list[str]]]:
    """Yield each record and the line that it begins in."""
    reader = csv.reader(file, strict=True)
    begins = 1
    try:
        for cells in reader:
            if cells:
                yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as problem:
        # Later records may not be as written: none of them is worth paying for.
        message = f"The table cannot be read from line {begins}: {problem}."
        raise refusal(message) from None


def _cells_problem(cells: list[str], width: int) -> str:
    if len(cells) != width:
        return f"The line has {len(cells)} cells and the header {width}."
    return _text_problem("".join(cells))


def _text_problem(text: str) -> str:
    """Return what is wrong with a text whose bytes may not have been UTF-8."""
    if text.isascii():
        return ""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _NOT_TEXT
    return ""


def _json_lines(path: Path, seen: Seen = _ignored) -> Iterator[Line]:
    with _opened(path, seen) as file:
        for number, raw in enumerate(file, start=1):
            if text := raw.strip():
                cells, problem = _parse(text)
                yield Line(
                    number=number, cells=cells, record={"text": text}, problem=problem
                )


def _parse(text: str) -> tuple[JsonObject, str]:
    if problem := _text_problem(text):
        return {}, problem
    try:
        cells = parse_json(text)
    except json.JSONDecodeError as error:
        return {}, f"The line is not valid JSON (column {error.colno})."
    except ValueError:
        return {}, "The line is not valid JSON."
    if not isinstance(cells, Mapping):
        return {}, "The line is not a JSON object."
    # Neither the ledger nor a file can keep it. Only an escape can hide it.
    if "\\u" in text and _text_problem(json.dumps(cells, ensure_ascii=False)):
        return {}, _HALF
    return cells, ""


def _names(path: Path) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for line in _json_lines(path):
        if not line.cells.keys() <= names.keys():
            names.update(dict.fromkeys(line.cells))
    return tuple(names)


@contextmanager
def _opened(path: Path, seen: Seen = _ignored) -> Iterator[TextIO]:
    # Excel begins a file with a byte order mark. Bytes that are not UTF-8 become lone surrogates,
    # so that only their own line is refused.
    with io.TextIOWrapper(
        io.BufferedReader(_SeenFile(_raw(path), seen), _BUFFER),
        encoding="utf-8-sig",
        errors="surrogateescape",
        newline="",
    ) as file:
        yield file


def _raw(path: Path) -> io.FileIO:
    try:
        return path.open("rb", buffering=0)
    except OSError as problem:
        message = f"The table cannot be read: {problem.strerror}."
        raise refusal(message) from None


class _SeenFile(io.RawIOBase):
    """A file. `_seen` gets its bytes as they are read."""

    def __init__(self, file: io.FileIO, seen: Seen) -> None:
        self._file = file
        self._seen = seen

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        count = self._file.readinto(buffer)
        self._seen(memoryview(buffer)[:count])
        return count

    def close(self) -> None:
        self._file.close()
        super().close()
