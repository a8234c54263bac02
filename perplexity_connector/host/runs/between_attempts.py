"""Between two attempts: an event for the listener, and no line of the retry library in the log."""

import logging
import math

from perplexity_connector.contract import ErrorCode

# The name of our runs in stamina's log.
LOGGED_AS = "automation_host.run"
_REASONS = {
    ErrorCode.RATE_LIMITED: "Too many requests",
    ErrorCode.UNAVAILABLE: "The service is not available",
    ErrorCode.TIMEOUT: "No answer in time",
}


def _is_not_ours(record: logging.LogRecord) -> bool:
    return getattr(record, "stamina.callable", None) != LOGGED_AS


# An embedder without a logging set-up would see stamina's warnings on its stderr. Its own uses of
# stamina are not touched.
logging.getLogger("stamina").addFilter(_is_not_ours)


def retry_message(code: ErrorCode, wait: float, attempt: int, total: int) -> str:
    """Return what to say before another attempt: the reason, the wait, which attempt comes next."""
    reason = _REASONS.get(code, "The attempt failed")
    seconds = math.ceil(wait)
    return f"{reason}; trying again in {seconds} s ({attempt} of {total})"
