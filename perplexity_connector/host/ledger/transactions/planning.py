"""Jobs and their rows: begun, planned, started, ended."""

from collections.abc import Callable

from sqlalchemy import (
    Connection,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from perplexity_connector.host.ledger.entries import (
    ENDED,
    FencedError,
    NewJob,
    Retry,
)
from perplexity_connector.host.ledger.schema import (
    ACTION,
    is_present,
    job_flows,
    jobs,
    lines,
    rows,
)
from perplexity_connector.host.ledger.texts import packed
from perplexity_connector.host.ledger.transactions.budgets import job_budget, set_cap
from perplexity_connector.host.ledger.transactions.held import (
    follow,
    plan_rows,
    require_dead,
)
from perplexity_connector.host.ledger.transactions.kept_plans import forget_plans
from perplexity_connector.host.ledger.transactions.table_lines import (
    has_unwritten,
    leave_out,
    mark_stale,
    rewritten,
    set_stale,
    unwrite,
)
from perplexity_connector.host.ledger.transactions.takeovers import take_over

_writer = select(jobs.c.owner).where(jobs.c.id == bindparam("job")).with_for_update()
_same_output = select(jobs.c.owner).where(
    jobs.c.output == bindparam("output"),
    jobs.c.id != bindparam("job"),
    jobs.c.owner.is_not(None),
)
_of_job = update(jobs).where(jobs.c.id == bindparam("job"))
_own = _of_job.values(owner=bindparam("by"))
_count_start = _of_job.values(
    starts=jobs.c.starts + 1,
    ended_at=None,
    end_reason=None,
    cancel_requested=False,
)


def begin_job(connection: Connection, new: NewJob, *, now: int) -> None:
    """Begin a job, or note the newest connection fingerprint, columns and flow of a known one.

    Raises `FencedError` if another process has just begun a job of that name.
    """
    of_id = update(jobs).where(jobs.c.id == new.job_id)
    newest = {"fingerprint": new.fingerprint, "columns": packed(new.columns)}
    if connection.execute(of_id.values(newest)).rowcount:
        _keep_flow(connection, new)
        return
    of_name = select(jobs.c.id).where(jobs.c.name == new.name)
    if new.name and connection.scalar(of_name):
        message = "Another process has begun this job."
        raise FencedError(message)
    connection.execute(insert(jobs), _job(new, now))
    set_cap(connection, job_budget(new.job_id), new.cap)
    _keep_flow(connection, new)


def rename_job(
    connection: Connection,
    job_id: str,
    name: str | None,
    *,
    is_alive: Callable[[str], bool],
) -> None:
    """Give a job another name: the old job of `--fresh` frees its name for the new one.

    Raises `FencedError` with the pid of a process that writes for it.
    """
    writers = connection.scalars(_writer, {"job": job_id}).all()
    require_dead(connection, writers, is_alive)
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(name=name))


def start_job(  # noqa: PLR0913 - a start's options, and what every transaction has
    connection: Connection,
    owner: str,
    job_id: str,
    *,
    cap: int | None,
    retry: Retry | None = None,
    last_line: int | None = None,
    output: str | None = None,
    is_alive: Callable[[str], bool],
    now: int,
) -> None:
    """Begin to write for a job: take over, drop lines after `last_line`, and plan the rows to retry.

    `cap` replaces the old one; None leaves it. With another `output`, all lines count as not written.
    Raises `LookupError`, or `FencedError` with the pid of another process that writes for it, or into
    its output.
    """
    _own_job(connection, owner, job_id, is_alive)
    # The table gives the rows their content back.
    refilled = update(jobs).where(jobs.c.id == job_id)
    connection.execute(refilled.values(content_erased=False))
    forget_plans(connection, [job_id])
    if cap is not None:
        set_cap(connection, job_budget(job_id), cap)
    if last_line is not None:
        dropped = (lines.c.job_id == job_id, lines.c.number > last_line)
        mark_stale(connection, job_id, *dropped)
        if connection.execute(delete(lines).where(*dropped)).rowcount:
            leave_out(connection, job_id)
    if output is not None:
        _write_into(connection, job_id, output, is_alive)
    _go_on(connection, job_id, retry, is_alive=is_alive, now=now)


def restart_job(
    connection: Connection,
    job_id: str,
    *,
    retry: Retry | None,
    is_alive: Callable[[str], bool],
    now: int,
) -> None:
    """Count a start of a job whose rows any process may claim. Its writer stays. Raises `LookupError`."""
    _writer_of(connection, job_id)
    if retry:
        # The writer may be about to note records that are out of date from now on.
        set_stale(connection, jobs.c.id == job_id, is_stale=True)
    _go_on(connection, job_id, retry, is_alive=is_alive, now=now)


