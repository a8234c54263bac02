"""Erase content. Digests, states, times and costs stay.

Content belongs to what it is a part of: a step's run to its flow, and a row's flow to its job.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import Connection, delete, or_, select, update

from perplexity_connector.host.ledger.schema import (
    BATCH,
    flow_steps,
    flows,
    job_flows,
    jobs,
    lines,
    rows,
    runs,
)
from perplexity_connector.host.ledger.transactions.kept_plans import forget_plans

if TYPE_CHECKING:
    from sqlalchemy import Select

    # Ids, or the query that finds them: a table may have more rows than a statement has values.
    Ids: TypeAlias = Collection[str] | Select[str]

_erased_flow = (
    select(flows.c.id)
    .where(flows.c.id == jobs.c.flow_id, flows.c.content_erased)
    .exists()
)
_is_its_own = or_(jobs.c.flow_id.is_(None), _erased_flow)
_CONTENT = dict.fromkeys(("input", "output", "checkpoint", "summary"))


def flows_of_jobs(ids: Collection[str]) -> "Select[str]":
    """Return the query of the flows of these jobs' rows."""
    of_jobs = select(rows.c.id).where(rows.c.job_id.in_(ids))
    return select(flows.c.id).where(flows.c.row_id.in_(of_jobs))


def runs_of_flows(ids: "Ids") -> "Select[str]":
    """Return the query of the runs of these flows, as jobs of one row."""
    named = select(flow_steps.c.run_id).where(flow_steps.c.flow_id.in_(ids))
    return select(jobs.c.id).where(jobs.c.id.in_(named))


def erase(connection: Connection, entry_id: str) -> bool:
    """Erase the content of a job, a run or a flow that has ended, unless it is a part of another one.

    Return whether it is erased.
    """
    has_ended = (jobs.c.id == entry_id, jobs.c.ended_at.is_not(None), _is_its_own)
    found = connection.scalars(select(jobs.c.id).where(*has_ended)).all()
    erase_jobs(connection, found)
    return bool(found) or _erase_flow(connection, entry_id)


def erase_expired(connection: Connection, *, ended_before: int) -> int:
    """Erase the content of jobs and flows that ended before this time, a batch of them. Return how many."""
    kept = (flows.c.content_erased.is_(False), flows.c.row_id.is_(None))
    expired = select(flows.c.id).where(*kept, flows.c.ended_at < ended_before)
    of_flows = connection.scalars(expired.limit(BATCH)).all()
    erase_flows(connection, of_flows)
    is_kept = jobs.c.content_erased.is_(False)
    expired = select(jobs.c.id).where(is_kept, jobs.c.ended_at < ended_before)
    of_jobs = connection.scalars(expired.where(_is_its_own).limit(BATCH)).all()
    erase_jobs(connection, of_jobs)
    return len(of_flows) + len(of_jobs)


def erase_jobs(connection: Connection, ids: Collection[str]) -> None:
    """Erase the content of these jobs, and of the flows of their rows."""
    if not ids:
        return
    of_rows = flows_of_jobs(ids)
    if connection.scalar(of_rows.limit(1)) is not None:
        erase_flows(connection, of_rows)
    _erase(connection, ids)
    connection.execute(delete(job_flows).where(job_flows.c.job_id.in_(ids)))
    # It may name what is erased, and the next start must enter the table again.
    forget_plans(connection, ids)


def erase_flows(connection: Connection, ids: "Ids") -> None:
    """Erase the content of these flows, and of those runs of their steps that have ended."""
    _erase(connection, runs_of_flows(ids).where(jobs.c.ended_at.is_not(None)))
    of_steps = update(flow_steps).where(flow_steps.c.flow_id.in_(ids))
    connection.execute(of_steps.values(record=None))
    content = dict.fromkeys(("document", "inputs", "summary"))
    erased = update(flows).where(flows.c.id.in_(ids))
    connection.execute(erased.values(content | {"content_erased": True}))


def _erase_flow(connection: Connection, flow_id: str) -> bool:
    has_ended = (flows.c.id == flow_id, flows.c.ended_at.is_not(None))
    of_id = select(flows.c.id).where(*has_ended, flows.c.row_id.is_(None))
    found = connection.scalars(of_id).all()
    if found:
        erase_flows(connection, found)
    return bool(found)


def _erase(connection: Connection, ids: "Ids") -> None:
    erased = (
        update(runs).where(runs.c.job_id.in_(ids)).values(_CONTENT),
        update(rows).where(rows.c.job_id.in_(ids)).values(input=None),
        update(lines).where(lines.c.job_id.in_(ids)).values(record=None),
        update(jobs).where(jobs.c.id.in_(ids)).values(content_erased=True),
    )
    for statement in erased:
        connection.execute(statement)
