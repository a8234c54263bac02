"""The exit codes of the command."""

from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING

from perplexity_connector.contract import ErrorCode

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument, ErrorDocument


class ExitCode(IntEnum):
    """How the command ended, for the program that started it."""

    SUCCEEDED = 0
    INTERNAL = 1
    INVALID = 2
    NOT_ALLOWED = 3
    TRY_LATER = 4
    REFUSED = 5
    PARTLY = 6
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


EXIT_BY_ERROR: Mapping[str, ExitCode] = {
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


# A run with one of these warnings succeeded, but a part of its answer is missing.
_INCOMPLETE = frozenset({"query_failed", "query_not_sent"})


class UsageError(Exception):
    """A mistake in the command line.

    The text says what to do. It never repeats an argument, because that may be a key.
    """


def code_of_error(error: "ErrorDocument") -> ExitCode:
    """Return the exit code of an error record; an unknown error code counts as internal."""
    return EXIT_BY_ERROR.get(error["code"], ExitCode.INTERNAL)


def code_of_run(envelope: "EnvelopeDocument") -> ExitCode:
    """Return the exit code of a run, from its envelope."""
    if envelope["status"] == "succeeded":
        codes = {warning["code"] for warning in envelope["warnings"]}
        return ExitCode.PARTLY if codes & _INCOMPLETE else ExitCode.SUCCEEDED
    if envelope["status"] == "cancelled":
        return ExitCode.INTERRUPTED
    return code_of_error(envelope["error"])
