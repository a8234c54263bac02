"""Write a line of a table and the outcome of its run as one record of the output.

The same line and outcome give the same bytes in every process: a later start compares them.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.json import pointer_tokens, value_at
from perplexity_connector.host.ledger.entries import KnownLine, State
from perplexity_connector.host.spending.money import NANO, usd_or_none
from perplexity_connector.host.tables.inputs.reading import require_different
from perplexity_connector.host.tables.refusals import refusal

_OUTCOME = ("_status", "_error", "_cost", "_run")
# A spreadsheet calculates a text that begins with one of these.
_FORMULA = ("=", "+", "-", "@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of a row's run.

    * `line`: the row's own line. Another one is a double of it, which has cost nothing.
    * `cost`: nano-USD; None if it is unknown.
    * `output`: that of the run; None if it has failed.
    """

    line: int
    state: State
    error: str | None
    cost: int | None
    run_id: str | None
    output: JsonValue = field(repr=False)


def outcome_of(line: KnownLine) -> Outcome:
    """Return the outcome that the ledger has for a line."""
    return Outcome(
        line=line.row_number,
        state=line.state,
        error=line.error_code,
        cost=line.cost,
        run_id=line.run_id,
        output=line.output["output"] if line.output else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The columns of an output.

    * `is_json_lines`: the format; else it is CSV.
    * `columns`: the table's own.
    * `own`: those of the run by name, each a JSON Pointer into its output.
    * `raw`: whether texts of the run that look like formulas stay as they are.
    """

    is_json_lines: bool
    columns: tuple[str, ...]
    own: Mapping[str, str]
    raw: bool

    def header(self) -> bytes:
        """Return the first line: a CSV file has one."""
        if self.is_json_lines:
            return b""
        return _csv_line([*self.columns, *self.own, *_OUTCOME])

    def encode(self, line: KnownLine, outcome: Outcome) -> bytes:
        """Return the record of a line with the outcome of its row."""
        if line.number != outcome.line:
            outcome = replace(outcome, cost=0)
        found = {
            name: _at(outcome.output, pointer) for name, pointer in self.own.items()
        }
        encode = self._json_line if self.is_json_lines else self._csv_record
        return encode(line.record or {}, found, outcome)

    def _json_line(
        self, record: JsonObject, found: JsonObject, outcome: Outcome
    ) -> bytes:
        cost = usd_or_none(outcome.cost)
        values = (outcome.state, outcome.error, cost, outcome.run_id)
        own = _as_json({**found, **dict(zip(_OUTCOME, values, strict=True))})
        # The line's own text stays as it is, to the byte.
        text = record.get("text")
        before = text if isinstance(text, str) else _as_json(self._named(record))
        inside = before[:-1].rstrip()
        comma = "" if inside == "{" else ", "
        return f"{inside}{comma}{own[1:]}\n".encode()

    def _named(self, record: JsonObject) -> JsonObject:
        cells: Any = record["cells"]
        return dict(zip(self.columns, cells, strict=True))

    def _csv_record(
        self, record: JsonObject, found: JsonObject, outcome: Outcome
    ) -> bytes:
        cells: Any = record.get("cells") or _cells_of(record, self.columns)
        guard = str if self.raw else _without_formula
        own = [_own_cell(value, guard) for value in found.values()]
        cost = "" if outcome.cost is None else _usd(outcome.cost)
        last = [outcome.state, outcome.error or "", cost, outcome.run_id or ""]
        return _csv_line([*cells, *own, *last])


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the records of a job go. `path`: the real path of its output."""

    job_id: str
    path: Path
    layout: Layout


def run_of(record: bytes) -> str | None:
    """Return the id of the run in a record of JSON Lines; None for any other line."""
    try:
        run_id = json.loads(record)[_OUTCOME[-1]]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return run_id if isinstance(run_id, str) else None


def columns_of(
    layout: Layout, key: str | None, connections: Mapping[str, str]
) -> JsonObject:
    """Return what the ledger keeps of the columns, and the names of a flow's connections, with the job."""
    columns: JsonObject = {
        "table": list(layout.columns),
        "own": dict(layout.own),
        "key": key,
    }
    return {**columns, "connections": {**connections}} if connections else columns


def layout_of(
    *,
    is_json_lines: bool,
    columns: tuple[str, ...],
    own: Mapping[str, str] | None,
    content: str | None,
    raw: bool,
) -> Layout:
    """Return the layout of an output. `content`: the place of the text in what a row's run gives out.

    Raises `ConnectorError` for a name that is used twice, or a value that is not a JSON Pointer.
    """
    if own is None:
        has_text = content is not None and not is_json_lines
        own = {"content": content or ""} if has_text else {"output": ""}
    if any(pointer_tokens(pointer) is None for pointer in own.values()):
        message = "An output column must be a JSON Pointer into the output, such as name=/content."
        raise refusal(message)
    twice = "The output has the column {} twice. Name the output's own columns with --column NAME=/POINTER."
    require_different([*columns, *own, *_OUTCOME], twice)
    return Layout(is_json_lines=is_json_lines, columns=columns, own=own, raw=raw)


def _at(output: JsonValue, pointer: str) -> JsonValue:
    try:
        return value_at(output, pointer_tokens(pointer) or ())
    except LookupError:
        return None


def _cells_of(record: JsonObject, columns: Iterable[str]) -> list[str]:
    """Return the cells of a line of JSON Lines. A number keeps its digits."""
    text = str(record["text"])
    values = json.loads(text)
    digits = json.loads(text, parse_float=str, parse_int=str)
    return [
        digits[name]
        if type(values.get(name)) in {int, float}
        else _as_cell(values.get(name))
        for name in columns
    ]


def _own_cell(value: JsonValue, guard: Callable[[str], str]) -> str:
    return guard(value) if isinstance(value, str) else _as_cell(value)


def _without_formula(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _as_cell(value: JsonValue) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else _as_json(value)


def _as_json(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False)


def _csv_line(cells: list[str]) -> bytes:
    text = io.StringIO()
    # With this end, a cell with either of its characters is quoted.
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n").encode() + b"\n"


def _usd(nano: int) -> str:
    digits = f"{nano // NANO}.{nano % NANO:09}".rstrip("0")
    return digits.removesuffix(".")
