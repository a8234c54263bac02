"""Between two attempts: an event for the listener, and no line of the retry library in the log."""

import logging
import math

from perplexity_connector.contract import ErrorCode, EventType, JsonObject

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


def retry_event(code: ErrorCode, wait: float, attempt: int, total: int) -> JsonObject:
    """Return the event before another attempt: the reason, the wait, and which attempt comes next."""
    reason = _REASONS.get(code, "The attempt failed")
    seconds = math.ceil(wait)
    message = f"{reason}; trying again in {seconds} s ({attempt} of {total})"
    return {"type": EventType.STATUS.value, "message": message}
