"""Test keys, and how each is received: what a payment provider's test cards are, for an API key."""

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


def fingerprint(key: str) -> str:
    """Eight hex digits that tell keys apart without giving one away; `none` for no key."""
    return hashlib.sha256(key.encode()).hexdigest()[:8] if key else "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a request is received: its rate headers, and the refusal if there is one. `reset` is in epoch seconds."""

    limit: int
    remaining: int
    reset: int
    error: ApiError | None = None

    def headers(self) -> dict[str, str]:
        """The four `x-ratelimit-*` headers that every answer carries."""
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-used": str(self.limit - self.remaining),
            "x-ratelimit-reset": str(self.reset),
        }


class Gate:
    """Receives every request's key; remembers what the rate-limited test keys have used."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """A fresh gate; `clock` gives epoch seconds."""
        self._clock = clock
        self._refused = 0
        self._free_at = 0.0

    def receive(self, key: str, method: str, path: str) -> Verdict:
        """The verdict on one request. It uses up what the key has left."""
        if key == ONE_PER_SECOND_KEY:
            return self._one_per_second()
        if key == ALWAYS_LIMITED_KEY or (
            key == RATE_LIMITED_KEY and self._refused < _REFUSALS_OF_RATE_LIMITED
        ):
            self._refused += key == RATE_LIMITED_KEY
            return Verdict(
                limit=_USUAL_LIMIT,
                remaining=0,
                reset=math.ceil(self._clock()) + 1,
                error=_too_many(),
            )
        error = _refusal(key, method, path)
        return Verdict(
            limit=_USUAL_LIMIT,
            remaining=_USUAL_LIMIT - 1,
            reset=int(self._clock()) + 1,
            error=error,
        )

    def _one_per_second(self) -> Verdict:
        # The provider limits by a leaky bucket. On the request that took the last drop, `remaining: 0` beside a 200 is
        # what was recorded.
        now = self._clock()
        error = _too_many() if now < self._free_at else None
        if error is None:
            self._free_at = now + 1
        return Verdict(
            limit=1, remaining=0, reset=math.ceil(self._free_at), error=error
        )


def _too_many() -> ApiError:
    return ApiError(
        429,
        "request_rate_limit_exceeded",
        "Request rate limit exceeded, please try again later.",
    )


def _refusal(key: str, method: str, path: str) -> ApiError | None:
    if key == NO_CREDIT_KEY:
        return ApiError(401, "insufficient_quota", _BILLING)
    if key not in _ACCEPTED:
        return ApiError(
            401,
            "invalid_api_key",
            "Invalid API key provided. Ensure your API key is correct and active.",
        )
    if key == ORGANISATION_KEY and (method, path) != ("GET", "/v1/models"):
        return ApiError(
            403, "forbidden", "This API key is not permitted to use this endpoint."
        )
    return None
