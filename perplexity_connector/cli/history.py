"""The commands `runs`: list what the ledger has, show one entry, cancel or forget it."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias, get_args

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.history_documents import job_document, run_document
from perplexity_connector.cli.history_lines import entry_line, job_lines, run_lines
from perplexity_connector.cli.output import print_json, print_lines, say
from perplexity_connector.cli.records import LAST, Records
from perplexity_connector.cli.spans import begin_of
from perplexity_connector.contract.near_matches import did_you_mean
from perplexity_connector.host.ledger.entries import KnownRun, State

if TYPE_CHECKING:
    from perplexity_connector.host.ledger.entries import KnownJob

_STATES: tuple[str, ...] = get_args(State)
_Entry: TypeAlias = "KnownRun | KnownJob"


def list_history(
    records: Records,
    status: str | None,
    since: str | None,
    limit: int,
    *,
    as_json: bool,
) -> None:
    """Print the newest entries, one on a line. A table's job is one entry.

    Raises `UsageError` for an unknown state or a span that cannot be read.
    """
    if status is not None and status not in _STATES:
        message = f"Unknown state.{did_you_mean(status, _STATES)} Available: {', '.join(_STATES)}."
        raise UsageError(message)
    entries = _newest(records, status, begin_of(since), limit)
    if as_json:
        print_json([_document(entry) for entry in entries])
        return
    print_lines(map(entry_line, entries))
    if not entries:
        say("Nothing is recorded.")


def show_entry(records: Records, name: str, *, as_json: bool) -> None:
    """Print all that is recorded of a run or a job. Raises `UsageError` for an unknown one."""
    entry = _find(records, name)
    if as_json:
        print_json(_document(entry, whole=True))
    elif isinstance(entry, KnownRun):
        print_lines(run_lines(entry))
    else:
        print_lines(job_lines(entry, _runs_of(records, entry)))


def cancel_entry(records: Records, name: str) -> None:
    """Ask the process that works on a run or a job to stop it. Raises as `show_entry` does."""
    entry = _find(records, name)
    if records.answer(records.ledger.cancel(_id(entry))):
        say("The process that works on it is asked to stop it, within some seconds.")
    else:
        say("Nothing of it is under way.")


def forget_entry(records: Records, name: str) -> None:
    """Close a run or a job, and erase its content. Raises as `show_entry` does."""
    records.forget(_id(_find(records, name)))
    say("It is forgotten: its content is erased, and it cannot be resumed.")


def _newest(
    records: Records, status: str | None, since: int | None, limit: int
) -> Sequence[_Entry]:
    ledger = records.ledger
    runs = records.answer(ledger.runs(status=status, since=since, limit=limit))
    jobs = records.answer(ledger.jobs(since=since, limit=limit))
    entries: list[_Entry] = [*runs]
    entries += [job for job in jobs if status is None or _has(job, status)]
    entries.sort(key=lambda entry: entry.created_at, reverse=True)
    return entries[:limit]


def _has(job: "KnownJob", status: str) -> bool:
    return any(count for state, count in job.counts.items() if state == status)


def _find(records: Records, name: str) -> _Entry:
    if name == LAST:
        for entry in _newest(records, None, None, 1):
            # An entry of a list has neither answer nor checkpoint.
            name = _id(entry)
    if run := records.answer(records.ledger.run(name)):
        return run
    if job := records.find_job(name):
        return job
    message = "Unknown run or job. The command `runs` lists the known ones."
    raise UsageError(message)


def _runs_of(records: Records, job: "KnownJob") -> Iterator[KnownRun]:
    """Yield the newest runs of a job that a person should look at."""
    for state in ("unsure", "begun", "failed"):
        runs = records.ledger.runs(status=state, job_id=job.job_id)
        yield from records.answer(runs)


def _id(entry: _Entry) -> str:
    return entry.run_id if isinstance(entry, KnownRun) else entry.job_id


def _document(entry: _Entry, *, whole: bool = False) -> dict[str, object]:
    if isinstance(entry, KnownRun):
        return run_document(entry, whole=whole)
    return job_document(entry)
