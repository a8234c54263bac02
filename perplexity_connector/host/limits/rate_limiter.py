"""Limit the requests of a connection: how many at once, and when the next one may start.

Providers send their limit with each response only. So until the first response, few requests are
in flight. After it, the provider's limit counts; without one, only the operator's limit does.
"""

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    nullcontext,
    suppress,
)
from math import inf

from perplexity_connector.contract import (
    ConnectorError,
    Effect,
    ErrorCode,
    Limiter,
    repeating,
)
from perplexity_connector.host.limits.permit import Permit

__all__ = ["RateLimiters"]

# Requests in flight while the limiter is cautious.
_CAUTIOUS_REQUESTS = 2
# So many responses in a row, none of them a refusal, end the caution after a refusal.
_GOOD_RESPONSES = 10
_LONGEST_WINDOW_S = 120.0
# A wait ends so much before the deadline, so that the handler's own timeout does not come first.
MARGIN_S = 0.05
# Reset times are in whole seconds: one request in "up to two seconds" is one request a second.
_COARSE_S = 2.0
# The same for a limit of several requests, where the provider's clock may be a second ahead too.
_SEVERAL_S = 3.0
# A second, and a little more: one request may reach the provider faster than the one before it.
_ONE_A_SECOND_S = 1.02
# A provider of so many requests a second takes one that is early.
_MANY = 10
# A request reaches the provider at most so long after its start.
_LATE_S = 0.25

_TOO_LATE = (
    "Too many requests at once: this run's turn was not before its deadline. "
    "Run fewer steps at once, or set a longer timeout."
)


class RateLimiters(Limiter):
    """The default `Limiter`: a rate limiter for each action and credential, in this process.

    Providers limit each of their services separately. It belongs to one event loop; hosts on that
    loop may share it. When that loop has ended, the next one gets new rate limiters.

    * `_limiters`: the rate limiters by key and action.
    * `_loop`, `_process`: the event loop that has them, and its process; None before the first use.
    """

    def __init__(self, concurrency: int = 64) -> None:
        """Allow `concurrency` requests at once in each of them."""
        self._concurrency = concurrency
        self._limiters: dict[tuple[str, str], RateLimiter] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process: int | None = None

    def use_here(self) -> None:
        """Belong to the running event loop. Raises `RuntimeError` while another one has them."""
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return
        if self._loop and not self._loop.is_closed() and self._process == os.getpid():
            message = (
                "these RateLimiters are used on another event loop: "
                "make others for each loop"
            )
            raise RuntimeError(message)
        self._limiters.clear()
        self._loop, self._process = loop, os.getpid()

    def of(self, key_id: str, action: str) -> "RateLimiter":
        """Return the rate limiter of an action. Connections with the same secrets share one."""
        found = self._limiters.get((key_id, action))
        if found is None:
            found = RateLimiter(self._concurrency)
            self._limiters[key_id, action] = found
        return found

    def acquire(self, key_id: str, action: str) -> AbstractAsyncContextManager[None]:
        """Wait for a turn without a deadline. A host asks `of`, and adds the run's deadline."""
        self.use_here()
        return self.of(key_id, action).permit()

    def observe(  # noqa: PLR0913 - as in the protocol
        self,
        key_id: str,
        action: str,
        *,
        limit: int | None,
        remaining: int | None,
        resets_at: float | None,
        retry_after: float | None,
    ) -> None:
        """Read the rate headers of a response, or a refusal."""
        if retry_after is None:
            self.of(key_id, action).observe(limit, remaining, resets_at)
        else:
            self.of(key_id, action).refuse(retry_after)


