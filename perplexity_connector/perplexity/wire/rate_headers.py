"""Read rate limits and waiting times from response headers (docs/provider.md, "Rate limits")."""

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple

# The provider's Date header has whole seconds, so a smaller difference means nothing.
_CLOCK_TOLERANCE_S = 2.0


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
    resets_at: float | None = _whole_number(headers, "x-ratelimit-reset")
    if resets_at is not None:
        resets_at -= _clock_offset(headers)
    return RateLimit(
        limit=_whole_number(headers, "x-ratelimit-limit"),
        remaining=_whole_number(headers, "x-ratelimit-remaining"),
        resets_at=resets_at,
    )


def retry_after_from_headers(
    headers: Mapping[str, str], resets_at: float | None
) -> float | None:
    """Return the seconds to wait: from `retry-after`, else until `resets_at`; None if unknown."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", value):
        return float(value)
    now = time.time()
    retry_at = _epoch_seconds(value)
    if retry_at is not None:
        return max(0.0, retry_at - now)
    if resets_at is not None and resets_at > now:
        return resets_at - now
    return None


def _whole_number(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(name, "")
    return int(value) if re.fullmatch("[0-9]{1,15}", value) else None


def _clock_offset(headers: Mapping[str, str]) -> float:
    """Return by how many seconds the provider's clock is ahead of ours."""
    date = _epoch_seconds(headers.get("date", ""))
    offset = 0.0 if date is None else date - time.time()
    return offset if abs(offset) > _CLOCK_TOLERANCE_S else 0.0


def _epoch_seconds(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None
