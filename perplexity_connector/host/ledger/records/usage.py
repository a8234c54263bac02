"""Sums over the runs: the use of models and connections, and the usual cost of a run."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, bindparam, func, select

from perplexity_connector.host.ledger.entries import UsageBy, UsageRow
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
_of_group = (
    select(runs.c.cost)
    .join_from(runs, jobs, jobs.c.id == runs.c.job_id)
    .where(
        runs.c.connector == bindparam("connector"),
        runs.c.action == bindparam("action"),
        runs.c.price_group == bindparam("group"),
        runs.c.cost.is_not(None),
        jobs.c.is_sandbox.is_(False),
    )
)
_count = select(func.count()).select_from(_of_group.subquery())
_nth = _of_group.order_by(runs.c.cost).offset(bindparam("nth")).limit(1)


def usage(
    connection: Connection, by: UsageBy, *, since: int | None = None
) -> Sequence[UsageRow]:
    """Return the use, the dearest first; runs of a sandbox are left out."""
    name = _BY[by].label("name")
    was_sent = runs.c.state.not_in(("planned", "claimed"))
    found = (
        select(name, *_SUMS)
        .join_from(runs, jobs, jobs.c.id == runs.c.job_id)
        .where(jobs.c.is_sandbox.is_(False), was_sent)
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
    count = connection.scalar(_count, names) or 0
    if count < _ENOUGH_RUNS:
        return None
    # The smallest cost that 99 of 100 runs do not exceed.
    nth = -(-99 * count // 100) - 1
    return connection.scalar(_nth, names | {"nth": nth})


def _day(day_ms: int) -> str:
    return datetime.fromtimestamp(day_ms / 1000, UTC).date().isoformat()
