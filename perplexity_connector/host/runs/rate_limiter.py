"""Limit the requests of a connection: how many at once, and when the next one may start.

Providers send their limit with each response only. So until the first response, few requests are
in flight. After it, the provider's limit counts; without one, only the operator's limit does.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from perplexity_connector.contract import Secret
from perplexity_connector.host.credentials.form import fingerprint

# Requests in flight before the first response.
_FIRST_REQUESTS = 2
_LONGEST_WINDOW_S = 120.0
# Reset times are in whole seconds: one request in "up to two seconds" is one request a second.
_COARSE_S = 2.0
_ONE_A_SECOND_S = 1.02


class RateLimiters:
    """The rate limiters of a host: one for each action and credential.

    Providers limit each of their services separately.
    """

    def __init__(self, concurrency: int) -> None:
        """Allow `concurrency` requests at once in each of them."""
        self._concurrency = concurrency
        self._limiters: dict[tuple[str, str, str], RateLimiter] = {}

    def of(
        self,
        connector: str,
        action: str,
        connection: Mapping[str, str | Secret],
    ) -> "RateLimiter":
        """Return the rate limiter of an action. Connections with the same secrets share one."""
        key = (connector, action, fingerprint(connection))
        return self._limiters.setdefault(key, RateLimiter(self._concurrency))


class RateLimiter:
    """Limits the requests of one action with one credential.

    Hold `permit` around each request, and call `observe` after each response.

    * `_concurrency`: the operator's limit of requests in flight.
    * `_queue`: held by the first request that waits; the others wait for it in order.
    * `_changed`: set when a wait may be over: a request ended, or a response was observed.
    * `_in_flight`: requests that hold a permit now.
    * `_has_response`: whether any response was observed.
    * `_limit`: the provider's limit of requests in one window; None until it is known.
    * `_remaining`: requests that may still start in this window. Ignored without a `_limit`.
    * `_window_s`: the length of a window in seconds.
    * `_window_ends`: when this window ends and `_remaining` is `_limit` again; monotonic.
    """

    def __init__(self, concurrency: int) -> None:
        """Start without knowing the provider's limit."""
        self._concurrency = concurrency
        self._queue = asyncio.Lock()
        self._changed = asyncio.Event()
        self._in_flight = 0
        self._has_response = False
        self._limit: int | None = None
        self._remaining = 0
        self._window_s = 0.0
        self._window_ends = 0.0

    @asynccontextmanager
    async def permit(self) -> AsyncIterator[None]:
        """Wait for a turn, in order of arrival. Hold this until the response begins."""
        async with self._queue:
            while (seconds := self._seconds_to_wait()) != 0:
                self._changed.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await self._changed.wait()
            self._in_flight += 1
            self._remaining -= 1
        try:
            yield
        finally:
            self._in_flight -= 1
            self._changed.set()

    def observe(
        self,
        limit: int | None,
        remaining: int | None,
        resets_at: float | None,
    ) -> None:
        """Read the rate headers of a response; None for a header that is missing.

        `limit` requests are allowed in a window, `remaining` are left, and the window ends at
        `resets_at` (epoch seconds).
        """
        self._has_response = True
        if limit and limit > 0 and remaining is not None and resets_at is not None:
            self._limit = limit
            # The response's own request is counted in `remaining`; others in flight may not be.
            self._remaining = remaining - max(0, self._in_flight - 1)
            self._window_s = _window_seconds(limit, resets_at)
            self._window_ends = time.monotonic() + self._window_s
        self._changed.set()

    def _seconds_to_wait(self) -> float | None:
        """Return the seconds until the next request may start; None until something changes."""
        if self._in_flight >= self._most_in_flight():
            return None
        if self._limit is None or self._remaining > 0:
            return 0
        seconds = self._window_ends - time.monotonic()
        if seconds > 0:
            return seconds
        self._remaining = self._limit
        self._window_ends = time.monotonic() + self._window_s
        return 0

    def _most_in_flight(self) -> int:
        if self._has_response:
            return self._concurrency
        return min(_FIRST_REQUESTS, self._concurrency)


def _window_seconds(limit: int, resets_at: float) -> float:
    seconds = min(max(resets_at - time.time(), 0.0), _LONGEST_WINDOW_S)
    return _ONE_A_SECOND_S if limit == 1 and seconds <= _COARSE_S else seconds
