"""Test keys, and how each is admitted: the test cards of a payment provider, but for API keys."""

import hashlib
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from perplexity_connector.sandbox.errors import ApiError

TEST_KEY_PREFIX = "pplx-test-"
GOOD_KEY = "pplx-test-good"
WRONG_KEY = "pplx-test-wrong"
NO_CREDIT_KEY = "pplx-test-no-credit"
ORGANISATION_KEY = "pplx-test-organisation"
RATE_LIMITED_KEY = "pplx-test-rate-limited"
ONE_PER_SECOND_KEY = "pplx-test-one-per-second"
FIFTY_PER_SECOND_KEY = "pplx-test-fifty-per-second"
ALWAYS_LIMITED_KEY = "pplx-test-always-limited"

MEANINGS = {
    GOOD_KEY: "an answer",
    WRONG_KEY: "401 `invalid_api_key`, as any key that is not listed here",
    NO_CREDIT_KEY: "401 `insufficient_quota`",
    ORGANISATION_KEY: "403 `forbidden`, except for `GET /v1/models`",
    RATE_LIMITED_KEY: "429 `request_rate_limit_exceeded` twice after a reset, then answers",
    ALWAYS_LIMITED_KEY: "429 `request_rate_limit_exceeded`, always",
    ONE_PER_SECOND_KEY: "one answer a second over all paths, then 429; true rate headers",
    FIFTY_PER_SECOND_KEY: "50 answers at once and 50 a second, then 429; true rate headers",
}
"""The result of a request with each key. Each query of a search is one answer."""

_TRUE_LIMITS = {ONE_PER_SECOND_KEY: 1, FIFTY_PER_SECOND_KEY: 50}
_ACCEPTED = {
    GOOD_KEY,
    ORGANISATION_KEY,
    RATE_LIMITED_KEY,
    ALWAYS_LIMITED_KEY,
    *_TRUE_LIMITS,
}
_REFUSALS_OF_RATE_LIMITED = 2
_USUAL_LIMIT = 50
# Two times of one clock can differ by less than a second although a second has passed.
_ROUNDING = 1e-6
_BILLING = (
    "You exceeded your current quota, please check your plan and billing details. "
    "For more information, visit https://www.perplexity.ai/settings/api."
)
_WRONG = "Invalid API key provided. Ensure your API key is correct and active."


def fingerprint(key: str) -> str:
    """Return eight hex digits that differ between keys and reveal none; `none` for no key."""
    return hashlib.sha256(key.encode()).hexdigest()[:8] if key else "none"


def refuse_key(key: str, method: str, path: str) -> None:
    """Raise `ApiError` if the key itself is refused there."""
    if key == NO_CREDIT_KEY:
        raise ApiError(401, "insufficient_quota", _BILLING)
    if key not in _ACCEPTED:
        raise ApiError(401, "invalid_api_key", _WRONG)
    if key == ORGANISATION_KEY and (method, path) != ("GET", "/v1/models"):
        message = "This API key is not permitted to use this endpoint."
        raise ApiError(403, "forbidden", message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """How a request is admitted by its rate limit: `is_refused` means 429.

    `used` counts the units of the last second. `reset` is in epoch seconds.
    """

    limit: int
    used: int
    reset: int
    is_refused: bool = False

    def headers(self) -> dict[str, str]:
        """Return the four `x-ratelimit-*` headers."""
        used = min(self.used, self.limit)
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.limit - used),
            "x-ratelimit-used": str(used),
            "x-ratelimit-reset": str(self.reset),
        }


@dataclass(slots=True, kw_only=True)
class Bucket:
    """A leaky bucket: it holds `limit` units, and `limit` units a second leak out.

    `level` is the units in it at the time `seen`. `recent` has the time and the units of each
    request of the last second: recorded, the headers count those.
    """

    limit: int
    level: float = 0.0
    seen: float = 0.0
    recent: deque[tuple[float, int]] = field(default_factory=deque)

    def take(self, units: int, now: float) -> Admission:
        """Admit a request if its units fit. One larger than the limit needs an empty bucket."""
        leaked = max(0.0, now - self.seen) * self.limit
        self.level, self.seen = max(0.0, self.level - leaked), now
        while self.recent and self.recent[0][0] <= now - 1:
            self.recent.popleft()
        fits = self.level + min(units, self.limit) <= self.limit + _ROUNDING
        if fits:
            self.level += units
            self.recent.append((now, units))
        used = sum(count for _, count in self.recent) if fits else self.limit
        reset = math.ceil(now + self.level / self.limit)
        return Admission(limit=self.limit, used=used, reset=reset, is_refused=not fits)


class RateLimiter:
    """Admits or refuses requests by their key.

    `_refused` counts the refusals of the rate-limited key. `_buckets` are those of the keys that
    have a true limit.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start with unused keys; `clock` returns epoch seconds."""
        self._clock = clock
        self._refused = 0
        self._buckets = {
            key: Bucket(limit=limit) for key, limit in _TRUE_LIMITS.items()
        }

    def admit(self, key: str, units: int) -> Admission:
        """Admit or refuse one request; its units count against the key's limit."""
        now = self._clock()
        if bucket := self._buckets.get(key):
            return bucket.take(units, now)
        is_refused = self._is_limited(key)
        self._refused += is_refused
        return Admission(
            limit=_USUAL_LIMIT,
            used=_USUAL_LIMIT if is_refused else units,
            reset=int(now) + 1,
            is_refused=is_refused,
        )

    def _is_limited(self, key: str) -> bool:
        if key == RATE_LIMITED_KEY:
            return self._refused < _REFUSALS_OF_RATE_LIMITED
        return key == ALWAYS_LIMITED_KEY


def too_many_requests() -> ApiError:
    """Return the 429 of a used-up rate limit."""
    message = "Request rate limit exceeded, please try again later."
    return ApiError(429, "request_rate_limit_exceeded", message)
