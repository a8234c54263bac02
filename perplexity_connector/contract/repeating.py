"""When a failed run is repeated, and how long to wait: one rule for hosts and engines.

Every wait has a floor, and none ends at the same moment for many runs.
"""

import random
import time
from collections.abc import Mapping

from perplexity_connector.contract.errors import ConnectorError, Effect

__all__ = ["repeat_after"]

SHORTEST_S = 0.25
# A host does not sleep through a longer wait that a provider asks for.
LONGEST_TOLD_S = 120.0
FIRST_BACK_OFF_S = 1.0
_LONGEST_BACK_OFF_S = 20.0


def repeat_after(
    error: ConnectorError | Mapping[str, object],
    *,
    idempotent: bool,
    resumable: bool,
    attempt: int,
) -> float | None:
    """Return the seconds to wait before a failed run is repeated; None if it must not be.

    * `error`: the error, or the `error` of an envelope.
    * `idempotent`: the annotation of the action.
    * `resumable`: whether the run has a checkpoint, which the repeat gets as `resume_from`.
    * `attempt`: the number of the attempt that failed, from 1.

    A run that may have cost money is repeated only if the action is idempotent, or the repeat
    continues the same run.
    """
    facts: Mapping[str, object] = (
        error.to_dict() if isinstance(error, ConnectorError) else error
    )
    is_harmless = idempotent or resumable or facts.get("effect") == Effect.NONE
    if facts.get("retryable") is not True or not is_harmless:
        return None
    told = told_seconds(facts.get("retry_after"), facts.get("resets_at"))
    if told is None:
        return back_off(attempt)
    return with_jitter(told)


def told_seconds(retry_after: object, resets_at: object) -> float | None:
    """Return the provider's wait; None for one that is missing, zero, past, or not a number."""
    seconds = usable(_number(retry_after))
    reset = _number(resets_at)
    if seconds is None and reset is not None:
        seconds = usable(reset - time.time())
    return seconds


def back_off(attempt: int) -> float:
    """Return the seconds to wait after the failed attempt of that number, if no wait is known."""
    # Full jitter: many runs that failed together must not come back together.
    doublings = min(attempt - 1, 10)
    ceiling = min(_LONGEST_BACK_OFF_S, FIRST_BACK_OFF_S * 2.0**doublings)
    return _random_seconds(SHORTEST_S, ceiling)


def at_least(seconds: float) -> float:
    """Return `seconds`, or the shortest wait if that is longer."""
    return max(SHORTEST_S, seconds)


def with_jitter(seconds: float) -> float:
    """Return a provider's wait with a random part on top; never less than it asked for."""
    return at_least(seconds) + _random_seconds(0, SHORTEST_S + seconds / 10)


def usable(seconds: float | None) -> float | None:
    """Return a provider's wait; None if it is missing, not a number, zero or in the past."""
    # Not a number is not more than zero either.
    return seconds if seconds is not None and seconds > 0 else None


def _number(value: object) -> float | None:
    """Return a number as a float, one that is too large as infinite; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def _random_seconds(low: float, high: float) -> float:
    return random.uniform(low, high)  # noqa: S311 - spreads load, guards nothing
