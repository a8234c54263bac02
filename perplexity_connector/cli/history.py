"""The commands `runs`: list what the ledger has, show one entry, cancel or forget it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, get_args

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.flow_history import flow_document, flow_lines
from perplexity_connector.cli.history_documents import job_document, run_document
from perplexity_connector.cli.history_lines import (
    HEADERS,
    entry_cells,
    entry_line,
    job_lines,
    run_lines,
)
from perplexity_connector.cli.options import SEARCHED
from perplexity_connector.cli.output import print_json, say
from perplexity_connector.cli.records import LAST, Records
from perplexity_connector.cli.spans import begin_of
from perplexity_connector.cli.terminal import print_page, print_table
from perplexity_connector.contract.json import is_flow_id
from perplexity_connector.contract.near_matches import did_you_mean
from perplexity_connector.host.ledger.entries import KnownRun, State
from perplexity_connector.host.ledger.flow_entries import HistoryStatus, KnownFlow

if TYPE_CHECKING:
    from perplexity_connector.host.ledger.entries import KnownJob

_FLOW_STATES: tuple[HistoryStatus, ...] = get_args(HistoryStatus)
_STATES: tuple[str, ...] = tuple(dict.fromkeys((*get_args(State), *_FLOW_STATES)))
_Entry: TypeAlias = "KnownRun | KnownJob | KnownFlow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The entries to list, as typed: in a state, or with a text, and not older than a span."""

    status: str | None = None
    search: str | None = None
    since: str | None = None
    limit: int


def list_history(records: Records, wanted: Wanted, *, as_json: bool) -> None:
    """Print the newest entries. A flow is one entry, and so is a table's job.

    Raises `UsageError` for an unknown state, a span that cannot be read, or a state with a text to
    search for.
    """
    entries = _entries(records, wanted)
    if as_json:
        print_json([_document(entry) for entry in entries])
        return
    rows = list(map(entry_cells, entries))
    print_table(HEADERS, rows, piped=map(entry_line, entries))
    if not entries:
        say(_nothing(wanted))


def show_entry(records: Records, name: str, *, as_json: bool) -> None:
    """Print all that is recorded of a flow, a run or a job. Raises `UsageError` for an unknown one."""
    entry = _find(records, name)
    if as_json:
        print_json(_document(entry, whole=True))
    elif isinstance(entry, KnownRun):
        print_page(run_lines(entry))
    elif isinstance(entry, KnownFlow):
        print_page(flow_lines(entry))
    else:
        print_page(job_lines(entry, _runs_of(records, entry)))


def cancel_entry(records: Records, name: str) -> None:
    """Ask the process that works on an entry to stop it. Raises as `show_entry` does."""
    entry = _find(records, name)
    if records.answer(records.ledger.cancel(_id(entry))):
        say("The process that works on it is asked to stop it, within some seconds.")
    else:
        say("Nothing of it is under way.")


def forget_entry(records: Records, name: str) -> None:
    """Close an entry, and erase its content. Raises as `show_entry` does."""
    records.forget(_id(_find(records, name)))
    say("It is forgotten: its content is erased, and it cannot be resumed.")


def _nothing(wanted: Wanted) -> str:
    if wanted.search is None:
        return "Nothing is recorded."
    return f"No entry has these words in its {SEARCHED}."


def _entries(records: Records, wanted: Wanted) -> Sequence[_Entry]:
    since = begin_of(wanted.since) or 0
    if wanted.status is None:
        return _newest(records, wanted.search, since, wanted.limit)
    if wanted.status not in _STATES:
        near = did_you_mean(wanted.status, _STATES)
        message = f"Unknown state.{near} Available: {', '.join(_STATES)}."
        raise UsageError(message)
    if wanted.search is not None:
        message = "Give --status or --search, not both."
        raise UsageError(message)
    found = _in_state(records, wanted.status, since, wanted.limit)
    newest = sorted(found, key=lambda entry: entry.created_at, reverse=True)
    return newest[: wanted.limit]


def _newest(
    records: Records, search: str | None, since: int, limit: int
) -> Sequence[_Entry]:
    """Return the newest entries, without the runs of flows and of tables."""
    ledger = records.ledger
    found = records.answer(ledger.history(search=search, limit=limit))
    # One by one, each would come with the answers of its steps.
    flows = records.answer(ledger.flows(search=search, limit=limit))
    by_id = {flow.flow_id: flow for flow in flows}
    ids = [entry.id for entry in found if entry.at >= since]
    entries = (by_id.get(name) or _known(records, name) for name in ids)
    return [entry for entry in entries if entry]


def _in_state(
    records: Records, status: str, since: int, limit: int
) -> Iterator[_Entry]:
    """Yield the newest runs in a state, those of flows too, the jobs that have one, and flows."""
    ledger = records.ledger
    yield from records.answer(ledger.runs(status=status, since=since, limit=limit))
    for job in records.answer(ledger.jobs(since=since, limit=limit)):
        if any(count for state, count in job.counts.items() if state == status):
            yield job
    for known in _FLOW_STATES:
        if known == status:
            flows = records.answer(ledger.flows(status=known, limit=limit))
            yield from (flow for flow in flows if flow.created_at >= since)


def _find(records: Records, name: str) -> _Entry:
    if name == LAST:
        for newest in records.answer(records.ledger.history(limit=1)):
            name = newest.id
    if entry := _known(records, name):
        return entry
    message = "Unknown run, flow or job. The command `runs` lists the known ones."
    raise UsageError(message)


def _known(records: Records, name: str) -> "_Entry | None":
    """Return the whole entry of that id; None without it."""
    if is_flow_id(name):
        return records.answer(records.ledger.flow(name))
    return records.answer(records.ledger.run(name)) or records.find_job(name)


def _runs_of(records: Records, job: "KnownJob") -> Iterator[KnownRun]:
    """Yield the newest runs of a job that a person should look at."""
    for state in ("unsure", "begun", "failed"):
        runs = records.ledger.runs(status=state, job_id=job.job_id)
        yield from records.answer(runs)


def _id(entry: _Entry) -> str:
    if isinstance(entry, KnownRun):
        return entry.run_id
    return entry.flow_id if isinstance(entry, KnownFlow) else entry.job_id


def _document(entry: _Entry, *, whole: bool = False) -> dict[str, object]:
    if isinstance(entry, KnownRun):
        return run_document(entry, whole=whole)
    if isinstance(entry, KnownFlow):
        return flow_document(entry, whole=whole)
    return job_document(entry)
