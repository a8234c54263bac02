"""The rows and lines of a table, compared with those that the ledger has."""

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from perplexity_connector.host.ledger.entries import ENDED, NewLine, NewRow
from perplexity_connector.host.ledger.schema import BATCH, lines, rows
from perplexity_connector.host.ledger.texts import packed
from perplexity_connector.host.ledger.transactions.held import (
    held_where,
    plan_rows,
    require_dead,
)
from perplexity_connector.host.ledger.transactions.table_lines import (
    mark_stale,
    unwrite,
)
from perplexity_connector.host.ledger.transactions.takeovers import (
    leave_unsure,
    take_over,
)

_of_keys = (
    select(
        rows.c.id,
        rows.c.key,
        rows.c.digest,
        rows.c.number,
        rows.c.likely,
        rows.c.worst,
        rows.c.price_group,
        rows.c.state,
        rows.c.owner,
        rows.c.input.is_(None).label("is_erased"),
    )
    .where(rows.c.job_id == bindparam("job"))
    .where(rows.c.key.in_(bindparam("keys", expanding=True)))
)
_of_numbers = (
    select(lines.c.number, lines.c.row_id, lines.c.record)
    .where(lines.c.job_id == bindparam("job"))
    .where(lines.c.number.in_(bindparam("numbers", expanding=True)))
)
_change_row = (
    update(rows)
    .where(rows.c.id == bindparam("row"))
    .values(
        {
            name: bindparam(f"to_{name}")
            for name in ("number", "digest", "input", "likely", "worst", "price_group")
        }
    )
)
_change_line = (
    update(lines)
    .where(lines.c.job_id == bindparam("job"), lines.c.number == bindparam("line"))
    .values(row_id=bindparam("to_row"), record=bindparam("to_record"))
)
_unwrite_line = _change_line.values(output_end=None)


def add_rows(  # noqa: PLR0913 - the table's two parts, and what every transaction has
    connection: Connection,
    job_id: str,
    new_rows: Sequence[NewRow],
    new_lines: Sequence[NewLine],
    *,
    is_alive: Callable[[str], bool],
    now: int,
) -> None:
    """Plan rows and note the lines of the table, in batches; only differences are written.

    Changed content under a key begins a new round. A changed line counts as not written. The row of a
    line is in the same batch or known. Raises `FencedError` if a living process works on a changed row.
    """
    for start in range(0, len(new_rows), BATCH):
        batch = new_rows[start : start + BATCH]
        _add_batch(connection, job_id, batch, is_alive, now)
    for start in range(0, len(new_lines), BATCH):
        _add_lines(connection, job_id, new_lines[start : start + BATCH])


def _add_batch(
    connection: Connection,
    job_id: str,
    new_rows: Sequence[NewRow],
    is_alive: Callable[[str], bool],
    now: int,
) -> None:
    known = _known(connection, job_id, [new.key for new in new_rows])
    unknown = [_row(job_id, new) for new in new_rows if new.key not in known]
    if unknown:
        connection.execute(insert(rows), unknown)
    pairs = [(new, known[new.key]) for new in new_rows if new.key in known]
    changed = [row for new, row in pairs if new.digest != row["digest"]]
    if changed:
        _begin_rounds(connection, job_id, changed, is_alive, now)
    differing = [_changes(new, row) for new, row in pairs if _differs(new, row)]
    if differing:
        connection.execute(_change_row, differing)


def _known(
    connection: Connection, job_id: str, keys: Sequence[str]
) -> Mapping[str, RowMapping]:
    found = connection.execute(_of_keys, {"job": job_id, "keys": keys})
    return {row["key"]: row for row in found.mappings()}


def _row(job_id: str, new: NewRow) -> dict[str, object]:
    return {
        "job_id": job_id,
        "number": new.number,
        "key": new.key,
        "digest": new.digest,
        "input": packed(new.input),
        "likely": new.likely,
        "worst": new.worst,
        "price_group": new.price_group,
        "state": "planned",
    }


def _differs(new: NewRow, row: RowMapping) -> bool:
    """Return whether the table's row is another one, or lost its content while it is to be run."""
    planned = (new.number, new.digest, new.likely, new.worst, new.price_group)
    known = (
        row["number"],
        row["digest"],
        row["likely"],
        row["worst"],
        row["price_group"],
    )
    return planned != known or (row["is_erased"] and row["state"] not in ENDED)


def _changes(new: NewRow, row: RowMapping) -> dict[str, object]:
    return {
        "row": row["id"],
        "to_number": new.number,
        "to_digest": new.digest,
        "to_input": packed(new.input),
        "to_likely": new.likely,
        "to_worst": new.worst,
        "to_price_group": new.price_group,
    }


def _begin_rounds(
    connection: Connection,
    job_id: str,
    changed: Sequence[RowMapping],
    is_alive: Callable[[str], bool],
    now: int,
) -> None:
    """Plan rows of changed content. A run of the old content is no longer followed."""
    require_dead(connection, {row["owner"] for row in changed}, is_alive)
    take_over(connection, is_alive=is_alive, now=now, job_id=job_id)
    ids = [row["id"] for row in changed]
    for seen in held_where(connection, rows.c.id.in_(ids), rows.c.state == "begun"):
        leave_unsure(connection, seen, now)
    plan_rows(connection, rows.c.id.in_(ids), rows.c.state != "planned")
    unwrite(connection, job_id, lines.c.row_id.in_(ids))


def _add_lines(
    connection: Connection, job_id: str, new_lines: Sequence[NewLine]
) -> None:
    row_ids = _known(connection, job_id, list({line.key for line in new_lines}))
    numbers = [line.number for line in new_lines]
    found = connection.execute(_of_numbers, {"job": job_id, "numbers": numbers})
    known = {line.number: line for line in found}
    unknown, unwritten, erased = [], [], []
    for line in new_lines:
        row_id, record = row_ids[line.key]["id"], packed(line.record)
        old = known.get(line.number)
        change = {
            "job": job_id,
            "line": line.number,
            "to_row": row_id,
            "to_record": record,
        }
        if old is None:
            unknown.append(_line(job_id, line.number, row_id, record))
        elif old.row_id != row_id or (old.record or record) != record:
            unwritten.append(change)
        elif old.record != record:
            erased.append(change)
    if unknown:
        connection.execute(insert(lines), unknown)
    if unwritten:
        changed = [change["line"] for change in unwritten]
        mark_stale(connection, job_id, lines.c.number.in_(changed))
        connection.execute(_unwrite_line, unwritten)
    if erased:
        connection.execute(_change_line, erased)


def _line(
    job_id: str, number: int, row_id: int, record: str | None
) -> dict[str, object]:
    return {"job_id": job_id, "number": number, "row_id": row_id, "record": record}
