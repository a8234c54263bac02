"""How many requests a connection may have under way, and when the next one may start.

A provider tells its limit only in its answers, so until the first answer few requests are in flight. From then on the
told limit paces them; where answers tell none, the operator's own bound is all there is.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from perplexity_connector.contract import Secret
from perplexity_connector.host.credentials.form import fingerprint

_CAUTIOUS = 2
_LONGEST_WINDOW_S = 120.0
# Reset times come in whole seconds: a limit of one request in "up to two seconds" is one request a second.
_COARSE_S = 2.0
_ONE_A_SECOND_S = 1.02


class RateLimiters:
    """The rate limiters of a host, one for each connection and action.

    A provider limits each of its services by itself.
    """

    def __init__(self, concurrency: int) -> None:
        """Bound each of them by the operator's number."""
        self._concurrency = concurrency
        self._known: dict[tuple[str, str, str], RateLimiter] = {}

    def of(
        self, connector: str, action: str, connection: Mapping[str, str | Secret]
    ) -> "RateLimiter":
        """The rate_limiter of an action over a connection; what counts of a connection is its secrets, not its name."""
        return self._known.setdefault(
            (connector, action, fingerprint(connection)), RateLimiter(self._concurrency)
        )


class RateLimiter:
    """The shared limit of one connection for one action: `permit` around requests, `observe` after answers."""

    def __init__(self, concurrency: int) -> None:
        """Bound the requests in flight; nothing else is known yet."""
        self._concurrency = concurrency
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        self._in_flight = 0
        self._answered = False
        self._limit: int | None = None
        self._left = 0
        self._window = 0.0
        self._opens_at = 0.0

    @asynccontextmanager
    async def permit(self) -> AsyncIterator[None]:
        """Hold this while a request waits for its answer to begin. First come, first served."""
        async with self._turn:
            while (wait := self._wait()) != 0:
                self._changed.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._changed.wait()
            self._in_flight += 1
            self._left -= 1
        try:
            yield
        finally:
            self._in_flight -= 1
            self._changed.set()

    def observe(
        self, limit: int | None, remaining: int | None, resets_at: float | None
    ) -> None:
        """Learn from the rate headers of an answer: requests allowed, left, and when the count starts anew (epoch)."""
        self._answered = True
        if (
            limit is not None
            and remaining is not None
            and resets_at is not None
            and limit > 0
        ):
            told = min(max(resets_at - time.time(), 0.0), _LONGEST_WINDOW_S)
            self._limit = limit
            self._window = _ONE_A_SECOND_S if limit == 1 and told <= _COARSE_S else told
            self._opens_at = time.monotonic() + self._window
            # Those still in flight may not be counted in what the provider says is left; this answer's own is.
            self._left = remaining - max(0, self._in_flight - 1)
        self._changed.set()

    def _wait(self) -> float | None:
        """Seconds until the next request may start, 0 for now; None until something changes."""
        if self._in_flight >= (
            self._concurrency if self._answered else min(_CAUTIOUS, self._concurrency)
        ):
            return None
        if self._limit is None or self._left > 0:
            return 0
        left = self._opens_at - time.monotonic()
        if left > 0:
            return left
        self._left = self._limit
        self._opens_at = time.monotonic() + self._window
        return 0
