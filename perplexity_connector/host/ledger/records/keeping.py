"""Cancel and forget runs of other processes, and erase content that is kept no longer."""

from collections.abc import Callable, Collection, Sequence

from sqlalchemy import Connection, bindparam, or_, select, update

from perplexity_connector.host.ledger.schema import (
    BATCH,
    is_current,
    jobs,
    lines,
    rows,
    runs,
)
from perplexity_connector.host.ledger.transactions.held import (
    held_where,
    require_dead,
)
from perplexity_connector.host.ledger.transactions.kept_plans import forget_plans
from perplexity_connector.host.ledger.transactions.takeovers import (
    leave_unsure,
    take_over,
)

_cancelled = (
    select(runs.c.id)
    .join_from(rows, runs, is_current)
    .join(jobs, jobs.c.id == rows.c.job_id)
    .where(
        rows.c.owner == bindparam("by"),
        or_(rows.c.cancel_requested, jobs.c.cancel_requested),
    )
)


def cancel(connection: Connection, run_or_job_id: str) -> bool:
    """Ask the owner of a run, or of a job's runs, to stop. Return whether one is held. Raises `LookupError`."""
    of_id = (jobs.c.id == run_or_job_id,)
    if connection.execute(
        update(jobs).where(*of_id).values(cancel_requested=True)
    ).rowcount:
        wanted = rows.c.job_id == run_or_job_id
    else:
        row = select(runs.c.row_id).where(runs.c.id == run_or_job_id)
        row_id = connection.scalar(row)
        if row_id is None:
            raise LookupError(run_or_job_id)
        wanted = rows.c.id == row_id
        connection.execute(update(rows).where(wanted).values(cancel_requested=True))
    is_held = select(rows.c.id).where(wanted, rows.c.owner.is_not(None)).limit(1)
    return connection.scalar(is_held) is not None


def cancelled_runs(connection: Connection, owner: str) -> Sequence[str]:
    """Return the ids of the runs that this owner holds and should stop."""
    return connection.scalars(_cancelled, {"by": owner}).all()


def erase(connection: Connection, job_id: str) -> bool:
    """Erase the content of a job that has ended. Digest, state and cost stay. Return whether it had ended."""
    has_ended = (jobs.c.id == job_id, jobs.c.ended_at.is_not(None))
    found = connection.scalars(select(jobs.c.id).where(*has_ended)).all()
    _erase(connection, found)
    return bool(found)


def erase_expired(connection: Connection, *, ended_before: int) -> int:
    """Erase the content of jobs that ended before this time, a batch of them. Return how many."""
    kept = jobs.c.content_erased.is_(False)
    expired = select(jobs.c.id).where(kept, jobs.c.ended_at < ended_before)
    found = connection.scalars(expired.limit(BATCH)).all()
    _erase(connection, found)
    return len(found)


def forget(
    connection: Connection,
    job_or_run_id: str,
    *,
    is_alive: Callable[[str], bool],
    now: int,
) -> None:
    """Close a job, or a run outside a job, and erase its content.

    Raises `LookupError`, and `FencedError` while a process works on it.
    """
    of_job = jobs.c.id == job_or_run_id
    known = connection.execute(select(jobs.c.owner).where(of_job)).one_or_none()
    if known is None:
        raise LookupError(job_or_run_id)
    of_rows = rows.c.job_id == job_or_run_id
    held_by = connection.scalars(select(rows.c.owner).distinct().where(of_rows))
    require_dead(connection, [known.owner, *held_by], is_alive)
    take_over(connection, is_alive=is_alive, now=now, job_id=job_or_run_id)
    for seen in held_where(connection, of_rows, rows.c.state == "begun"):
        leave_unsure(connection, seen, now)
    closed = update(jobs).where(of_job).values(owner=None, ended_at=now)
    connection.execute(closed)
    _erase(connection, [job_or_run_id])


def _erase(connection: Connection, ids: Collection[str]) -> None:
    if not ids:
        return
    content = dict.fromkeys(("input", "output", "checkpoint", "summary"))
    erased = (
        update(runs).where(runs.c.job_id.in_(ids)).values(content),
        update(rows).where(rows.c.job_id.in_(ids)).values(input=None),
        update(lines).where(lines.c.job_id.in_(ids)).values(record=None),
        update(jobs).where(jobs.c.id.in_(ids)).values(content_erased=True),
    )
    for statement in erased:
        connection.execute(statement)
    # It may name what is erased, and the next start must enter the table again.
    forget_plans(connection, ids)
