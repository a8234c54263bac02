"""Begin a start of a job: enter new rows into the ledger, and open the output where it ended."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from perplexity_connector.host.ledger.entries import FencedError, KnownLine, NewJob
from perplexity_connector.host.ledger.writing.waiting import committed
from perplexity_connector.host.tables.inputs.kept_plans import document_of
from perplexity_connector.host.tables.inputs.planning import Plan
from perplexity_connector.host.tables.jobs import TableJob, require_free
from perplexity_connector.host.tables.outputs.output import (
    Known,
    Output,
    check,
    free_path,
    settle_unfinished,
    unfinished,
)
from perplexity_connector.host.tables.outputs.records import outcome_of
from perplexity_connector.host.tables.refusals import refusal

if TYPE_CHECKING:
    from perplexity_connector.host.ledger.ledger import Ledger


async def enter_job(
    ledger: "Ledger", job: TableJob, plan: Plan, *, is_sandbox: bool
) -> None:
    """Enter a job and the new rows of its table. From then on this process writes for it.

    Raises `ConnectorError` (`invalid_input`) if another process does.
    """
    try:
        if job.replaced is not None:
            renamed = ledger.rename_job(job.replaced.job_id, None)
            await committed(renamed)
        await _begin(ledger, job, plan, is_sandbox=is_sandbox)
    except FencedError as fenced:
        process = "Another process" if fenced.pid is None else f"Process {fenced.pid}"
        message = f"{process} works on this job or its output already. Wait for its end, or stop it."
        raise refusal(message) from None


async def _begin(
    ledger: "Ledger", job: TableJob, plan: Plan, *, is_sandbox: bool
) -> None:
    job_id = job.job_id
    new = NewJob(
        job_id=job_id,
        name=job.name,
        connector=job.request.connector,
        action=job.request.action,
        version=job.version,
        connection=job.connection_name,
        idempotent=job.is_idempotent,
        template_digest=job.digest,
        columns={"table": list(job.layout.columns), "own": dict(job.layout.own)},
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


async def check_output(ledger: "Ledger", job: TableJob) -> None:
    """Refuse an output that was changed, before the ledger plans rows again. Raises `ConnectorError`."""
    path = job.request.out
    if not (job.known and job.known.output == str(path)):
        if not job.is_fresh:
            require_free(job.request)  # another job may have begun it since the plan
    elif path.exists() and not unfinished(path).exists():
        known = await _known(ledger, job)
        await asyncio.to_thread(check, path, job.layout.header(), known)


async def open_output(ledger: "Ledger", job: TableJob) -> Output:
    """Open the output after the last record that the ledger knows. Raises `ConnectorError` if it cannot."""
    path = job.request.out
    known = await _known(ledger, job)
    settle_unfinished(path, known)
    if known.end and not path.exists():
        # The file has gone, and nothing of it can be overwritten: all records are written again.
        await committed(ledger.rewritten(job.job_id, ()))
        known = Known(job_id=job.job_id)
    return Output(path, job.layout.header(), known)


async def _known(ledger: "Ledger", job: TableJob) -> Known:
    job_id = job.job_id
    known = Known(job_id=job_id)
    is_lossy = await committed(ledger.has_erased(job_id))
    if written := await committed(ledger.last_written(job_id)):
        last = written[0]
        known = Known(job_id=job_id, end=last.output_end or 0, last=_record(job, last))
        if known.last:
            return replace(known, is_lossy=is_lossy)
    found = ledger.find_lines(job_id, is_unwritten=True)
    next_ones = [_record(job, line) for line in await committed(found)]
    next_ones = [record for record in next_ones if record]
    return replace(known, next=next_ones, is_lossy=is_lossy)


def _record(job: TableJob, line: KnownLine) -> bytes:
    """Return the record of a line; nothing if its content was erased."""
    if line.record is None or (line.state == "done" and line.output is None):
        return b""
    return job.layout.encode(line, outcome_of(line))
