"""The history: flows, runs outside flows and jobs, and tables, in one list."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    case,
    func,
    or_,
    select,
    union_all,
)

from perplexity_connector.host.ledger.entries import ENDED, FLOW, State
from perplexity_connector.host.ledger.flow_entries import (
    WHOLE,
    HistoryEntry,
    HistoryStatus,
    KnownFlow,
)
from perplexity_connector.host.ledger.records.flow_reading import (
    flow_has,
    flows_of,
    is_listed,
)
from perplexity_connector.host.ledger.records.searching import has_text, page
from perplexity_connector.host.ledger.schema import (
    budgets,
    flows,
    is_present,
    job_flows,
    jobs,
    rows,
    runs,
)
from perplexity_connector.host.ledger.transactions.budgets import job_budget

if TYPE_CHECKING:
    from sqlalchemy import RowMapping, Select

_IsAlive: TypeAlias = Callable[[str], bool]

# Two indexes answer these: a table of any size is one job, and a run outside jobs is another.
_flow = select(flows.c.id, flows.c.created_at.label("at")).where(is_listed)
_job = select(jobs.c.id, jobs.c.created_at.label("at")).where(jobs.c.flow_id.is_(None))
_action = case(
    (jobs.c.connector == FLOW, jobs.c.action),
    else_=jobs.c.connector + "." + jobs.c.action,
)
_run = (
    select(
        runs.c.id,
        _action.label("title"),
        runs.c.created_at.label("at"),
        runs.c.ended_at,
        runs.c.state,
        runs.c.status,
        runs.c.cost,
        runs.c.summary,
        jobs.c.is_sandbox,
        rows.c.owner,
    )
    .join_from(runs, rows, rows.c.id == runs.c.row_id)
    .join(jobs, jobs.c.id == runs.c.job_id)
    .where(runs.c.id == runs.c.job_id)
)
_table = select(
    jobs.c.id,
    func.coalesce(jobs.c.name, _action).label("title"),
    jobs.c.created_at.label("at"),
    jobs.c.ended_at,
    jobs.c.is_sandbox,
    jobs.c.owner,
    # The sum over its runs would read each of them.
    budgets.c.committed.label("cost"),
).outerjoin_from(jobs, budgets, budgets.c.id == job_budget("") + jobs.c.id)
_counts = (
    select(rows.c.job_id, rows.c.state, func.count())
    .where(is_present)
    .group_by(rows.c.job_id, rows.c.state)
)
_holders = (
    select(rows.c.job_id, rows.c.owner).distinct().where(rows.c.owner.is_not(None))
)


def find_history(
    connection: Connection,
    *,
    search: str | None,
    before: tuple[int, str] | None,
    limit: int,
    is_alive: _IsAlive,
) -> Sequence[HistoryEntry]:
    """Return the entries after that place, newest first."""
    of_flows, of_jobs = _flow, _job
    if search:
        of_flows, of_jobs = (
            of_flows.where(flow_has(search)),
            of_jobs.where(_job_has(search)),
        )
    parts = (
        page(of_flows, flows.c.created_at, flows.c.id, before=before, limit=limit),
        page(of_jobs, jobs.c.created_at, jobs.c.id, before=before, limit=limit),
    )
    both = union_all(*(select(part.subquery()) for part in parts)).subquery()
    newest = page(select(both), both.c.at, both.c.id, before=None, limit=limit)
    ids = connection.scalars(newest).all()
    known = {entry.id: entry for entry in _entries(connection, ids, is_alive)}
    return [known[entry_id] for entry_id in ids]


def _job_has(search: str) -> ColumnElement[bool]:
    """Return whether a run outside a job, or a table, has a text."""
    of_run = has_text(search, (runs.c.summary, runs.c.model), (runs.c.input,))
    of_flow = has_text(search, (), (job_flows.c.document,))
    return or_(
        has_text(search, (jobs.c.name, jobs.c.output, _action)),
        select(runs.c.id).where(runs.c.id == jobs.c.id, of_run).exists(),
        select(job_flows.c.job_id)
        .where(job_flows.c.job_id == jobs.c.id, of_flow)
        .exists(),
    )


def _entries(
    connection: Connection, ids: Sequence[str], is_alive: _IsAlive
) -> Iterator[HistoryEntry]:
    found = {flow.flow_id: flow for flow in flows_of(connection, ids, is_alive)}
    yield from map(_flow_entry, found.values())
    of_runs = connection.execute(_run.where(runs.c.id.in_(ids))).mappings().all()
    yield from (_run_entry(run, is_alive) for run in of_runs)
    others = set(ids) - set(found) - {run["id"] for run in of_runs}
    if others:
        yield from _table_entries(connection, others, is_alive)


def _flow_entry(flow: KnownFlow) -> HistoryEntry:
    return HistoryEntry(
        kind="flow",
        id=flow.flow_id,
        title=flow.title or flow.source or flow.flow_id,
        at=flow.created_at,
        ended_at=flow.ended_at,
        status=flow.state,
        cost=flow.cost,
        is_sandbox=flow.is_sandbox,
        summary=flow.summary,
        inputs=flow.inputs,
        steps=tuple(step.step for step in flow.steps if step.item == WHOLE),
    )


def _run_entry(run: "RowMapping", is_alive: _IsAlive) -> HistoryEntry:
    known = dict(run)
    owner, state, status = (known.pop(name) for name in ("owner", "state", "status"))
    return HistoryEntry(
        kind="run", status=_run_status(owner, state, status, is_alive), **known
    )


def _run_status(
    owner: str | None, state: State, status: HistoryStatus | None, is_alive: _IsAlive
) -> HistoryStatus:
    if state == "unsure":
        return "unsure"
    if state in ENDED:
        return status or "failed"
    return _open_status([owner], is_alive)


def _open_status(owners: Iterable[str | None], is_alive: _IsAlive) -> HistoryStatus:
    is_running = any(owner and is_alive(owner) for owner in owners)
    return "running" if is_running else "interrupted"


def _table_entries(
    connection: Connection, ids: Collection[str], is_alive: _IsAlive
) -> Iterator[HistoryEntry]:
    counts = _by_job(connection, _counts.where(rows.c.job_id.in_(ids)))
    holders = _by_job(connection, _holders.where(rows.c.job_id.in_(ids)))
    tables = connection.execute(_table.where(jobs.c.id.in_(ids))).mappings()
    for table in tables.all():
        known = dict(table)
        of_table = known["id"]
        owners = [known.pop("owner"), *(owner for (owner,) in holders[of_table])]
        of_states = dict(counts[of_table])
        yield HistoryEntry(
            kind="table",
            status=_table_status(known["ended_at"], of_states, owners, is_alive),
            counts=of_states,
            **known,
        )


def _by_job(
    connection: Connection, found: "Select[*tuple[Any, ...]]"
) -> Mapping[str, Sequence[Any]]:
    """Return the other columns that a query finds, by job."""
    of_job: dict[str, list[Any]] = defaultdict(list)
    for job_id, *others in connection.execute(found):
        of_job[job_id].append(others)
    return of_job


def _table_status(
    ended_at: int | None,
    counts: Mapping[State, int],
    owners: Collection[str | None],
    is_alive: _IsAlive,
) -> HistoryStatus:
    if ended_at is None:
        return _open_status(owners, is_alive)
    if counts.get("unsure"):
        return "unsure"
    return "failed" if counts.get("failed") else "succeeded"
