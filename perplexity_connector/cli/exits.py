"""How the command ends: its exit codes."""

from collections.abc import Mapping
from enum import IntEnum

from perplexity_connector.contract import ErrorCode, JsonObject
from perplexity_connector.contract.json import as_object, as_text


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
    from perplexity_connector.contract import RunStatus  # noqa: PLC0415 - comes with an envelope: no run, no need of it

    status = envelope.get("status")
    if status == RunStatus.SUCCEEDED:
        return ExitCode.SUCCEEDED
    if status == RunStatus.CANCELLED:
        return ExitCode.INTERRUPTED
    return code_of_error(as_object(envelope.get("error")))
