"""How often a failed attempt is repeated in one run, and how long the host waits before it."""

import time
from dataclasses import dataclass

from perplexity_connector.contract import ConnectorError, ErrorCode, repeating


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
        error: ConnectorError,
        *,
        idempotent: bool,
        resumable: bool,
        attempt: int,
        deadline: float,
    ) -> float | None:
        """Return the seconds until the next attempt; None if there must not be one.

        `repeat_after` decides; the host adds the deadline (monotonic), and does not sleep through a
        long rate limit.
        """
        seconds_left = deadline - time.monotonic()
        wait = repeating.repeat_after(
            error,
            idempotent=idempotent or self.repeat_unknown,
            resumable=resumable,
            attempt=attempt,
        )
        if wait is None:
            return None
        told = repeating.told_seconds(error.retry_after, error.resets_at)
        if told is None:
            choices = [wait]
        elif told > repeating.LONGEST_TOLD_S and error.code is ErrorCode.RATE_LIMITED:
            choices = []
        else:
            # Near the deadline, jitter does not fit.
            choices = [wait, repeating.at_least(told)]
        return next((each for each in choices if each < seconds_left), None)
