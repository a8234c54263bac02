"""Jobs that the ledger has already: their rows run without the table, and their output is written."""

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host.ledger.entries import (
    FLOW,
    KnownJob,
    LedgerError,
    count_ended,
)
from perplexity_connector.host.ledger.writing.waiting import committed
from perplexity_connector.host.runs.params import GivenConnection
from perplexity_connector.host.tables.figures import EndReason, finished_item
from perplexity_connector.host.tables.inputs.reading import is_json_lines
from perplexity_connector.host.tables.jobs import other_answers
from perplexity_connector.host.tables.outputs.opening import check_output, open_output
from perplexity_connector.host.tables.outputs.records import Layout, Place
from perplexity_connector.host.tables.outputs.writing import RecordWriter
from perplexity_connector.host.tables.params import JobOptions
from perplexity_connector.host.tables.refusals import refusal
from perplexity_connector.host.tables.request import AT_ONCE
from perplexity_connector.host.tables.rows.work import Work
from perplexity_connector.host.tables.runnables.runnable import Runnable
from perplexity_connector.host.tables.starts.start import end_job
from perplexity_connector.host.tables.starts.starting import one_writer

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from perplexity_connector.contract import TableFinishedItem
    from perplexity_connector.host.ledger.entries import Retry
    from perplexity_connector.host.ledger.ledger import Ledger


async def find_entered(ledger: "Ledger", job: str) -> KnownJob:
    """Return the job of a table, by its name or id. Raises `ConnectorError` (`not_found`)."""
    known = await committed(ledger.find_job(job))
    if known is None or known.template_digest is None:
        message = "The ledger has no job of this name. Enter it with its table first."
        raise ConnectorError(ErrorCode.NOT_FOUND, message)
    return known


def require_runnable(known: KnownJob, options: JobOptions, *, is_sandbox: bool) -> None:
    """Refuse a job whose rows cannot be run here. Raises `ConnectorError` (`invalid_input`)."""
    given = options.get("connection")
    is_flow = known.connector == FLOW
    if known.is_sandbox != is_sandbox:
        message = f"This job has {other_answers(known)}. Run it on a host that has such ones too."
    elif is_flow and given is not None:
        message = (
            "This job runs a flow: give connections by connector, not one connection."
        )
    elif not is_flow and options.get("connections"):
        message = "This job runs an action: give its connection, not connections."
    elif _has_other(known, given) or _has_others(known, options):
        message = "This job has another connection. Use that one, or begin a new job with --fresh."
    elif known.content_erased and (options.get("retry") or left_of(known)):
        message = "The inputs of this job were erased. Start it again with its table."
    else:
        return
    raise refusal(message)


def _has_other(known: KnownJob, given: GivenConnection) -> bool:
    named = known.connection
    return named is not None and isinstance(given, str) and given != named


def _has_others(known: KnownJob, options: JobOptions) -> bool:
    named = _columns(known).get("connections", {})
    given = options.get("connections") or {}
    return any(
        isinstance(given.get(connector), str) and given[connector] != name
        for connector, name in named.items()
    )


def connections_of(
    known: KnownJob, options: JobOptions
) -> Mapping[str, GivenConnection]:
    """Return the connections of a flow's job by connector: its own by name, and the given ones."""
    return {
        **_columns(known).get("connections", {}),
        **(options.get("connections") or {}),
    }


async def restarted(
    ledger: "Ledger", known: KnownJob, retry: "Retry | None"
) -> KnownJob:
    """Begin a new start of a job, and return its state then."""
    await committed(ledger.restart_job(known.job_id, retry=retry))
    return await find_entered(ledger, known.job_id)


def left_of(known: KnownJob) -> int:
    """Return how many rows of a job have not ended."""
    return sum(known.counts.values()) - count_ended(known.counts)


def work_of(
    known: KnownJob,
    options: JobOptions,
    groups: "Collection[str]",
    runnable: Runnable,
) -> Work:
    """Return the rows of a job, as this process runs them."""
    return Work(
        job_id=known.job_id,
        runnable=runnable,
        at_once=options.get("at_once", AT_ONCE),
        has_keys=_has_keys(known),
        groups=groups,
        left=left_of(known),
        output=known.output or "",
        beside=None,
    )


def place_of(known: KnownJob, path: "Path", *, raw: bool) -> Place:
    """Return where the records of a job are to go, in the columns of its last start with a table."""
    columns = _columns(known)
    layout = Layout(
        is_json_lines=is_json_lines(path),
        columns=tuple(columns["table"]),
        own=columns["own"],
        raw=raw,
    )
    return Place(job_id=known.job_id, path=path, layout=layout)


async def write_records(
    ledger: "Ledger", known: KnownJob, place: Place, *, keeps_content: bool
) -> "TableFinishedItem":
    """Write the records of a job that are not in its output. Return the state of the job."""
    await check_output(ledger, place, known.output)
    try:
        problem = await _write(ledger, place)
    except BaseException:
        with suppress(LedgerError):
            # Without a wait: the caller may have left.
            ledger.end_job(place.job_id, None)
        raise
    end = await end_job(ledger, place.job_id, None, keeps_content=keeps_content)
    problem = end.problem or problem
    return finished_item(
        place.job_id,
        end.job,
        "failed" if problem else _reason(end.job),
        message=problem,
        failures=end.failures,
        has_keys=_has_keys(known),
        output=str(place.path),
    )


def _reason(job: KnownJob | None) -> EndReason:
    """Return why rows of a job are left; `done` without such rows, and while it goes on."""
    if job and left_of(job):
        match "stopped" if job.cancel_requested else job.end_reason:
            case "budget" | "stopped" | "failed" as reason:
                return reason
    return "done"


async def _write(ledger: "Ledger", place: Place) -> str | None:
    """Write for a job. Return why the file could not be written; None if all is well."""
    with one_writer():
        await committed(ledger.write_job(place.job_id, str(place.path)))
    output = await open_output(ledger, place)
    records = RecordWriter(ledger, place, output, is_ordered=False)
    try:
        await records.write_missing()
    finally:
        records.close()
    await records.rewrite()
    return records.problem


def _has_keys(known: KnownJob) -> bool:
    return _columns(known).get("key") is not None


def _columns(known: KnownJob) -> Mapping[str, Any]:
    return known.columns or {}
