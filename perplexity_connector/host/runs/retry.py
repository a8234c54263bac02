"""When a failed attempt is repeated, and how long the host waits before it."""

import time
from dataclasses import dataclass

from perplexity_connector.contract import ConnectorError, Effect, ErrorCode
from perplexity_connector.host.runs import waits


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often a failed attempt is repeated, and whether also at the risk of paying twice.

    * `retries`: how many attempts may follow the first one.
    * `repeat_unknown`: repeat even if the failed attempt may have had an effect at the provider.
    """

    retries: int = 3
    repeat_unknown: bool = False

    def __post_init__(self) -> None:
        """Raise `ValueError` for negative `retries`."""
        if self.retries < 0:
            message = "retries must be 0 or more"
            raise ValueError(message)

    def wait(
        self,
        error: BaseException,
        *,
        attempt: int,
        repeatable: bool,
        deadline: float,
    ) -> float | None:
        """Return the seconds until the next attempt; None if there must not be one.

        `repeatable` means that a repeat does no harm: the action is idempotent, or the run has a
        checkpoint. `deadline` is monotonic; a wait ends before it.
        """
        if not isinstance(error, ConnectorError) or not error.retryable:
            return None
        is_safe = repeatable or self.repeat_unknown or error.effect is Effect.NONE
        if not is_safe:
            return None
        return _wait(error, attempt, deadline - time.monotonic())


def _wait(error: ConnectorError, attempt: int, seconds_left: float) -> float | None:
    told = _told_seconds(error)
    if told is None:
        choices = [waits.back_off(attempt)]
    elif told > waits.LONGEST_TOLD_S and error.code is ErrorCode.RATE_LIMITED:
        choices = []
    else:
        # Near the deadline, jitter does not fit.
        choices = [waits.with_jitter(told), waits.at_least(told)]
    return next((wait for wait in choices if wait < seconds_left), None)


def _told_seconds(error: ConnectorError) -> float | None:
    """Return the provider's wait; None for one that is missing, zero, past, or not a number."""
    seconds = waits.usable(error.retry_after)
    if seconds is None and error.resets_at is not None:
        seconds = waits.usable(error.resets_at - time.time())
    return seconds
