"""Make the attempts after the first one, with stamina, and say so to the listener. stamina logs nothing of it."""

import logging
import math
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.contract.json import Document

T = TypeVar("T")

# The name of our runs in stamina's log.
_LOGGED_AS = "automation_host.run"
_REASONS = {
    ErrorCode.RATE_LIMITED: "Too many requests",
    ErrorCode.UNAVAILABLE: "The service is not available",
    ErrorCode.TIMEOUT: "No answer in time",
}


def _is_not_ours(record: logging.LogRecord) -> bool:
    return getattr(record, "stamina.callable", None) != _LOGGED_AS


# An embedder without a logging set-up would see stamina's warnings on its stderr. Its own uses of
# stamina are not touched.
logging.getLogger("stamina").addFilter(_is_not_ours)


def can_retry() -> bool:
    """Return whether this process has retries switched on.

    A process that has not imported stamina cannot have switched them off.
    """
    if sys.modules.get("stamina") is None:
        return True
    # An import waits for another thread that has begun it, and has half of the module until then.
    import stamina  # noqa: PLC0415 - heavy, see below

    return stamina.is_active()


async def make_later_attempts(
    first: ConnectorError,
    total: int,
    wait: Callable[[], float | None],
    attempt: Callable[[int], Awaitable[T]],
) -> T:
    """Make attempts number 2 to `total` until one succeeds; the first one failed with `first`.

    `wait` returns the seconds before the next one; None ends the attempts. Raises the last error.
    """
    import stamina  # noqa: PLC0415 - heavy, and a run whose first attempt succeeds needs none of it

    # stamina's own timeout of 45 s would end a long run's retries; the deadline is ours.
    attempts = stamina.retry_context(
        on=lambda _: False if (seconds := wait()) is None else seconds,
        attempts=total,
        timeout=None,
    )
    async for each in attempts.with_name(_LOGGED_AS, (), {}):
        with each:
            if each.num == 1:
                raise first
            result = await attempt(each.num)
    # Each attempt has a result or raises, and the last one raises for good.
    return result  # pyright: ignore[reportPossiblyUnboundVariable, reportReturnType]


def retry_event(code: ErrorCode, wait: float, attempt: int, attempts: int) -> Document:
    """Return what to say before another attempt: the reason, the wait, which attempt comes next."""
    reason = _REASONS.get(code, "The attempt failed")
    seconds = math.ceil(wait)
    return {
        "type": "status",
        "message": f"{reason}; trying again in {seconds} s ({attempt} of {attempts})",
        "reason": reason,
        "wait": round(wait, 3),
        "attempt": attempt,
        "attempts": attempts,
    }
