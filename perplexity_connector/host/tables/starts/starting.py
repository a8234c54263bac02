"""Begin a start of a job: enter the job and new rows of its table into the ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from perplexity_connector.host.ledger.entries import FencedError, NewJob
from perplexity_connector.host.ledger.writing.waiting import committed
from perplexity_connector.host.tables.inputs.kept_plans import document_of
from perplexity_connector.host.tables.inputs.planning import Plan
from perplexity_connector.host.tables.jobs import TableJob
from perplexity_connector.host.tables.outputs.output import free_path
from perplexity_connector.host.tables.outputs.records import columns_of
from perplexity_connector.host.tables.refusals import refusal
from perplexity_connector.host.tables.request import AT_ONCE
from perplexity_connector.host.tables.rows.work import Work

if TYPE_CHECKING:
    from perplexity_connector.host.ledger.ledger import Ledger


async def enter_job(
    ledger: "Ledger", job: TableJob, plan: Plan, *, is_sandbox: bool
) -> None:
    """Enter a job and the new rows of its table. From then on this process writes for it.

    Raises `ConnectorError` (`invalid_input`) if another process does.
    """
    with one_writer():
        if job.replaced is not None:
            renamed = ledger.rename_job(job.replaced.job_id, None)
            await committed(renamed)
        await _begin(ledger, job, plan, is_sandbox=is_sandbox)


@contextmanager
def one_writer() -> Iterator[None]:
    """Raise `ConnectorError` (`invalid_input`) where another process writes for the job or its output."""
    try:
        yield
    except FencedError as fenced:
        process = "Another process" if fenced.pid is None else f"Process {fenced.pid}"
        message = f"{process} works on this job or its output already. Wait for its end, or stop it."
        raise refusal(message) from None


async def _begin(
    ledger: "Ledger", job: TableJob, plan: Plan, *, is_sandbox: bool
) -> None:
    job_id, named = job.job_id, job.runnable.named
    new = NewJob(
        job_id=job_id,
        name=job.name,
        connector=named.connector,
        action=named.action,
        version=named.version,
        connection=named.connection,
        idempotent=named.idempotent,
        template_digest=job.digest,
        flow=named.flow,
        columns=columns_of(
            job.layout, job.request.options.get("key"), named.connections
        ),
        cap=job.request.cap,
        is_sandbox=is_sandbox,
    )
    await committed(ledger.begin_job(new))
    # Before the file is the job's own: after a crash here, the next start would cut off its records.
    if job.is_fresh and job.request.out.exists():
        job.request.out.rename(free_path(job.request.out))
    started = ledger.start_job(
        job_id,
        cap=job.request.cap,
        retry=job.request.options.get("retry"),
        last_line=plan.last_line,
        output=str(job.request.out),
    )
    await committed(started)
    if job.kept is None:
        for rows, lines in plan.spool.batches():
            await committed(ledger.add_rows(job_id, rows, lines))
        # A row may have lost its line to another one, too.
        await committed(ledger.drop_lines(job_id, plan.dropped))
    await _keep_plan(ledger, job, plan)


async def _keep_plan(ledger: "Ledger", job: TableJob, plan: Plan) -> None:
    """Keep the plan for the next start, if the table was the same all the time."""
    document = document_of(plan, job.table.columns)
    if document is not None and plan.table_digest == job.table_digest:
        starts = job.known.starts + 1 if job.known else 1
        kept = ledger.keep_plan(job.job_id, job.plan_digest, document, starts=starts)
        await committed(kept)


def work_of_table(job: TableJob, plan: Plan) -> Work:
    """Return the rows that a start with the table runs."""
    request, options = job.request, job.request.options
    return Work(
        job_id=job.job_id,
        runnable=job.runnable,
        at_once=options.get("at_once", AT_ONCE),
        has_keys=options.get("key") is not None,
        groups=sorted(plan.groups),
        left=plan.runs,
        output=str(request.out),
        beside=request.out,
    )
