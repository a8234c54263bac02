"""Read a table, CSV or JSON Lines, one record at a time: no more than that is in memory."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.host.tables.refusals import refusal
from perplexity_connector.host.validation.text_values import parse_json

_NOT_TEXT = "The line is not UTF-8 text."
_HALF = "The line has half of a character, such as a cut emoji (a lone surrogate)."


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

    * `columns`: their names in order; in JSON Lines, all that occur.
    * `lines`: reads the file from its start. Blank lines are left out.
    """

    columns: tuple[str, ...]
    lines: Callable[[], Iterator[Line]]


def open_table(path: Path) -> Table:
    """Return the table of a file, whose extension is `.csv` or that of JSON Lines.

    Raises `ConnectorError` for a file that cannot be read, another extension, or a CSV header without
    names or with the same one twice.
    """
    if is_json_lines(path):
        return Table(columns=_names(path), lines=lambda: _json_lines(path))
    header = _header(path)
    return Table(columns=header, lines=lambda: _csv_lines(path, header))


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


def _csv_lines(path: Path, header: tuple[str, ...]) -> Iterator[Line]:
    with _opened(path) as file:
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


def _json_lines(path: Path) -> Iterator[Line]:
    with _opened(path) as file:
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
def _opened(path: Path) -> Iterator[TextIO]:
    try:
        # Excel begins a file with a byte order mark. Bytes that are not UTF-8 become lone surrogates,
        # so that only their own line is refused.
        file = path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
    except OSError as problem:
        message = f"The table cannot be read: {problem.strerror}."
        raise refusal(message) from None
    with file:
        yield file
