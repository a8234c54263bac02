"""The runs, jobs and lines that the ledger knows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Connection,
    RowMapping,
    and_,
    func,
    null,
    or_,
    outerjoin,
    select,
)

from perplexity_connector.host.ledger.entries import (
    ENDED,
    KnownJob,
    KnownLine,
    KnownRow,
    KnownRun,
    State,
)
from perplexity_connector.host.ledger.schema import (
    budgets,
    is_current,
    is_present,
    jobs,
    lines,
    rows,
    runs,
)
from perplexity_connector.host.ledger.texts import unpacked
from perplexity_connector.host.ledger.transactions.budgets import job_budget
from perplexity_connector.host.ledger.transactions.table_lines import as_lines

if TYPE_CHECKING:
    from sqlalchemy import Select

_KNOWN_RUN = (
    runs.c.id.label("run_id"),
    runs.c.job_id,
    runs.c.connector,
    runs.c.action,
    runs.c.version,
    runs.c.connection,
    jobs.c.is_sandbox,
    jobs.c.flow_id,
    rows.c.number,
    rows.c.key,
    runs.c.state,
    runs.c.created_at,
    runs.c.ended_at,
    runs.c.attempts,
    runs.c.status,
    runs.c.error_code,
    runs.c.effect,
    runs.c.usage,
    runs.c.cost,
    runs.c.cost_basis,
    (runs.c.kept + runs.c.reserved).label("kept"),
    runs.c.perhaps_twice,
    runs.c.model,
    runs.c.input,
    runs.c.summary,
)
_RUN = (
    select(*_KNOWN_RUN)
    .join_from(runs, rows, rows.c.id == runs.c.row_id)
    .join(jobs, jobs.c.id == runs.c.job_id)
)
# A run outside a job is a job of one row, and gives it its id.
_is_outside = runs.c.job_id == runs.c.id
_LARGE = (runs.c.checkpoint, runs.c.output)
# The columns of a job that no reader needs.
_NOT_KNOWN = ("owner", "fingerprint", "idempotent", "flow_id")
_LINE = (
    lines.c.number,
    rows.c.number.label("row_number"),
    rows.c.key,
    rows.c.digest,
    rows.c.state,
    runs.c.id.label("run_id"),
    runs.c.error_code,
    runs.c.cost,
)
_CONTENT = (lines.c.record, lines.c.output_end, runs.c.output)
_NO_CONTENT = (null().label("record"), lines.c.output_end, null().label("output"))


def find_runs(
    connection: Connection,
    *,
    status: str | None = None,
    since: int | None = None,
    limit: int = 50,
    job_id: str | None = None,
) -> Sequence[KnownRun]:
    """Return the runs of a job, or those outside jobs, newest first.

    `status`: a state, or the status of an envelope.
    """
    found = _RUN.order_by(runs.c.created_at.desc(), runs.c.id)
    found = found.where(_is_outside if job_id is None else runs.c.job_id == job_id)
    if status is not None:
        found = found.where(or_(runs.c.state == status, runs.c.status == status))
    newest = found.where(runs.c.created_at >= (since or 0)).limit(limit)
    return [_known_run(row) for row in connection.execute(newest).mappings()]


def find_run(connection: Connection, run_id: str) -> KnownRun | None:
    """Return a run with its output and its checkpoint."""
    found = _RUN.add_columns(*_LARGE).where(runs.c.id == run_id)
    row = connection.execute(found).mappings().one_or_none()
    return _known_run(row) if row else None


def find_last_run(
    connection: Connection, connector: str, action: str, over: str | None
) -> KnownRun | None:
    """Return the newest run of an action that succeeded over a connection, with its output.

    Runs of flows, of tables and of sandboxes do not count.
    """
    alike = (
        runs.c.connector == connector,
        runs.c.action == action,
        runs.c.connection == over,
        runs.c.state == "done",
    )
    alone = (_is_outside, jobs.c.flow_id.is_(None), ~jobs.c.is_sandbox)
    found = _RUN.add_columns(*_LARGE).where(*alike, *alone)
    newest = found.order_by(runs.c.created_at.desc(), runs.c.id).limit(1)
    row = connection.execute(newest).mappings().one_or_none()
    return _known_run(row) if row else None


def find_job(connection: Connection, id_or_name: str) -> KnownJob | None:
    """Return a job by its id or its name."""
    of_job = or_(jobs.c.id == id_or_name, jobs.c.name == id_or_name)
    found = connection.execute(select(jobs).where(of_job)).mappings().first()
    return _known_job(connection, found) if found else None


def price_groups(connection: Connection, job_id: str) -> Collection[str]:
    """Return the price groups of a job's rows that have no listed price."""
    has_group = (rows.c.job_id == job_id, rows.c.price_group.is_not(None))
    found = select(rows.c.price_group).distinct().where(*has_group)
    return [group for group in connection.scalars(found) if group]


