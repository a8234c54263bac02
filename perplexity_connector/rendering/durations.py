"""Writes a duration for people."""

from math import ceil

_MINUTE = 60
_HOUR = 3600


def wait_in_words(seconds: float) -> str:
    """Return a wait as seconds, or in minutes or hours if it is long; the long ones are rounded up."""
    if seconds >= 2 * _HOUR:
        return f"{ceil(seconds / _HOUR)} h"
    if seconds >= 2 * _MINUTE:
        return f"{ceil(seconds / _MINUTE)} min"
    return f"{max(1, round(seconds))} s"
