"""The plan of a table that was entered completely: as long as it is true, the table is not read again."""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from perplexity_connector.contract import JsonObject
from perplexity_connector.host.ledger.entries import (
    KeptPlan,
    OpenRows,
    Retry,
    State,
)
from perplexity_connector.host.ledger.schema import (
    is_present,
    jobs,
    lines,
    plans,
    rows,
)
from perplexity_connector.host.ledger.texts import packed, unpacked

_plan = select(plans.c.digest, plans.c.document).where(
    plans.c.job_id == bindparam("job")
)
_started = select(jobs.c.id).where(
    jobs.c.id == bindparam("job"), jobs.c.starts == bindparam("starts")
)
# Both parts are answered by indexes alone: a table that is done has much content. One statement: on PostgreSQL
# each sees another moment, and other processes run rows meanwhile.
_rows = (
    select(rows.c.state, func.count().label("rows"))
    .where(rows.c.job_id == bindparam("job"), is_present)
    .group_by(rows.c.state)
    .subquery()
)
_lines = (
    select(rows.c.state, func.count(lines.c.row_id).label("lines"))
    .join_from(rows, lines, lines.c.row_id == rows.c.id)
    .where(rows.c.job_id == bindparam("job"))
    .group_by(rows.c.state)
    .subquery()
)
_counts = select(_rows.c.state, _rows.c.rows, _lines.c.lines).join_from(
    _rows, _lines, _lines.c.state == _rows.c.state
)
_open = (
    select(
        rows.c.price_group,
        func.count().label("count"),
        func.sum(rows.c.likely).label("likely"),
        func.sum(rows.c.worst).label("worst"),
        func.max(rows.c.worst).label("largest"),
    )
    .where(rows.c.job_id == bindparam("job"), is_present)
    .where(rows.c.state.in_(bindparam("states", expanding=True)))
    .group_by(rows.c.price_group)
)
# A row that has begun reserves nothing more.
_PRICED: tuple[State, ...] = ("planned", "claimed", "sent")


def keep_plan(
    connection: Connection, job_id: str, digest: str, document: JsonObject, starts: int
) -> None:
    """Keep the plan of a table whose lines are all in the ledger, unless another start may have changed them."""
    if connection.scalar(_started, {"job": job_id, "starts": starts}):
        forget_plans(connection, [job_id])
        kept = {"job_id": job_id, "digest": digest, "document": packed(document)}
        connection.execute(insert(plans), kept)


def forget_plans(connection: Connection, job_ids: Collection[str]) -> None:
    """Forget the plans of these jobs: their lines change, or their content is erased."""
    connection.execute(delete(plans).where(plans.c.job_id.in_(job_ids)))


def kept_plan(
    connection: Connection, job_id: str, retry: Retry | None
) -> KeptPlan | None:
    """Return the plan of a job with the present state of its rows; None if none is kept.

    Rows in the state `retry` count as rows to run.
    """
    of_job = {"job": job_id}
    kept = connection.execute(_plan, of_job).one_or_none()
    if kept is None:
        return None
    counts = connection.execute(_counts, of_job).all()
    return KeptPlan(
        digest=kept.digest,
        document=unpacked(kept.document) or {},
        rows={state: count for state, count, _ in counts},
        lines={state: count for state, _, count in counts},
        open=_open_rows(connection, job_id, retry),
    )


def _open_rows(
    connection: Connection, job_id: str, retry: Retry | None
) -> Mapping[str | None, OpenRows]:
    states = [*_PRICED, retry] if retry else _PRICED
    found = connection.execute(_open, {"job": job_id, "states": states})
    # PostgreSQL's sums of integers are decimals.
    return {
        group: OpenRows(
            count=count, likely=int(likely), worst=int(worst), largest=largest
        )
        for group, count, likely, worst, largest in found
    }
