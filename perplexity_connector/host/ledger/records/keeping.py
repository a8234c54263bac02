"""Cancel and forget runs, jobs and flows of other processes."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection, bindparam, or_, select, union_all, update

from perplexity_connector.host.ledger.records.erasing import (
    erase_flows,
    erase_jobs,
    flows_of_jobs,
    runs_of_flows,
)
from perplexity_connector.host.ledger.schema import (
    flow_steps,
    flows,
    is_current,
    jobs,
    rows,
    runs,
)
from perplexity_connector.host.ledger.transactions.held import (
    held_where,
    require_dead,
)
from perplexity_connector.host.ledger.transactions.takeovers import (
    leave_unsure,
    take_over,
)

if TYPE_CHECKING:
    from perplexity_connector.host.ledger.records.erasing import Ids

_cancelled_runs = (
    select(runs.c.id)
    .join_from(rows, runs, is_current)
    .join(jobs, jobs.c.id == rows.c.job_id)
    .where(
        rows.c.owner == bindparam("by"),
        or_(rows.c.cancel_requested, jobs.c.cancel_requested),
    )
)
_cancelled_flows = select(flows.c.id).where(
    flows.c.owner == bindparam("by"), flows.c.cancel_requested
)
_cancelled_steps = (
    select(flow_steps.c.run_id)
    .join_from(flows, flow_steps, flow_steps.c.flow_id == flows.c.id)
    .where(flows.c.owner == bindparam("by"), flow_steps.c.cancel_requested)
)
_cancelled = union_all(_cancelled_runs, _cancelled_flows, _cancelled_steps)


def cancel(connection: Connection, entry_id: str) -> bool:
    """Ask the owner of a run, a flow, a step with `each`, or of a job's runs, to stop.

    Return whether one is held. Raises `LookupError`.
    """
    of_id = (jobs.c.id == entry_id,)
    if connection.execute(
        update(jobs).where(*of_id).values(cancel_requested=True)
    ).rowcount:
        wanted = rows.c.job_id == entry_id
    else:
        row = select(runs.c.row_id).where(runs.c.id == entry_id)
        row_id = connection.scalar(row)
        if row_id is None:
            return _cancel_flow(connection, entry_id)
        wanted = rows.c.id == row_id
        connection.execute(update(rows).where(wanted).values(cancel_requested=True))
    is_held = select(rows.c.id).where(wanted, rows.c.owner.is_not(None)).limit(1)
    return connection.scalar(is_held) is not None


def cancelled_runs(connection: Connection, owner: str) -> Sequence[str]:
    """Return the ids of the runs, flows and steps that this owner holds and should stop."""
    return connection.scalars(_cancelled, {"by": owner}).all()


def forget(
    connection: Connection,
    entry_id: str,
    *,
    is_alive: Callable[[str], bool],
    now: int,
) -> None:
    """Close a job, a run outside a job, or a flow with its runs, and erase the content.

    Raises `LookupError`, and `FencedError` while a process works on it.
    """
    of_job = select(jobs.c.id).where(jobs.c.id == entry_id)
    if connection.scalar(of_job) is None:
        _forget_flow(connection, entry_id, is_alive=is_alive, now=now)
        return
    _close_job(connection, entry_id, is_alive=is_alive, now=now)
    of_rows = flows_of_jobs([entry_id])
    _close_flows(connection, of_rows, is_alive=is_alive, now=now)
    erase_jobs(connection, [entry_id])


def _cancel_flow(connection: Connection, entry_id: str) -> bool:
    """Ask the owner of a flow, or of a step with `each`, to stop."""
    of_flow = flows.c.id == entry_id
    asked = update(flows).where(of_flow).values(cancel_requested=True)
    if not connection.execute(asked).rowcount:
        of_step = flow_steps.c.run_id == entry_id
        of_flow = flows.c.id.in_(select(flow_steps.c.flow_id).where(of_step))
        asked = update(flow_steps).where(of_step).values(cancel_requested=True)
        if not connection.execute(asked).rowcount:
            raise LookupError(entry_id)
    is_held = select(flows.c.id).where(of_flow, flows.c.owner.is_not(None))
    return connection.scalar(is_held) is not None


def _forget_flow(
    connection: Connection,
    flow_id: str,
    *,
    is_alive: Callable[[str], bool],
    now: int,
) -> None:
    of_flow = select(flows.c.owner).where(flows.c.id == flow_id)
    known = connection.execute(of_flow).one_or_none()
    if known is None:
        raise LookupError(flow_id)
    require_dead(connection, [known.owner], is_alive)
    _close_flows(connection, [flow_id], is_alive=is_alive, now=now)
    erase_flows(connection, [flow_id])


def _close_flows(
    connection: Connection,
    ids: "Ids",
    *,
    is_alive: Callable[[str], bool],
    now: int,
) -> None:
    """Close these flows, and the runs of their steps that have not ended."""
    left = runs_of_flows(ids).where(jobs.c.ended_at.is_(None))
    for run_id in connection.scalars(left).all():
        _close_job(connection, run_id, is_alive=is_alive, now=now)
    closed = update(flows).where(flows.c.id.in_(ids), flows.c.ended_at.is_(None))
    ended = {"owner": None, "ended_at": now, "status": "cancelled"}
    connection.execute(closed.values(ended))


def _close_job(
    connection: Connection,
    job_id: str,
    *,
    is_alive: Callable[[str], bool],
    now: int,
) -> None:
    of_job = jobs.c.id == job_id
    writer = connection.scalar(select(jobs.c.owner).where(of_job))
    of_rows = rows.c.job_id == job_id
    held_by = connection.scalars(select(rows.c.owner).distinct().where(of_rows))
    require_dead(connection, [writer, *held_by], is_alive)
    take_over(connection, is_alive=is_alive, now=now, job_id=job_id)
    for seen in held_where(connection, of_rows, rows.c.state == "begun"):
        leave_unsure(connection, seen, now)
    closed = update(jobs).where(of_job).values(owner=None, ended_at=now)
    connection.execute(closed)
