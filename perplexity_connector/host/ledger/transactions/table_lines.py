"""The lines of a table: which the ledger knows, and which of their records are out of date."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Connection,
    CursorResult,
    bindparam,
    delete,
    exists,
    null,
    select,
    update,
)

from perplexity_connector.host.ledger.entries import ENDED, KnownLine
from perplexity_connector.host.ledger.schema import (
    BATCH,
    has_line,
    is_current,
    is_present,
    jobs,
    lines,
    rows,
    runs,
)
from perplexity_connector.host.ledger.texts import unpacked
from perplexity_connector.host.ledger.transactions.prepared import Prepared

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

_known = (
    select(
        lines.c.number,
        rows.c.number.label("row_number"),
        rows.c.key,
        rows.c.digest,
        lines.c.record,
        lines.c.output_end,
        rows.c.state,
        null().label("run_id"),
        null().label("error_code"),
        null().label("cost"),
        null().label("output"),
        rows.c.likely,
        rows.c.worst,
        rows.c.price_group,
    )
    .join_from(lines, rows, lines.c.row_id == rows.c.id)
    .order_by(lines.c.number)
)
_after = _known.where(
    lines.c.job_id == bindparam("job"), lines.c.number > bindparam("after")
).limit(bindparam("most"))
_of_row = Prepared(_known.where(lines.c.row_id == bindparam("row")))
_open_after = _known.where(
    lines.c.job_id == bindparam("job"),
    lines.c.number > bindparam("after"),
    rows.c.state.not_in(ENDED),
).limit(1)
_of_numbers = (
    delete(lines)
    .where(lines.c.job_id == bindparam("job"))
    .where(lines.c.number.in_(bindparam("numbers", expanding=True)))
)
_line_end = Prepared(
    update(lines)
    .where(lines.c.job_id == bindparam("job"), lines.c.number == bindparam("line"))
    .values(output_end=bindparam("end"))
)
_unwritten = select(
    exists()
    .where(lines.c.job_id == bindparam("job"), lines.c.output_end.is_(None))
    .where(lines.c.row_id == rows.c.id, rows.c.state.in_(ENDED))
)
_erased = select(
    exists()
    .where(lines.c.job_id == bindparam("job"), lines.c.output_end.is_(None))
    .where(lines.c.row_id == rows.c.id, rows.c.state == "done")
    .where(is_current, runs.c.output.is_(None))
)


def as_lines(found: CursorResult[Any]) -> Sequence[KnownLine]:
    """Return the lines of a result."""
    return [_line(dict(row)) for row in found.mappings()]


def known_lines(
    connection: Connection, job_id: str, *, after: int, limit: int
) -> Sequence[KnownLine]:
    """Return all lines after that number, without the runs of their rows."""
    found = {"job": job_id, "after": after, "most": limit}
    return _read(connection, _after, found)


def row_lines(connection: Connection, row_id: int) -> Sequence[KnownLine]:
    """Return the lines of a row, without its run."""
    return [_line(found) for found in _of_row.read(connection, {"row": row_id})]


def first_open(connection: Connection, job_id: str, *, after: int) -> KnownLine | None:
    """Return the first line after that number whose row has not ended."""
    found = _read(connection, _open_after, {"job": job_id, "after": after})
    return found[0] if found else None


def has_erased(connection: Connection, job_id: str) -> bool:
    """Return whether a line counts as not written whose answer was erased."""
    return bool(connection.scalar(_erased, {"job": job_id}))


def drop_lines(connection: Connection, job_id: str, numbers: Sequence[int]) -> None:
    """Remove lines that are not in the table any more."""
    for start in range(0, len(numbers), BATCH):
        batch = numbers[start : start + BATCH]
        mark_stale(connection, job_id, lines.c.number.in_(batch))
        connection.execute(_of_numbers, {"job": job_id, "numbers": batch})
    leave_out(connection, job_id)


def leave_out(connection: Connection, job_id: str) -> None:
    """Leave out the rows that have no line any more: they are not run."""
    absent = update(rows).where(rows.c.job_id == job_id, is_present, ~has_line)
    connection.execute(absent.values(number=-1))


def unwrite(connection: Connection, job_id: str, *which: "ColumnElement[bool]") -> None:
    """Note that new records of these lines are to be written."""
    mark_stale(connection, job_id, *which)
    of_job = update(lines).where(lines.c.job_id == job_id, *which)
    connection.execute(of_job.values(output_end=None))


def line_ends(
    connection: Connection, job_id: str, ends: Collection[tuple[int, int | None]]
) -> None:
    """Note where the records of these lines end in the output file; None: not written."""
    changes = [{"job": job_id, "line": line, "end": end} for line, end in ends]
    if changes:
        _line_end.change_all(connection, changes)


def has_unwritten(connection: Connection, job_id: str) -> bool:
    """Return whether the output lacks the record of a line whose row has ended."""
    return bool(connection.scalar(_unwritten, {"job": job_id}))


def rewritten(
    connection: Connection,
    job_id: str,
    ends: Collection[tuple[int, int]],
    *,
    starts: int | None = None,
) -> None:
    """Note that the whole output is written again, and where its records end.

    With another number of `starts` now, records are still out of date: a start may retry rows meanwhile.
    """
    of_job = lines.c.job_id == job_id
    connection.execute(update(lines).where(of_job).values(output_end=None))
    line_ends(connection, job_id, ends)
    is_newest = () if starts is None else (jobs.c.starts == starts,)
    set_stale(connection, jobs.c.id == job_id, *is_newest, is_stale=False)


def mark_stale(
    connection: Connection, job_id: str, *which: "ColumnElement[bool]"
) -> None:
    """Note that the output has records that are out of date, if one of these lines is written.

    Call it before they are changed.
    """
    written = (lines.c.job_id == job_id, lines.c.output_end.is_not(None), *which)
    set_stale(connection, jobs.c.id == job_id, exists().where(*written), is_stale=True)


def set_stale(
    connection: Connection, *which: "ColumnElement[bool]", is_stale: bool
) -> None:
    """Note whether the outputs of these jobs have records that are out of date."""
    connection.execute(update(jobs).where(*which).values(is_stale=is_stale))


def _line(found: dict[str, Any]) -> KnownLine:
    for name in ("record", "output"):
        found[name] = unpacked(found[name])
    return KnownLine(**found)


def _read(
    connection: Connection, found: "Select[*tuple[Any, ...]]", values: dict[str, object]
) -> Sequence[KnownLine]:
    return as_lines(connection.execute(found, values))
