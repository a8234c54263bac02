"""How long to wait. Every wait has a floor, and none ends at the same moment for many runs."""

import random

SHORTEST_S = 0.25
# A longer wait that a provider asks for is not slept through.
LONGEST_TOLD_S = 120.0
FIRST_BACK_OFF_S = 1.0
_LONGEST_BACK_OFF_S = 20.0


def back_off(attempt: int) -> float:
    """Return the seconds to wait after the failed attempt of that number, if no wait is known."""
    # Full jitter: many runs that failed together must not come back together.
    ceiling = min(_LONGEST_BACK_OFF_S, FIRST_BACK_OFF_S * 2.0 ** min(attempt - 1, 10))
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


def _random_seconds(low: float, high: float) -> float:
    return random.uniform(low, high)  # noqa: S311 - spreads load, guards nothing
