"""Test keys, and how each is admitted: the test cards of a payment provider, but for API keys."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass

from perplexity_connector.sandbox.errors import ApiError

TEST_KEY_PREFIX = "pplx-test-"
GOOD_KEY = "pplx-test-good"
WRONG_KEY = "pplx-test-wrong"
NO_CREDIT_KEY = "pplx-test-no-credit"
ORGANISATION_KEY = "pplx-test-organisation"
RATE_LIMITED_KEY = "pplx-test-rate-limited"
ONE_PER_SECOND_KEY = "pplx-test-one-per-second"
ALWAYS_LIMITED_KEY = "pplx-test-always-limited"

_ACCEPTED = {GOOD_KEY, ORGANISATION_KEY, RATE_LIMITED_KEY, ONE_PER_SECOND_KEY}
_REFUSALS_OF_RATE_LIMITED = 2
_USUAL_LIMIT = 50
_BILLING = (
    "You exceeded your current quota, please check your plan and billing details. "
    "For more information, visit https://www.perplexity.ai/settings/api."
)
_WRONG = "Invalid API key provided. Ensure your API key is correct and active."


def fingerprint(key: str) -> str:
    """Return eight hex digits that differ between keys and reveal none; `none` for no key."""
    return hashlib.sha256(key.encode()).hexdigest()[:8] if key else "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """How a request is admitted: its rate headers, and `error` if it is refused.

    `reset` is in epoch seconds.
    """

    limit: int
    remaining: int
    reset: int
    error: ApiError | None

    def headers(self) -> dict[str, str]:
        """Return the four `x-ratelimit-*` headers of every answer."""
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-used": str(self.limit - self.remaining),
            "x-ratelimit-reset": str(self.reset),
        }


class RateLimiter:
    """Admits or refuses every request by its key.

    `_refused` counts the refusals of the rate-limited key. `_free_at` is the time (epoch seconds)
    from which the one-per-second key is admitted again.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start with unused keys; `clock` returns epoch seconds."""
        self._clock = clock
        self._refused = 0
        self._free_at = 0.0

    def admit(
        self,
        key: str,
        method: str,
        path: str,
    ) -> Admission:
        """Admit or refuse one request; this counts against the key's limit."""
        now = self._clock()
        if key == ONE_PER_SECOND_KEY:
            return self._admit_one_per_second(now)
        if self._is_limited(key):
            self._refused += key == RATE_LIMITED_KEY
            reset = math.ceil(now) + 1
            return Admission(
                limit=_USUAL_LIMIT, remaining=0, reset=reset, error=_too_many()
            )
        return Admission(
            limit=_USUAL_LIMIT,
            remaining=_USUAL_LIMIT - 1,
            reset=int(now) + 1,
            error=_key_error(key, method, path),
        )

    def _is_limited(self, key: str) -> bool:
        if key == RATE_LIMITED_KEY:
            return self._refused < _REFUSALS_OF_RATE_LIMITED
        return key == ALWAYS_LIMITED_KEY

    def _admit_one_per_second(self, now: float) -> Admission:
        # The provider limits by a leaky bucket. Recorded: the request that uses up the limit gets `remaining: 0`
        # beside its 200.
        error = _too_many() if now < self._free_at else None
        if error is None:
            self._free_at = now + 1
        reset = math.ceil(self._free_at)
        return Admission(
            limit=1,
            remaining=0,
            reset=reset,
            error=error,
        )


def _too_many() -> ApiError:
    message = "Request rate limit exceeded, please try again later."
    return ApiError(429, "request_rate_limit_exceeded", message)


def _key_error(
    key: str,
    method: str,
    path: str,
) -> ApiError | None:
    if key == NO_CREDIT_KEY:
        return ApiError(401, "insufficient_quota", _BILLING)
    if key not in _ACCEPTED:
        return ApiError(401, "invalid_api_key", _WRONG)
    if key == ORGANISATION_KEY and (method, path) != ("GET", "/v1/models"):
        message = "This API key is not permitted to use this endpoint."
        return ApiError(403, "forbidden", message)
    return None
