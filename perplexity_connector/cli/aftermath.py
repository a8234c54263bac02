"""After a run: forget it, or say how to go on with it.

A run is forgotten only when its end was seen and its answer was written. A failure in here is a
warning: the answer counts more.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from perplexity_connector.cli.journal import Journal
from perplexity_connector.cli.output import say
from perplexity_connector.contract import ErrorCode

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument, ErrorDocument

# A provider that does not know a run's id refuses it with one of these.
_UNKNOWN_RUN = frozenset({400, 404})


def close_run(
    journal: Journal, envelope: "EnvelopeDocument", *, is_written: bool
) -> None:
    """Forget a run that has ended and whose answer is written; else say how to go on."""
    run_id = envelope["run_id"]
    try:
        is_kept = journal.has(run_id)
        if is_kept and is_written and _has_ended(envelope["error"]):
            journal.forget(run_id)
        else:
            for line in _lines(
                journal, envelope, is_kept=is_kept, is_written=is_written
            ):
                say(line)
        journal.release(run_id)
    except OSError as problem:
        say(
            f"warning: The unfinished runs in {journal.folder} cannot be tidied: {problem.strerror}."
        )


def _has_ended(error: "ErrorDocument | None") -> bool:
    """Return whether the provider has said how the run ended. A refusal says nothing about that."""
    if error is None:
        return True
    is_refusal = error["http_status"] is not None
    return error["code"] == ErrorCode.UPSTREAM_FAILED and not is_refusal


def _lines(
    journal: Journal, envelope: "EnvelopeDocument", *, is_kept: bool, is_written: bool
) -> Iterator[str]:
    run_id = envelope["run_id"]
    resume = f"perplexity-connector run --resume {run_id}"
    is_unsure = _has_warning(envelope, "stop_unconfirmed")
    is_stopped = _is_given_up(envelope)
    if not is_kept:
        yield from _lines_of_lost(
            envelope, is_stopped=is_stopped, is_written=is_written
        )
    elif is_unsure:
        yield f"The provider did not confirm the stop: run {run_id} may go on and cost money."
        yield f"To get its answer: {resume}"
    elif is_stopped or journal.is_cleared(run_id):
        yield "Nothing goes on at the provider."
        if not is_written:
            yield f"To see the received part: {resume}"
    else:
        yield from _lines_of_kept(envelope["error"], run_id, resume)


def _lines_of_lost(
    envelope: "EnvelopeDocument", *, is_stopped: bool, is_written: bool
) -> Iterator[str]:
    """Yield the words about a run that has no checkpoint."""
    error = envelope["error"]
    if is_stopped and error and error["effect"] == "none":
        yield "Nothing goes on at the provider."
    elif not is_written and envelope["status"] == "succeeded":
        yield "The answer was not kept. To get it again, repeat the command."


def _lines_of_kept(
    error: "ErrorDocument | None", run_id: str, resume: str
) -> Iterator[str]:
    if error is None or _has_ended(error):
        yield f"To get the answer again: {resume}"
        return
    if error["retryable"]:
        yield f"To resume this run: {resume}"
        return
    if error["http_status"] in _UNKNOWN_RUN:
        yield f"This key does not know run {run_id}: another key, or another base URL, may."
    yield f"The run is kept for seven days. To resume it: {resume}"
    yield f"To drop it: perplexity-connector run --forget {run_id}"


def _is_given_up(envelope: "EnvelopeDocument") -> bool:
    """Return whether the host asked the provider to stop the run. A warning says if that failed."""
    error = envelope["error"]
    is_timeout = error is not None and error["code"] == ErrorCode.TIMEOUT
    return is_timeout or envelope["status"] == "cancelled"


def _has_warning(envelope: "EnvelopeDocument", code: str) -> bool:
    return any(warning["code"] == code for warning in envelope["warnings"])
