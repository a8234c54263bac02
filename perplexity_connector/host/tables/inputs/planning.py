"""Plan a table: the rows that are left to run, and their price. Nothing is recorded or sent yet.

The planner runs in a thread of its own, reads the table once, and keeps what the ledger does not know in a
temporary file. So the table may change afterwards, and memory holds no more than a digest or key of each row,
and the lines that the plan names.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from perplexity_connector.contract import (
    CostEstimate,
    FieldError,
    JsonObject,
    JsonValue,
)
from perplexity_connector.host.ledger.entries import (
    ENDED,
    KnownLine,
    KnownRow,
    NewLine,
    NewRow,
    Retry,
    State,
)
from perplexity_connector.host.spending.money import nano_usd
from perplexity_connector.host.spending.prices import open_group
from perplexity_connector.host.tables.inputs.reading import DIGEST, Line, Table
from perplexity_connector.host.tables.inputs.spool import Spool
from perplexity_connector.host.tables.refusals import refusal
from perplexity_connector.host.validation.text_values import to_text

if TYPE_CHECKING:
    from perplexity_connector.contract import InvalidLineDocument

_BATCH = 1000
# So many bytes of a digest are in memory: two rows never share them by chance.
_SHORT = 16
_OF_ROW = [each.name for each in fields(KnownRow)]


class JobReader(Protocol):
    """Reads what earlier starts have recorded of a job."""

    def lines(self, after: int) -> Sequence[KnownLine]:
        """Return the next lines after that number, in order; none at the end."""
        ...

    def rows(self, keys: Sequence[str]) -> Mapping[str, KnownRow]:
        """Return the rows of these keys that are known."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a line becomes a run.

    * `make_input`: fills the templates.
    * `key`: the column that names a row; None for the digest of its input.
    * `retry`: the state whose rows run again.
    * `appraise`: finds the errors of an input, and its price.
    """

    make_input: Callable[[Mapping[str, JsonValue]], dict[str, Any]]
    key: str | None
    retry: Retry | None
    appraise: Callable[[JsonObject], tuple[Sequence[FieldError], CostEstimate]]


@dataclass(slots=True, kw_only=True)
class Plan:
    """What a start has to do; `TablePlannedItem` explains most of it.

    * `likely`, `worst`: nano-USD of all rows that are left.
    * `largest`, `priced`: the dearest of them, and how many they are, by price group; None with a listed price.
    * `groups`: the groups whose price is only estimated.
    * `last_line`: the last line of the table.
    * `table_digest`: of the bytes that were read.
    * `dropped`: the lines that were valid at an earlier start, and are not any more.
    * `spool`: the rows and lines that the ledger does not know yet.
    """

    rows: int = 0
    doubles: int = 0
    done: int = 0
    runs: int = 0
    going_on: int = 0
    changed: list[int] = field(default_factory=list)
    invalid: "list[InvalidLineDocument]" = field(default_factory=list)
    likely: int = 0
    worst: int = 0
    largest: dict[str | None, int] = field(default_factory=dict)
    priced: dict[str | None, int] = field(default_factory=dict)
    groups: set[str] = field(default_factory=set)
    last_line: int = 0
    table_digest: str = ""
    dropped: list[int] = field(default_factory=list)
    spool: Spool = field(default_factory=Spool)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A line that can run, with the input, identity and digest of its row."""

    line: Line
    input: dict[str, Any] = field(repr=False)
    key: str
    digest: str


