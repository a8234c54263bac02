"""Open the output of a job where its records ended, unless another program has changed it."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from perplexity_connector.host.ledger.entries import KnownLine
from perplexity_connector.host.ledger.writing.waiting import committed
from perplexity_connector.host.tables.outputs.output import (
    Known,
    Output,
    check,
    settle_unfinished,
    unfinished,
)
from perplexity_connector.host.tables.outputs.records import (
    Place,
    outcome_of,
    run_of,
)
from perplexity_connector.host.tables.refusals import refusal

if TYPE_CHECKING:
    from perplexity_connector.host.ledger.ledger import Ledger


def require_free(path: Path) -> None:
    """Refuse a file that the job has not written, before the ledger has it as the job's own."""
    if path.exists() and (not path.is_file() or path.stat().st_size):
        message = (
            "The output exists already, and is not of this job. Choose another --out, or use --fresh, "
            "which begins a new job and keeps that file under another name."
        )
        raise refusal(message)


async def check_output(ledger: "Ledger", place: Place, output: str | None) -> None:
    """Refuse an output that was changed, before the ledger plans rows again. Raises `ConnectorError`.

    `output`: the one that the job has had until now.
    """
    path = place.path
    if output != str(path):
        require_free(path)  # another job may have begun it since the plan
    elif path.exists() and not unfinished(path).exists():
        known = await _known(ledger, place)
        await asyncio.to_thread(check, path, place.layout.header(), known)


async def open_output(ledger: "Ledger", place: Place) -> Output:
    """Open the output after the last record that the ledger knows. Raises `ConnectorError` if it cannot."""
    path = place.path
    known = await _known(ledger, place)
    settle_unfinished(path, known)
    if known.end and not path.exists():
        # The file has gone, and nothing of it can be overwritten: all records are written again.
        await committed(ledger.rewritten(place.job_id, ()))
        known = Known(job_id=place.job_id)
    return Output(path, place.layout.header(), known)


async def _known(ledger: "Ledger", place: Place) -> Known:
    job_id = place.job_id
    known = Known(job_id=job_id)
    is_lossy = await committed(ledger.has_erased(job_id))
    if written := await committed(ledger.last_written(job_id)):
        last = written[0]
        known = Known(
            job_id=job_id, end=last.output_end or 0, last=_record(place, last)
        )
        if known.last:
            return replace(known, is_lossy=is_lossy)
    found = ledger.find_lines(job_id, is_unwritten=True)
    next_ones = [_record(place, line) for line in await committed(found)]
    next_ones = [record for record in next_ones if record]
    next_ones += await _own_first(ledger, place)
    return replace(known, next=next_ones, is_lossy=is_lossy)


async def _own_first(ledger: "Ledger", place: Place) -> list[bytes]:
    """Return the first record of an output without a header, if a run of this job wrote it.

    Its row may be planned again, or its line may have left the table: then the ledger cannot make it.
    """
    if place.layout.header():
        return []
    record = await asyncio.to_thread(_first_line, place.path)
    run_id = run_of(record)
    run = await committed(ledger.run(run_id)) if run_id else None
    return [record] if run and run.job_id == place.job_id else []


def _first_line(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.readline()
    except OSError:
        return b""


def _record(place: Place, line: KnownLine) -> bytes:
    """Return the record of a line; nothing if its content was erased."""
    if line.record is None or (line.state == "done" and line.output is None):
        return b""
    return place.layout.encode(line, outcome_of(line))
