"""Entries of the ledger as lines for people."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from perplexity_connector.cli.spans import clock
from perplexity_connector.contract import JsonValue
from perplexity_connector.host.ledger.entries import KnownRun
from perplexity_connector.host.ledger.flow_entries import KnownFlow
from perplexity_connector.host.spending.money import NANO
from perplexity_connector.rendering.lines import Line, heading, json_line
from perplexity_connector.rendering.money import usd_words
from perplexity_connector.rendering.results import output_parts
from perplexity_connector.rendering.text import one_line, shortened

if TYPE_CHECKING:
    from perplexity_connector.host.ledger.entries import KnownJob

HEADERS = ("When", "Action", "State", "Cost", "Id and first words")
_WORDS = 60
_Parts: TypeAlias = tuple[str, str, str, str, str]


def entry_line(entry: "KnownRun | KnownJob | KnownFlow") -> str:
    """Return an entry on one line: when, id, action or flow, state, cost and first words."""
    line = (clock(entry.created_at), *_parts(entry))
    return "  ".join(one_line(part) for part in line if part)


def entry_cells(entry: "KnownRun | KnownJob | KnownFlow") -> list[str]:
    """Return an entry as a row of a table, see `HEADERS`."""
    when = clock(entry.created_at)
    name, action, state, cost, words = map(one_line, _parts(entry))
    return [when, action, state, cost, f"{name}  {words}".rstrip()]


def state_words(run: KnownRun) -> str:
    """Return a run's state, with the code of its error."""
    code = f" ({run.error_code})" if run.error_code else ""
    sandbox = ", sandbox" if run.is_sandbox else ""
    return f"{run.state}{code}{sandbox}"


def job_state_words(job: "KnownJob") -> str:
    """Return how many rows of a job are in each state, and whether it is unfinished."""
    counts = [f"{count} {state}" for state, count in job.counts.items() if count]
    words = ", ".join(counts) or "no rows"
    if job.ended_at is None:
        words = f"{words}, unfinished"
    return f"{words}, sandbox" if job.is_sandbox else words


def cost_words(nano: int | None, basis: str | None = None) -> str:
    """Return money for people; a list price is "about" so much."""
    if nano is None:
        return "cost unknown"
    words = usd_words(nano / NANO)
    return f"about {words}" if basis == "list_price" else words


def entry_heading(entry: "KnownRun | KnownJob | KnownFlow") -> Line:
    """Return an entry as a heading."""
    return heading(entry_line(entry))


def run_lines(run: KnownRun) -> Iterator[Line | str]:
    """Yield all that is recorded of a run: its facts, its input, and its answer."""
    yield entry_heading(run)
    yield from _run_facts(run)
    if run.input is not None:
        yield from ("", heading("Input"), json_line(run.input))
    output = None if run.output is None else run.output["output"]
    if output is not None:
        yield from ("", heading("Output"))
        yield from output_parts(output)


def job_lines(job: "KnownJob", runs: Iterable[KnownRun]) -> Iterator[Line | str]:
    """Yield all that is recorded of a job, with the runs that a person should look at."""
    yield entry_heading(job)
    starts = f"{job.starts} start" if job.starts == 1 else f"{job.starts} starts"
    budget = "no budget" if job.cap is None else f"budget {cost_words(job.cap)}"
    yield f"{starts}, {budget}, committed {cost_words(job.committed)}"
    if job.output:
        yield f"Output: {one_line(job.output)}"
    if job.perhaps_twice:
        yield f"Perhaps billed twice: {job.perhaps_twice}"
    for run in runs:
        yield f"line {run.number}: {entry_line(run)}"


def _parts(entry: "KnownRun | KnownJob | KnownFlow") -> _Parts:
    """Return an entry's id, action or flow, state, cost and first words."""
    if isinstance(entry, KnownRun):
        return _run_parts(entry)
    return _flow_parts(entry) if isinstance(entry, KnownFlow) else _job_parts(entry)


def _run_parts(run: KnownRun) -> _Parts:
    cost = cost_words(run.cost, run.cost_basis)
    words = _first_words(run.input, run.summary)
    return (run.run_id, run.action, state_words(run), cost, words)


def _job_parts(job: "KnownJob") -> _Parts:
    name = shortened(job.name or "", _WORDS)
    return (job.job_id, job.action, job_state_words(job), cost_words(job.cost), name)


def _flow_parts(flow: KnownFlow) -> _Parts:
    title = flow.title or Path(flow.source or "flow").stem
    sandbox = ", sandbox" if flow.is_sandbox else ""
    state, cost = f"{flow.state}{sandbox}", cost_words(flow.cost)
    words = _first_words(flow.inputs, flow.summary)
    return (flow.flow_id, title, state, cost, words)


def _run_facts(run: KnownRun) -> Iterator[str]:
    connection = run.connection or "the environment's"
    yield one_line(f"Connection: {connection}; attempts: {run.attempts}")
    if run.ended_at is not None:
        yield f"Ended: {clock(run.ended_at)}"
    if run.flow_id:
        yield f"A step of a flow: perplexity-connector runs show {run.flow_id}"
    if run.perhaps_twice:
        yield "The provider may have charged twice for it."
    if run.state == "begun":
        yield f"To resume it: perplexity-connector runs resume {run.run_id}"
    if run.state == "unsure":
        yield "The provider may have charged for it, and its answer is lost."


def _first_words(values: JsonValue, summary: str | None) -> str:
    """Return the beginning of the question, which is the longest text with a space; else of the summary."""
    longest = max(_texts(values), key=_likeness, default="")
    return shortened(longest or summary or "", _WORDS)


def _likeness(text: str) -> tuple[bool, int]:
    """Return how much a text is like a question. The id of an earlier answer has no spaces."""
    return " " in text, len(text)


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part)
