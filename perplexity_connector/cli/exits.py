"""How the command ends: its exit codes, and what it says on stderr about a failure."""

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum

from perplexity_connector.cli.shape import as_list, as_number, as_object, as_text
from perplexity_connector.cli.text import one_line
from perplexity_connector.contract import Effect, ErrorCode, JsonObject, RunStatus


class ExitCode(IntEnum):
    """What the process tells its caller."""

    SUCCEEDED = 0
    INTERNAL = 1
    INVALID = 2
    NOT_ALLOWED = 3
    TRY_LATER = 4
    REFUSED = 5
    INTERRUPTED = 130


EXIT_CODES: Mapping[str, ExitCode] = {
    ErrorCode.INVALID_INPUT: ExitCode.INVALID,
    ErrorCode.INVALID_CREDENTIALS: ExitCode.NOT_ALLOWED,
    ErrorCode.PERMISSION_DENIED: ExitCode.NOT_ALLOWED,
    ErrorCode.QUOTA_EXHAUSTED: ExitCode.NOT_ALLOWED,
    ErrorCode.RATE_LIMITED: ExitCode.TRY_LATER,
    ErrorCode.UNAVAILABLE: ExitCode.TRY_LATER,
    ErrorCode.TIMEOUT: ExitCode.TRY_LATER,
    ErrorCode.UPSTREAM_FAILED: ExitCode.REFUSED,
    ErrorCode.INVALID_RESPONSE: ExitCode.REFUSED,
    ErrorCode.UNSUPPORTED: ExitCode.REFUSED,
    ErrorCode.NOT_FOUND: ExitCode.REFUSED,
    ErrorCode.CANCELLED: ExitCode.INTERRUPTED,
    ErrorCode.INTERNAL: ExitCode.INTERNAL,
}


class UsageError(Exception):
    """A command line that cannot be carried out; its text says what to do instead and repeats no value."""


def code_of_error(error: JsonObject) -> ExitCode:
    """The exit code of an error record; one that is not in the table counts as internal."""
    return EXIT_CODES.get(as_text(error.get("code")), ExitCode.INTERNAL)


def code_of_run(envelope: JsonObject) -> ExitCode:
    """The exit code of a run, from its envelope."""
    status = envelope.get("status")
    if status == RunStatus.SUCCEEDED:
        return ExitCode.SUCCEEDED
    if status == RunStatus.CANCELLED:
        return ExitCode.INTERRUPTED
    return code_of_error(as_object(envelope.get("error")))


def error_lines(error: JsonObject) -> Iterator[str]:
    """An error for people: what went wrong, then each field by its JSON Pointer, or what else helps on one line."""
    fields = [as_object(problem) for problem in as_list(error.get("fields"))]
    yield f"error: {one_line(_words(error, fields))} ({one_line(as_text(error.get('code')))})"
    for problem in fields:
        where = as_text(problem.get("pointer")) or "the input"
        yield f"{one_line(where)}: {one_line(as_text(problem.get('message')))}"
    if hints := " ".join(_hints(error)):
        yield hints


def _words(error: JsonObject, fields: Sequence[JsonObject]) -> str:
    words = as_text(error.get("user_message")) or as_text(error.get("message")) or "The run failed."
    # A host may sum up the fields in its message; they follow one by one.
    told_below = any(as_text(problem.get("message")) in words for problem in fields)
    return "These values cannot be used." if told_below else words


def _hints(error: JsonObject) -> Iterator[str]:
    if wait := as_number(error.get("retry_after")):
        yield f"Try again in {wait:.0f} s."
    if error.get("effect") == Effect.UNKNOWN:
        yield "The provider may have charged for this run."
    if page := one_line(as_text(error.get("docs_url"))):
        yield f"See {page}."
    if request := one_line(as_text(error.get("request_id"))):
        yield f"Request id: {request}."