class Planner:
    """Makes the plan of one table.

    * `_seen`: the first line of each row by its identity; negative if the row needs no run.
    * `_waiting`: known lines that were read too far.
    * `_is_left`: whether its caller no longer waits.
    * `_after`: the last known line that was read.
    """

    def __init__(self, table: Table, recipe: Recipe, reader: JobReader) -> None:
        """Plan this table."""
        self._table = table
        self._recipe = recipe
        self._reader = reader
        self._is_left = False
        self._plan = Plan()
        self._seen: dict[str | bytes, int] = {}
        self._waiting: list[KnownLine] = []
        self._after = -1

    def plan(self) -> Plan:
        """Return the plan. Raises `ConnectorError` for a table that cannot be read, or a key twice."""
        try:
            self._read()
        except BaseException:
            self._plan.spool.close()
            raise
        if self._is_left:
            self._plan.spool.close()
        return self._plan

    def leave(self) -> None:
        """Let the plan end early: its caller no longer waits."""
        self._is_left = True

    def _read(self) -> None:
        digest = hashlib.new(DIGEST)
        lines = self._table.lines(digest.update)
        while not self._is_left and (batch := list(islice(lines, _BATCH))):
            self._take(batch)
        self._plan.table_digest = digest.hexdigest()
        self._plan.dropped += [line.number for line in self._known_lines(None)]

    def _take(self, batch: Sequence[Line]) -> None:
        known = {line.number: line for line in self._known_lines(batch[-1].number)}
        candidates = [one for one in map(self._candidate, batch) if one]
        rows = self._rows(candidates, known)
        kept = {
            one.line.number
            for one in candidates
            if self._place(one, known.get(one.line.number), rows)
        }
        self._plan.dropped += known.keys() - kept
        self._plan.last_line = batch[-1].number

    def _candidate(self, line: Line) -> _Candidate | None:
        if line.problem:
            self._refuse(line, line.problem)
            return None
        content = self._recipe.make_input(line.cells)
        digest = digest_of(content)
        if self._recipe.key is None:
            return _Candidate(line, content, digest, digest)
        key = to_text(line.cells.get(self._recipe.key))
        if not key.strip():
            self._refuse(
                line, "The cell of the key column is empty. Give each row a key."
            )
            return None
        return _Candidate(line, content, key, digest)

    def _rows(
        self, candidates: Sequence[_Candidate], known: Mapping[int, KnownLine]
    ) -> Mapping[str, KnownRow]:
        """Return the known rows of these lines, most of which are those of the same lines before."""
        rows = {
            line.key: KnownRow(**{name: getattr(line, name) for name in _OF_ROW})
            for line in known.values()
        }
        others = {one.key for one in candidates} - rows.keys()
        return {**rows, **self._reader.rows(list(others))} if others else rows

    def _place(
        self,
        one: _Candidate,
        known: KnownLine | None,
        rows: Mapping[str, KnownRow],
    ) -> bool:
        """Count a line, and keep it if it is new. Return whether it is valid."""
        is_same = _is_same(one, known)
        row = None
        if (first := self._seen.get(self._identity(one))) is not None:
            self._count_double(one, first)
        else:
            found = rows.get(one.key)
            is_known = found is not None and found.digest == one.digest
            state = found.state if found and is_known else None
            # An unchanged row was checked, and its price found, at an earlier start.
            is_unchanged = is_known and is_same and _is_first(known)
            left: NewRow | KnownRow | None = found if is_unchanged else None
            if left is None:
                left = row = self._appraised(one)
            if left is None:
                return False
            is_left = state not in ENDED or state == self._recipe.retry
            self._count_row(one, state, left if is_left else None)
            if found and not is_known:
                self._plan.changed.append(one.line.number)
        self._plan.rows += 1
        if row or not is_same:
            line = NewLine(number=one.line.number, key=one.key, record=one.line.record)
            self._plan.spool.add(row, line)
        return True

    def _appraised(self, one: _Candidate) -> NewRow | None:
        """Return the row of a line with its price; None if the action refuses its input."""
        errors, estimate = self._recipe.appraise(one.input)
        if errors:
            self._refuse(one.line, errors[0].message, errors[0].pointer)
            return None
        return _priced(one, estimate)

    def _identity(self, one: _Candidate) -> str | bytes:
        """Return the identity that the lines of one row share, as short as it may be."""
        if self._recipe.key is None:
            return bytes.fromhex(one.key)[:_SHORT]
        return one.key

    def _count_double(self, one: _Candidate, first: int) -> None:
        if self._recipe.key is not None:
            message = (
                f"Lines {abs(first)} and {one.line.number} have the same key. "
                "Change one of them, or name another key column."
            )
            raise refusal(message)
        self._plan.doubles += 1
        self._plan.done += first < 0

    def _count_row(
        self, one: _Candidate, state: State | None, left: NewRow | KnownRow | None
    ) -> None:
        """Count the row of a line. `state` is None if it is new or changed; `left` if it needs no run."""
        number = one.line.number
        self._seen[self._identity(one)] = number if left else -number
        if left is None:
            self._plan.done += 1
            return
        self._plan.runs += 1
        if state == "begun":
            self._plan.going_on += 1
        else:
            self._add_price(left)

    def _add_price(self, row: NewRow | KnownRow) -> None:
        plan, group = self._plan, row.price_group
        if group is not None:
            plan.groups.add(group)
        plan.likely += row.likely
        plan.worst += row.worst
        plan.largest[group] = max(plan.largest.get(group, 0), row.worst)
        plan.priced[group] = plan.priced.get(group, 0) + 1

    def _refuse(self, line: Line, message: str, pointer: str = "") -> None:
        self._plan.invalid.append(
            {"line": line.number, "pointer": pointer, "message": message}
        )

    def _known_lines(self, last: int | None) -> Iterator[KnownLine]:
        """Yield the known lines up to that one, each once; all that are left without a last one."""
        while True:
            for index, line in enumerate(self._waiting):
                if last is not None and line.number > last:
                    self._waiting = self._waiting[index:]
                    return
                yield line
            self._waiting = list(self._reader.lines(self._after))
            if not self._waiting:
                return
            self._after = self._waiting[-1].number


def digest_of(input: JsonValue) -> str:
    """Return the digest of a JSON value: the same for any order of its names."""
    text = json.dumps(input, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _priced(one: _Candidate, estimate: CostEstimate) -> NewRow:
    return NewRow(
        number=one.line.number,
        key=one.key,
        digest=one.digest,
        input=one.input,
        likely=nano_usd(estimate.likely),
        worst=nano_usd(estimate.worst),
        price_group=open_group(estimate),
    )


def _is_same(one: _Candidate, known: KnownLine | None) -> bool:
    if known is None:
        return False
    return (known.key, known.record) == (one.key, one.line.record)


def _is_first(known: KnownLine | None) -> bool:
    """Return whether the row has its number by this line. It may have had another line before."""
    return known is not None and known.row_number == known.number
