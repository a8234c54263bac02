"""Which row of a job comes next."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    and_,
    bindparam,
    exists,
    func,
    outerjoin,
    select,
)

from perplexity_connector.host.ledger.schema import (
    ACTION,
    is_current,
    is_first_line,
    is_present,
    jobs,
    lines,
    rows,
    runs,
)
from perplexity_connector.host.ledger.transactions.prepared import Prepared

_all_lines = lines.alias()
_line_count = (
    select(func.count()).where(_all_lines.c.row_id == rows.c.id).scalar_subquery()
)
_candidate = (
    select(
        rows.c.id,
        rows.c.number,
        rows.c.key,
        rows.c.input,
        rows.c.worst,
        rows.c.price_group,
        rows.c.state,
        rows.c.digest,
        lines.c.record,
        lines.c.output_end,
        _line_count.label("line_count"),
        rows.c.epoch,
        rows.c.round,
        *(jobs.c[name] for name in ACTION),
        runs.c.id.label("run_id"),
        runs.c.checkpoint,
        runs.c.budgets,
        runs.c.reserved,
    )
    .select_from(
        outerjoin(rows, runs, is_current)
        .join(jobs, jobs.c.id == rows.c.job_id)
        .outerjoin(lines, is_first_line)
    )
    .where(
        rows.c.job_id == bindparam("job"),
        rows.c.owner.is_(None),
        jobs.c.cancel_requested.is_(False),
        is_present,
    )
    .order_by(rows.c.number)
    .limit(1)
    .with_for_update(of=rows, skip_locked=True)
)


def _is_to_follow(table: FromClause) -> ColumnElement[bool]:
    return and_(table.c.state == "begun", table.c.to_follow.is_(True))


_to_follow = Prepared(_candidate.where(_is_to_follow(rows)))
_begun_rows = rows.alias()
_has_to_follow = exists().where(
    _begun_rows.c.job_id == bindparam("job"),
    _begun_rows.c.owner.is_(None),
    _is_to_follow(_begun_rows),
)
_planned = Prepared(
    _candidate.where(rows.c.state == "planned").add_columns(
        _has_to_follow.label("has_to_follow")
    )
)


def next_row(connection: Connection, job_id: str) -> Mapping[str, Any] | None:
    """Return the row of a job to claim next: one to follow, else a planned one; None without any."""
    of_job = {"job": job_id}
    planned = _planned.read(connection, of_job)
    # To look for both each time would be a statement more for each row.
    if not planned or planned[0]["has_to_follow"]:
        found = _to_follow.read(connection, of_job) or planned
        return found[0] if found else None
    return planned[0]
