"""After a run: say how to go on with it, or how to get its answer.

A run whose end was seen and whose answer was written needs no words. A problem of the ledger is a
warning, which the end of the command gives: the answer counts more.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from perplexity_connector.cli.flow_lines import resume_lines
from perplexity_connector.cli.output import say
from perplexity_connector.cli.records import Records
from perplexity_connector.contract import ErrorCode
from perplexity_connector.host.runs.logs.run_end import has_seen_end

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument, ErrorDocument

# A provider that does not know a run's id refuses it with one of these.
_UNKNOWN_RUN = frozenset({400, 404})


def close_run(
    records: Records, envelope: "EnvelopeDocument", *, is_written: bool
) -> None:
    """Say how to go on with a run, unless its end was seen and its answer was written."""
    close_runs(records, [envelope], is_written=is_written)


def close_runs(
    records: Records, envelopes: "Iterable[EnvelopeDocument]", *, is_written: bool
) -> None:
    """Say how to go on with several runs, as `close_run`. Each line is said once."""
    lines: dict[str, None] = {}
    for envelope in envelopes:
        records.heed(envelope)
        error = envelope["error"]
        if not is_written or not (error is None or has_seen_end(error)):
            found = _lines(records, envelope, is_written=is_written)
            lines |= dict.fromkeys(found)
    for line in lines:
        say(line)


def close_flow(records: Records, flow_id: str) -> None:
    """Say how to go on with a flow that has not succeeded, if the ledger has what that needs."""
    known = records.find_flow(flow_id)
    if known and known.document is not None:
        for line in resume_lines(known):
            say(line)


def _lines(
    records: Records, envelope: "EnvelopeDocument", *, is_written: bool
) -> Iterator[str]:
    run_id = envelope["run_id"]
    resume = f"perplexity-connector run --resume {run_id}"
    run = records.find(run_id)
    if run is None or not records.was_begun(run_id):
        is_kept = run is not None and run.output is not None
        again = f"To get the answer again: {resume}" if is_kept else None
        yield from _lines_of_lost(envelope, again, is_written=is_written)
    elif _has_warning(envelope, "stop_unconfirmed"):
        yield f"The provider did not confirm the stop: run {run_id} may go on and cost money."
        yield f"To get its answer: {resume}"
    elif _is_given_up(envelope) or records.is_cleared(run_id):
        yield "Nothing goes on at the provider."
        if not is_written:
            yield f"To see the received part: {resume}"
    else:
        yield from _lines_of_kept(envelope["error"], run_id, resume)


def _lines_of_lost(
    envelope: "EnvelopeDocument", again: str | None, *, is_written: bool
) -> Iterator[str]:
    """Yield the words about a run that cannot be followed; `again` says how to get its answer."""
    error = envelope["error"]
    if _is_given_up(envelope) and error and error["effect"] == "none":
        yield "Nothing goes on at the provider."
    elif not is_written and envelope["status"] == "succeeded":
        yield again or "The answer was not kept. To get it again, repeat the command."


def _lines_of_kept(
    error: "ErrorDocument | None", run_id: str, resume: str
) -> Iterator[str]:
    if error is None or has_seen_end(error):
        yield f"To get the answer again: {resume}"
        return
    if error["retryable"]:
        yield f"To resume this run: {resume}"
        return
    if error["http_status"] in _UNKNOWN_RUN:
        yield f"This key does not know run {run_id}: another key, or another base URL, may."
    yield f"The run is kept. To resume it: {resume}"
    yield f"To drop it: perplexity-connector run --forget {run_id}"


def _is_given_up(envelope: "EnvelopeDocument") -> bool:
    """Return whether the host asked the provider to stop the run. A warning says if that failed."""
    error = envelope["error"]
    is_timeout = error is not None and error["code"] == ErrorCode.TIMEOUT
    return is_timeout or envelope["status"] == "cancelled"


def _has_warning(envelope: "EnvelopeDocument", code: str) -> bool:
    return any(warning["code"] == code for warning in envelope["warnings"])
