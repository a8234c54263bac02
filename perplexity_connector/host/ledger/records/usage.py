"""Sums over the runs: the use of models and connections, and the usual cost of a run."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, and_, bindparam, func, select

from perplexity_connector.host.ledger.entries import FLOW, UsageBy, UsageRow
from perplexity_connector.host.ledger.schema import jobs, runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement

_DAY_MS = 24 * 3600 * 1000
# Of fewer runs, the 99th percentile says too little.
_ENOUGH_RUNS = 50
_BY: "Mapping[UsageBy, ColumnElement[str | None] | ColumnElement[int]]" = {
    "model": runs.c.model,
    "action": runs.c.connector + "." + runs.c.action,
    "connection": runs.c.connection,
    "day": runs.c.created_at - runs.c.created_at % _DAY_MS,
}
_cost = func.coalesce(func.sum(runs.c.cost), 0).label("cost")
_SUMS = (
    func.count().label("runs"),
    _cost,
    func.count().filter(runs.c.cost_basis == "list_price").label("listed"),
    (func.count() - func.count(runs.c.cost)).label("unpriced"),
    func.sum(runs.c.reserved + runs.c.kept).label("kept"),
)
_is_of_group = and_(
    runs.c.connector == bindparam("connector"),
    runs.c.action == bindparam("action"),
    runs.c.price_group == bindparam("group"),
    runs.c.cost.is_not(None),
)
# A table asks every hundred rows: the index alone counts, and only few runs are looked at one by one.
_all = select(func.count()).where(_is_of_group)
_of_job = (
    select(func.count().filter(_is_of_group))
    .where(runs.c.job_id == jobs.c.id)
    .scalar_subquery()
)
_of_sandbox = select(func.coalesce(func.sum(_of_job), 0)).where(jobs.c.is_sandbox)
_dearest = (
    select(runs.c.cost)
    .join_from(runs, jobs, jobs.c.id == runs.c.job_id)
    .where(_is_of_group, jobs.c.is_sandbox.is_(False))
    .order_by(runs.c.cost.desc())
    .offset(bindparam("dearer"))
    .limit(1)
)


def usage(
    connection: Connection, by: UsageBy, *, since: int | None = None
) -> Sequence[UsageRow]:
    """Return the use, the dearest first. Runs of a sandbox are left out, and rows of flows: their steps have runs."""
    name = _BY[by].label("name")
    was_sent = runs.c.state.not_in(("planned", "claimed"))
    found = (
        select(name, *_SUMS)
        .join_from(runs, jobs, jobs.c.id == runs.c.job_id)
        .where(jobs.c.is_sandbox.is_(False), was_sent)
        .where(runs.c.connector != FLOW)
        .where(runs.c.created_at >= (since or 0))
        .group_by(name)
        .order_by(_cost.desc(), name)
    )
    return [
        UsageRow(
            name=_day(row.name) if by == "day" else row.name or "",
            runs=row.runs,
            cost=int(row.cost),
            listed=row.listed > 0,
            unpriced=row.unpriced,
            kept=int(row.kept),
        )
        for row in connection.execute(found)
    ]


def percentile(
    connection: Connection, connector: str, action: str, group: str
) -> int | None:
    """Return the 99th percentile of the costs of this price group; None for fewer than 50 runs."""
    names = {"connector": connector, "action": action, "group": group}
    count = connection.scalar(_all, names) or 0
    count -= int(connection.scalar(_of_sandbox, names) or 0)
    if count < _ENOUGH_RUNS:
        return None
    # The smallest cost that 99 of 100 runs do not exceed.
    dearer = count // 100
    return connection.scalar(_dearest, names | {"dearer": dearer})


def _day(day_ms: int) -> str:
    return datetime.fromtimestamp(day_ms / 1000, UTC).date().isoformat()