def write_job(
    connection: Connection,
    owner: str,
    job_id: str,
    *,
    output: str,
    is_alive: Callable[[str], bool],
) -> None:
    """Begin to write the output of a job, without a new start. Raises as `start_job`."""
    _own_job(connection, owner, job_id, is_alive)
    _write_into(connection, job_id, output, is_alive)


def end_job(  # noqa: PLR0913 - why it ends, and what every transaction has
    connection: Connection,
    owner: str,
    job_id: str,
    reason: str | None,
    *,
    is_writer: bool,
    is_alive: Callable[[str], bool],
    now: int,
) -> bool:
    """Stop to work for a job. It has ended if no row is left, and nothing living writes for it any more.

    `is_writer`: this owner stops to write for it; else it has only run rows. Return whether it has
    ended, and its output has all records.
    """
    writer = _writer_of(connection, job_id)
    stops_writing = is_writer and writer == owner
    if writer and not stops_writing and is_alive(writer):
        return False
    is_open = (rows.c.job_id == job_id, rows.c.state.not_in(ENDED), is_present)
    left = connection.scalar(select(exists().where(*is_open)))
    ended = {
        "owner": None,
        "end_reason": func.coalesce(reason, jobs.c.end_reason),
        "ended_at": None if left else func.coalesce(jobs.c.ended_at, now),
    }
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(ended))
    return not left and not has_unwritten(connection, job_id)


def _job(new: NewJob, now: int) -> dict[str, object]:
    return {
        "id": new.job_id,
        "name": new.name,
        **{name: getattr(new, name) for name in ACTION},
        "template_digest": new.template_digest,
        "columns": packed(new.columns),
        "is_sandbox": new.is_sandbox,
        "created_at": now,
        "output": new.output,
    }


def _keep_flow(connection: Connection, new: NewJob) -> None:
    """Keep the flow of a job, for the other processes that run its rows."""
    if document := packed(new.flow):
        connection.execute(delete(job_flows).where(job_flows.c.job_id == new.job_id))
        connection.execute(
            insert(job_flows), {"job_id": new.job_id, "document": document}
        )


def _writer_of(connection: Connection, job_id: str) -> str | None:
    """Return the owner that writes for a job, which is locked from now on. Raises `LookupError`."""
    found = connection.execute(_writer, {"job": job_id}).one_or_none()
    if found is None:
        raise LookupError(job_id)
    owner: str | None = found.owner
    return owner


def _own_job(
    connection: Connection, owner: str, job_id: str, is_alive: Callable[[str], bool]
) -> None:
    writer = _writer_of(connection, job_id)
    require_dead(connection, {writer} - {owner}, is_alive)
    connection.execute(_own, {"job": job_id, "by": owner})


def _go_on(
    connection: Connection,
    job_id: str,
    retry: Retry | None,
    *,
    is_alive: Callable[[str], bool],
    now: int,
) -> None:
    """Count a start: take over, let begun rows be followed, and plan the rows to retry."""
    connection.execute(_count_start, {"job": job_id})
    take_over(connection, is_alive=is_alive, now=now, job_id=job_id)
    is_begun = (rows.c.state == "begun", rows.c.owner.is_(None))
    follow(connection, rows.c.job_id == job_id, *is_begun)
    if retry:
        _retry(connection, job_id, retry)


def _write_into(
    connection: Connection, job_id: str, output: str, is_alive: Callable[[str], bool]
) -> None:
    _require_alone(connection, job_id, output, is_alive)
    _move_output(connection, job_id, output)


def _require_alone(
    connection: Connection, job_id: str, output: str, is_alive: Callable[[str], bool]
) -> None:
    """Raise `FencedError` while a process writes into that file for another job."""
    of_output = {"job": job_id, "output": output}
    writers = connection.scalars(_same_output, of_output).all()
    require_dead(connection, writers, is_alive)


def _move_output(connection: Connection, job_id: str, output: str) -> None:
    other = (jobs.c.id == job_id, jobs.c.output.is_distinct_from(output))
    moved = update(jobs).where(*other).values(output=output)
    if connection.execute(moved).rowcount:
        rewritten(connection, job_id, ())


def _retry(connection: Connection, job_id: str, state: Retry) -> None:
    retried = (rows.c.job_id == job_id, rows.c.state == state, is_present)
    ids = select(rows.c.id).where(*retried)
    unwrite(connection, job_id, lines.c.row_id.in_(ids))
    plan_rows(connection, *retried)
