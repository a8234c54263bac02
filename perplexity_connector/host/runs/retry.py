"""When a failed attempt is repeated, and how long the host waits before it."""

import random
import time
from dataclasses import dataclass

from perplexity_connector.contract import ConnectorError, Effect

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 20.0


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
        seconds = _provider_wait(error)
        wait = _jitter(attempt) if seconds is None else max(0.0, seconds)
        return wait if time.monotonic() + wait < deadline else None


def _provider_wait(error: ConnectorError) -> float | None:
    if error.retry_after is not None:
        return error.retry_after
    return None if error.resets_at is None else error.resets_at - time.time()


def _jitter(attempt: int) -> float:
    # Full jitter: many runs that failed together must not come back together.
    ceiling = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(attempt - 1, 10))
    return random.uniform(0, ceiling)  # noqa: S311 - spreads load, guards nothing