class RateLimiter:
    """Limits the requests of one action with one credential.

    Hold `permit` around each request that begins something. Call `observe` after each response
    to such a request, and `refuse` as well if the response refuses it because of the rate limit.

    The limiter is in one of these states. Requests wait in order of arrival.

    * cautious: the provider's limit is not known, so two requests may be in flight. It begins so.
      The first response ends this state. After a refusal, ten responses in a row must not be
      refusals. Rate headers end it at once in both cases.
    * open: the provider sends no rate headers. The operator's limit of requests in flight counts.
    * paced: the last rate headers count, beside the operator's limit. When no request is left of
      a window, the next one starts with the next window. A limit a second has no such windows: of its
      requests, not more than the limit start in any second.
    * stopped, after a refusal: no request starts before the time that the provider named (at most
      120 s). Then the limiter is cautious again, and starts two requests in 250 ms at most. One
      good response does not end that: the requests that wait would start all at once, and be
      refused.

    Requests that are in flight when the state changes are not touched. A request whose deadline
    is before the end of a stop or a window does not wait: its run ends as `rate_limited`.

    * `paces`: whether the provider's limit counts here. Without it, a ledger says when a request starts.
    * `_concurrency`: the operator's limit of requests in flight.
    * `_queue`: held by the first request that waits; the others wait for it in order.
    * `_waiting`: the timeout and the deadline (monotonic) of each request that waits.
    * `_changed`: set when a wait may be over: a request ended, or a response was observed.
    * `_in_flight`: requests that hold a permit now.
    * `_starts`: when the last requests started, two at least; monotonic. For a limit a second, as many
      as that.
    * `_cautious_responses`: responses until the limiter is no longer cautious; then 0.
    * `_stopped_until`: no request starts before it; monotonic. 0 before the first refusal.
    * `_limit`: the provider's limit of requests in one window; None until it is known.
    * `_is_a_second`: whether that is a limit a second.
    * `_is_sliding`: whether it allows several requests: then `_starts` counts too.
    * `_remaining`: requests that may still start in this window. Ignored without a `_limit`.
    * `_long_resets_at`: when the last window of several seconds ends (epoch); before that, a reset time
      soon is not that of a limit a second.
    * `_window_s`: the length of a window in seconds.
    * `_window_ends`: when this window ends and `_remaining` is `_limit` again; monotonic.
    """

    def __init__(self, concurrency: int) -> None:
        """Start without knowing the provider's limit."""
        self.paces = True
        self._concurrency = concurrency
        self._queue = asyncio.Lock()
        self._waiting: dict[asyncio.Timeout, float] = {}
        self._changed = asyncio.Event()
        self._in_flight = 0
        self._starts = deque([-inf] * _CAUTIOUS_REQUESTS, _CAUTIOUS_REQUESTS)
        self._cautious_responses = 1
        self._stopped_until = 0.0
        self._limit: int | None = None
        self._is_a_second = self._is_sliding = False
        self._remaining = 0
        self._long_resets_at = self._window_s = 0.0
        self._window_ends = 0.0

    def permit(
        self,
        deadline: float = inf,
        waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> AbstractAsyncContextManager[None]:
        """Wait for a turn, in order of arrival. Hold this until the response begins.

        `deadline` is monotonic. `waiting` is entered while the request waits. Raises
        `ConnectorError` (`rate_limited`) as soon as it is known that the turn is after the deadline,
        and at the deadline at the latest.
        """
        return Permit(self, deadline, waiting)

    async def begin(
        self, deadline: float, waiting: Callable[[], AbstractContextManager[None]]
    ) -> None:
        """Begin a permit, as `permit` does."""
        await self.take_place(deadline, waiting)
        self.start()

    async def take_place(
        self, deadline: float, waiting: Callable[[], AbstractContextManager[None]]
    ) -> None:
        """Wait for a turn as `permit` does, and count as in flight. The request starts later."""
        if self._waiting or self._seconds_to_wait() != 0:
            with waiting():
                await self._wait_for_turn(deadline)
        self._in_flight += 1

    def start(self) -> None:
        """Note that a request starts now, which has a place."""
        self._remaining -= 1
        self._starts.append(time.monotonic())

    def end(self) -> None:
        """Give up a place, of a request that has ended or does not start."""
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
        self._cautious_responses = max(0, self._cautious_responses - 1)
        if headers := complete(limit, remaining, resets_at):
            limit, remaining, resets_at = headers
            self._cautious_responses = 0
            self._limit = limit
            # The response's own request is counted in `remaining`; others in flight may not be.
            self._remaining = remaining - max(0, self._in_flight - 1)
            self._begin_window(limit, resets_at)
            if self._is_sliding:
                self._slide(limit, min(limit, limit - remaining))
        self._end_hopeless_waits()
        self._changed.set()

    def refuse(self, retry_after: float | None) -> None:
        """Stop, because the provider has refused a request: `retry_after` seconds, None if unknown."""
        named = repeating.usable(retry_after) or repeating.FIRST_BACK_OFF_S
        seconds = min(repeating.with_jitter(named), repeating.LONGEST_TOLD_S)
        self._stopped_until = max(self._stopped_until, time.monotonic() + seconds)
        self._cautious_responses = _GOOD_RESPONSES
        self._end_hopeless_waits()

    @property
    def rate(self) -> float | None:
        """Requests a second, if the last rate headers had a limit a second; else None."""
        if self._limit is None or not self._is_a_second:
            return None
        return self._limit / (1 if self._limit >= _MANY else self._window_s)

    def seconds_for(self, requests: int) -> float | None:
        """Return how long so many requests take at the provider's limit; None before it is known."""
        if self._limit is None:
            return None
        return requests / self._limit * self._window_s

    def seconds_stopped(self) -> float:
        """Return how long no request starts because of a refusal."""
        return max(0.0, self._stopped_until - time.monotonic())

    def _begin_window(self, limit: int, resets_at: float) -> None:
        seconds = min(resets_at - time.time(), _LONGEST_WINDOW_S)
        seconds = repeating.at_least(seconds)
        if seconds > _SEVERAL_S:
            self._long_resets_at = resets_at
        is_long = resets_at <= self._long_resets_at
        self._is_sliding = limit > 1 and resets_at % 1 == 0 and not is_long
        is_one = limit == 1 and seconds <= _COARSE_S
        self._is_a_second = self._is_sliding or is_one
        self._window_s = _ONE_A_SECOND_S if self._is_a_second else seconds
        longest = min(seconds, _ONE_A_SECOND_S) if self._is_sliding else self._window_s
        self._window_ends = time.monotonic() + longest

    def _slide(self, limit: int, used: int) -> None:
        """Let the record of starts count, if it has all that the provider counts: `used` in a second."""
        if self._starts.maxlen != limit:
            starts = [-inf] * limit + list(self._starts)
            self._starts = deque(starts, limit)
        # Other processes may use the same key, and one request may count as several. The response may be
        # that of the oldest request in flight, whose second ended when it reached the provider.
        oldest = self._starts[-min(max(1, self._in_flight), limit)]
        since = oldest - _ONE_A_SECOND_S - _LATE_S
        if used <= self._in_flight or self._starts[-used] >= since:
            self._remaining = limit

    async def _wait_for_turn(self, deadline: float) -> None:
        if self._earliest_start() > deadline:
            raise self._too_late_error()
        patience = asyncio.timeout(seconds_until(deadline - MARGIN_S))
        self._waiting[patience] = deadline
        try:
            async with patience, self._queue:
                while (seconds := self._seconds_to_wait()) != 0:
                    self._changed.clear()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(seconds):
                            await self._changed.wait()
        except TimeoutError:
            raise self._too_late_error() from None
        finally:
            del self._waiting[patience]

    def _end_hopeless_waits(self) -> None:
        """Let the requests whose deadline is before any possible start stop waiting now."""
        earliest = self._earliest_start()
        for patience, deadline in self._waiting.items():
            if deadline < earliest and not patience.expired():
                patience.reschedule(asyncio.get_running_loop().time())

    def _seconds_to_wait(self) -> float | None:
        """Return the seconds until the next request may start; None until something changes."""
        if self._in_flight >= self._most_in_flight():
            return None
        seconds = self._earliest_start() - time.monotonic()
        if seconds > 0:
            return seconds
        if self._is_used_up():
            self._remaining = self._limit or 0
            self._window_ends = time.monotonic() + self._window_s
        return 0

    def _earliest_start(self) -> float:
        """Return the monotonic time before which no request starts; it may be in the past."""
        earliest = self._stopped_until
        if self._is_used_up():
            earliest = max(earliest, self._window_ends)
        if self._is_sliding and self.paces:
            earliest = max(earliest, self._starts[0] + self._window_s)
        if self._stopped_until and self._cautious_responses:
            before = self._starts[-_CAUTIOUS_REQUESTS]
            earliest = max(earliest, before + repeating.SHORTEST_S)
        return earliest

    def _is_used_up(self) -> bool:
        return self.paces and self._limit is not None and self._remaining <= 0

    def _most_in_flight(self) -> int:
        if self._cautious_responses == 0:
            return self._concurrency
        return min(_CAUTIOUS_REQUESTS, self._concurrency)

    def _too_late_error(self) -> ConnectorError:
        seconds = self._earliest_start() - time.monotonic()
        # How long the queue takes is not known. Then it is the usual wait.
        return too_late_error(seconds if seconds > 0 else repeating.FIRST_BACK_OFF_S)


def too_late_error(retry_after: float) -> ConnectorError:
    """Return the error of a request whose turn was not before the deadline: nothing was sent."""
    return ConnectorError(
        ErrorCode.RATE_LIMITED,
        "The turn of a request was not before the run's deadline.",
        user_message=_TOO_LATE,
        effect=Effect.NONE,
        retry_after=retry_after,
    )


def complete(
    limit: int | None, remaining: int | None, resets_at: float | None
) -> tuple[int, int, float] | None:
    """Return rate headers that say the limit; None if one is missing."""
    if limit and limit > 0 and remaining is not None and resets_at is not None:
        return limit, remaining, resets_at
    return None


def seconds_until(deadline: float) -> float | None:
    """Return the seconds until a monotonic time; None if it never comes."""
    return None if deadline == inf else deadline - time.monotonic()