def find_jobs(
    connection: Connection, *, since: int | None = None, limit: int = 50
) -> Sequence[KnownJob]:
    """Return the jobs of tables, newest first."""
    of_run = select(runs.c.id).where(_is_outside, runs.c.id == jobs.c.id).exists()
    found = select(jobs).where(~of_run, jobs.c.created_at >= (since or 0))
    newest = found.order_by(jobs.c.created_at.desc(), jobs.c.id).limit(limit)
    known = connection.execute(newest).mappings().all()
    return [_known_job(connection, job) for job in known]


def _known_job(connection: Connection, found: RowMapping) -> KnownJob:
    known = dict(found)
    for name in _NOT_KNOWN:
        del known[name]
    return KnownJob(
        job_id=known.pop("id"),
        columns=unpacked(known.pop("columns")),
        **known,
        **_totals(connection, found["id"]),
    )


def find_rows(
    connection: Connection, job_id: str, keys: Collection[str]
) -> Mapping[str, KnownRow]:
    """Return the rows of these keys, for the plan."""
    of_keys = (rows.c.job_id == job_id, rows.c.key.in_(keys))
    found = select(*(rows.c[one.name] for one in fields(KnownRow))).where(*of_keys)
    known = connection.execute(found).mappings()
    return {row["key"]: KnownRow(**row) for row in known}


def find_lines(
    connection: Connection,
    job_id: str,
    *,
    after: int = -1,
    limit: int = 1000,
    is_unwritten: bool = False,
) -> Sequence[KnownLine]:
    """Return lines after that number whose row has ended; or only those that are not written."""
    found = _lines(job_id).add_columns(*_CONTENT).where(rows.c.state.in_(ENDED))
    if is_unwritten:
        found = found.where(lines.c.output_end.is_(None))
    next_ones = found.where(lines.c.number > after).order_by(lines.c.number)
    return _known_lines(connection, next_ones.limit(limit))


def last_written(connection: Connection, job_id: str) -> Sequence[KnownLine]:
    """Return the last two lines in the output file, by where their records end."""
    written = lines.c.output_end.is_not(None)
    found = _lines(job_id).add_columns(*_CONTENT).where(written)
    last = found.order_by(lines.c.output_end.desc()).limit(2)
    return _known_lines(connection, last)


def find_failures(connection: Connection, job_id: str) -> Sequence[KnownLine]:
    """Return the lines whose row failed or is unsure, without their content."""
    failed = rows.c.state.in_(("failed", "unsure"))
    found = _lines(job_id).add_columns(*_NO_CONTENT).where(failed)
    return _known_lines(connection, found.order_by(lines.c.number))


def _lines(job_id: str) -> "Select[*tuple[Any, ...]]":
    joined = outerjoin(rows, runs, is_current).join(lines, lines.c.row_id == rows.c.id)
    of_job = (lines.c.job_id == job_id, rows.c.job_id == job_id)
    return select(*_LINE).select_from(joined).where(*of_job)


def _known_lines(
    connection: Connection, found: "Select[*tuple[Any, ...]]"
) -> Sequence[KnownLine]:
    return as_lines(connection.execute(found))


def _known_run(row: RowMapping) -> KnownRun:
    known = dict(row)
    for name in ("usage", "input", "checkpoint", "output"):
        known[name] = unpacked(known.get(name))
    return KnownRun(**known)


def _totals(connection: Connection, job_id: str) -> dict[str, Any]:
    """Return the sums over a job."""
    of_budget = budgets.c.id == job_budget(job_id)
    budget = connection.execute(
        select(budgets.c.cap, budgets.c.committed).where(of_budget)
    ).one_or_none()
    twice = func.count().filter(runs.c.perhaps_twice)
    sums = select(func.sum(runs.c.cost), twice).where(runs.c.job_id == job_id)
    cost, perhaps_twice = connection.execute(sums).one()
    return {
        "cap": budget.cap if budget else None,
        "committed": budget.committed if budget else 0,
        "cost": int(cost or 0),
        "counts": _counts(connection, job_id),
        "perhaps_twice": perhaps_twice,
    }


def _counts(connection: Connection, job_id: str) -> Mapping[State, int]:
    of_job = and_(rows.c.job_id == job_id, is_present)
    found = select(rows.c.state, func.count()).where(of_job).group_by(rows.c.state)
    return dict(connection.execute(found).all())
