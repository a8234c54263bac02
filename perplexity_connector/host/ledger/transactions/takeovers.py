"""Take the rows of dead processes away, and give each row its true state."""

from collections.abc import Callable

from sqlalchemy import Connection, and_, bindparam, func, or_, select

from perplexity_connector.host.ledger.entries import State
from perplexity_connector.host.ledger.schema import is_present, jobs, rows
from perplexity_connector.host.ledger.transactions.budgets import add, lock_budgets
from perplexity_connector.host.ledger.transactions.held import (
    Held,
    change_run,
    end_lone,
    follow,
    held_where,
    move_row,
    plan_rows,
)

_owners = select(rows.c.owner).distinct().where(rows.c.owner.is_not(None))

# Rows that another process holds, and rows that are free to claim.
_waited_for = (
    select(func.count())
    .select_from(rows)
    .join(jobs, jobs.c.id == rows.c.job_id)
    .where(
        rows.c.job_id == bindparam("job"),
        rows.c.state.in_(("planned", "claimed", "sent", "begun")),
        or_(
            rows.c.owner != bindparam("by"),
            and_(
                rows.c.owner.is_(None),
                or_(rows.c.state == "planned", rows.c.to_follow.is_(True)),
            ),
        ),
        is_present,
        jobs.c.cancel_requested.is_(False),
    )
)


def take_over(
    connection: Connection,
    *,
    is_alive: Callable[[str], bool],
    now: int,
    job_id: str | None = None,
) -> int:
    """Take the rows of dead owners away, of one job or of all. Return how many.

    Nothing sent: planned. A checkpoint: `begun`, for the next claim. Idempotent and sent: planned in a
    new round, and counted as perhaps billed twice. Else `unsure`. A run outside a job ends instead of
    being planned.
    """
    dead = [owner for owner in connection.scalars(_owners) if not is_alive(owner)]
    if not dead:
        return 0
    of_job = (rows.c.job_id == job_id,) if job_id else ()
    left = held_where(connection, rows.c.owner.in_(dead), *of_job)
    lock_budgets(connection, {budget for seen in left for budget in seen.budget_ids})
    for seen in left:
        _settle(connection, seen, now)
    return len(left)


def take_over_rows(
    connection: Connection,
    owner: str,
    job_id: str,
    *,
    is_alive: Callable[[str], bool],
    now: int,
) -> int:
    """Take the rows of dead owners away. Return how many rows this owner should wait for.

    A `begun` row whose run has failed is for the next start, and not waited for.
    """
    take_over(connection, is_alive=is_alive, now=now, job_id=job_id)
    waited_for = {"job": job_id, "by": owner}
    return connection.execute(_waited_for, waited_for).scalar_one()


def settle_run(
    connection: Connection, run_id: str, *, is_alive: Callable[[str], bool], now: int
) -> bool:
    """Give a run outside a job its true state, if its process has died. Return whether one works on it."""
    take_over(connection, is_alive=is_alive, now=now, job_id=run_id)
    owner = select(rows.c.owner).where(rows.c.job_id == run_id)
    return connection.scalar(owner) is not None


def plan_again(
    connection: Connection, seen: Held, now: int, *, is_in_doubt: bool
) -> None:
    """Plan a row again, or end a run outside a job.

    `is_in_doubt`: its request may have reached the provider: its reservation stays. A run that may have
    cost something ends, and the row gets a new round: the money belongs to the budgets of its own day.
    """
    if not is_in_doubt:
        add(connection, seen.budget_ids, -seen.reserved)
    has_cost = is_in_doubt or seen.kept or seen.cost
    if seen.is_lone or has_cost:
        _end(connection, seen, "failed", now, is_in_doubt=is_in_doubt)
        plan_or_end(connection, seen, now)
        return
    unsent = {"sent_by": None, "sent_epoch": None, "sent_at": None, "checkpoint": None}
    planned = {"state": "planned", "reserved": 0, "budgets": "[]"}
    change_run(connection, seen.run_id, planned | unsent)
    move_row(connection, seen, "planned")


def plan_or_end(connection: Connection, seen: Held, now: int) -> None:
    """Plan a row in a new round; a run outside a job has ended."""
    if seen.is_lone:
        move_row(connection, seen, "failed")
        end_lone(connection, seen, now)
    else:
        plan_rows(connection, rows.c.id == seen.row_id)


def leave_unsure(connection: Connection, seen: Held, now: int) -> None:
    """End a run that may have cost something and cannot be followed. Its reservation stays."""
    _end(connection, seen, "unsure", now, is_in_doubt=True)
    move_row(connection, seen, "unsure")
    end_lone(connection, seen, now)


def _settle(connection: Connection, seen: Held, now: int) -> None:
    if seen.state == "begun":
        move_row(connection, seen, "begun")
        follow(connection, rows.c.id == seen.row_id)
    elif seen.state == "claimed":
        plan_again(connection, seen, now, is_in_doubt=False)
    elif not seen.idempotent:
        leave_unsure(connection, seen, now)
    else:
        twice = {"perhaps_twice": not seen.is_lone}
        change_run(connection, seen.run_id, twice)
        plan_again(connection, seen, now, is_in_doubt=True)


def _end(
    connection: Connection, seen: Held, state: State, now: int, *, is_in_doubt: bool
) -> None:
    changes: dict[str, object] = {"state": state, "ended_at": now, "checkpoint": None}
    changes["effect"] = "unknown" if is_in_doubt else "none"
    if not is_in_doubt:
        changes["reserved"] = 0
    change_run(connection, seen.run_id, changes)
