"""When a failed attempt is repeated, and how long the host waits before."""

import random
import time
from dataclasses import dataclass

from perplexity_connector.contract import ConnectorError, Effect

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often, and whether even where the provider may have been paid already.

    `retries` come on top of the first attempt. `repeat_unknown` repeats even what may have had an effect.
    """

    retries: int = 3
    repeat_unknown: bool = False

    def __post_init__(self) -> None:
        """Raise `ValueError` for fewer than no retries."""
        if self.retries < 0:
            message = "retries must be 0 or more"
            raise ValueError(message)

    def wait(
        self, error: BaseException, *, attempt: int, repeatable: bool, deadline: float
    ) -> float | None:
        """Seconds until the next attempt, or None when there must be none.

        `repeatable` says that repeating does no harm: the action is idempotent, or a checkpoint is held. `deadline`
        is monotonic; no wait passes it.
        """
        if not isinstance(error, ConnectorError) or not error.retryable:
            return None
        if (
            error.effect is not Effect.NONE
            and not repeatable
            and not self.repeat_unknown
        ):
            return None
        told = _told_wait(error)
        wait = _jitter(attempt) if told is None else max(0.0, told)
        return wait if time.monotonic() + wait < deadline else None


def _told_wait(error: ConnectorError) -> float | None:
    if error.retry_after is not None:
        return error.retry_after
    return None if error.resets_at is None else error.resets_at - time.time()


def _jitter(attempt: int) -> float:
    # Full jitter: many runs that failed together must not come back together.
    ceiling = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(attempt - 1, 10))
    return random.uniform(0, ceiling)  # noqa: S311 - spreads load, guards nothing
