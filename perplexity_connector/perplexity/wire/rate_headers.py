"""Read rate limits and waiting times from response headers (docs/provider.md, "Rate limits").

Gateways change such headers. A value that is not certain is ignored, because a wrong wait is worse
than the usual one.
"""

import functools
import re
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import NamedTuple

# The provider's Date header has whole seconds, so a smaller difference means nothing.
_CLOCK_TOLERANCE_S = 2.0
# Epoch seconds of the years 2001 to 5138. A smaller number may be a duration.
_FIRST_EPOCH_S = 1e9
_LAST_EPOCH_S = 1e11
_PLAIN_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?")
_SECONDS = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?) ?(s|ms)?")


class RateLimit(NamedTuple):
    """The rate headers of one response; None where a header is missing or malformed.

    * `limit`: requests that are allowed in one period.
    * `remaining`: requests that are left in this period.
    * `resets_at`: when the next period begins, in epoch seconds on this machine's clock.
    """

    limit: int | None
    remaining: int | None
    resets_at: float | None


def rate_limit_from_headers(headers: Mapping[str, str]) -> RateLimit:
    """Read the `x-ratelimit-*` headers."""
    return RateLimit(
        limit=_whole_number(headers, "x-ratelimit-limit"),
        remaining=_whole_number(headers, "x-ratelimit-remaining"),
        resets_at=_reset_time(headers),
    )


def retry_after_from_headers(
    headers: Mapping[str, str], resets_at: float | None
) -> float | None:
    """Return the seconds to wait: from `retry-after`, else until `resets_at`; None if unknown.

    0 means that the provider named a time which is over.
    """
    seconds = _retry_after(headers)
    if not seconds and resets_at is not None:
        until_reset = resets_at - time.time()
        return until_reset if until_reset > 0 else seconds
    return seconds


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = _value(headers, "retry-after")
    if found := _SECONDS.fullmatch(value):
        number = float(found[1])
        return number / 1000 if found[2] == "ms" else number
    retry_at = _epoch_seconds(value)
    if retry_at is None:
        return None
    return max(0.0, retry_at - _clock_offset(headers) - time.time())


def _reset_time(headers: Mapping[str, str]) -> float | None:
    """Return the reset time on this machine's clock. The header may be in milliseconds."""
    number = _number(headers, "x-ratelimit-reset") or 0.0
    for seconds in (number, number / 1000):
        if _FIRST_EPOCH_S <= seconds < _LAST_EPOCH_S:
            return seconds - _clock_offset(headers)
    return None


def _whole_number(headers: Mapping[str, str], name: str) -> int | None:
    number = _number(headers, name)
    return None if number is None else int(number)


def _number(headers: Mapping[str, str], name: str) -> float | None:
    value = _value(headers, name)
    return float(value) if _PLAIN_NUMBER.fullmatch(value) else None


def _value(headers: Mapping[str, str], name: str) -> str:
    """Return a header. One that was sent several times with the same value counts once."""
    value = headers.get(name, "").strip()
    if "," not in value:
        return value
    parts = set(re.split(r"\s*,\s*", value))
    return parts.pop() if len(parts) == 1 else value


def _clock_offset(headers: Mapping[str, str]) -> float:
    """Return by how many seconds the provider's clock is ahead of ours.

    They are whole, as those of a date are: then a reset time in whole seconds stays one.
    """
    date = _epoch_seconds(headers.get("date", ""))
    offset = 0.0 if date is None else float(round(date - time.time()))
    return offset if abs(offset) > _CLOCK_TOLERANCE_S else 0.0


@functools.lru_cache(maxsize=16)  # all answers of one second have the same date
def _epoch_seconds(date: str) -> float | None:
    try:
        found = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    if found.tzinfo is None:
        # A date without a zone is in UTC too (RFC 9110, section 5.6.7).
        found = found.replace(tzinfo=UTC)
    return found.timestamp()
