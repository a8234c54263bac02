"""One limit for all processes that share a ledger, which says when each request may start."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    nullcontext,
    suppress,
)
from dataclasses import dataclass, field
from itertools import islice
from math import inf
from typing import TYPE_CHECKING

from perplexity_connector.contract import ConnectorError, repeating
from perplexity_connector.host.ledger.entries import LedgerError, LimitKey, TurnTimes
from perplexity_connector.host.ledger.writing.waiting import committed
from perplexity_connector.host.limits.permit import Permit
from perplexity_connector.host.limits.rate_limiter import (
    MARGIN_S,
    RateLimiter,
    complete,
    seconds_until,
    too_late_error,
)

if TYPE_CHECKING:
    from concurrent.futures import Future

    from perplexity_connector.host.ledger.ledger import Ledger

# Turns are taken so long before they come: a process that ends, or is refused, loses only these.
_AHEAD_S = 0.5
# Turns of so short a time start together, with the last of them: each start wakes the process, and the ledger.
_TOGETHER_S = 0.1
# If the ledger had free turns, as many requests as those of the short time start before it has counted them.
# Its answer counts so long.
_FRESH_S = 0.5
# A server's late Date header makes a second look longer. A limit a second is forgotten after so long a time.
_LONG_S = 30.0
# Requests wait so long for the ledger. If it fails, they do without it for a while.
_LONGEST_S = 2.0
_ALONE_S = 5.0


@dataclass(slots=True, eq=False)
class _Request:
    """A request that waits for its turn.

    * `deadline`: monotonic; its turn is not later.
    * `turn`: resolves when it may start. False: it must begin to wait again.
    """

    deadline: float
    turn: asyncio.Future[bool] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class SharedLimiter:
    """Limits the requests of one action with one credential, in all processes with one ledger.

    It has the methods of `RateLimiter`. One of these, the local one, still bounds the requests in
    flight, is cautious, stops after a refusal, and lets requests wait in order. Then the ledger says
    when the request may start. It learns the limit, and each refusal, from all processes.

    While the ledger is not open in this process, or after it has failed, the local one does all.

    * `_local`: the local limiter.
    * `_ledger`, `_key`: the ledger, and its entry of this limit.
    * `_rate`: requests a second, as this process last knew it; None before a limit is known.
    * `_waiting`: the requests that wait for their turn, in order.
    * `_turns`: when the next of them may start, as far as the ledger was asked; monotonic.
    * `_free_at`: when the first request may start that has no turn yet; monotonic.
    * `_timer`: set for the next turn; None without one.
    * `_asking`: asks the ledger for turns; None if it is not asked now.
    * `_fresh_until`: until then the last answer of the ledger counts; monotonic.
    * `_owed`: the requests that have started, and that the ledger has not counted yet.
    * `_long_since`: since then each response had a long window, although the limit is one a second;
      monotonic, and infinite if the last one had not.
    * `_alone_until`: the ledger is not asked before it; monotonic.
    * `_late`: the question that the ledger had not answered in time; None if it answers.
    """

    def __init__(self, ledger: "Ledger", key: LimitKey, concurrency: int) -> None:
        """Allow `concurrency` requests at once in this process."""
        self._local = RateLimiter(concurrency)
        self._ledger = ledger
        self._key = key
        self._rate: float | None = None
        self._waiting: deque[_Request] = deque()
        self._turns: deque[float] = deque()
        self._free_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._asking: asyncio.Task[None] | None = None
        self._fresh_until = self._alone_until = 0.0
        self._owed = 0
        self._long_since = inf
        self._late: Future[TurnTimes] | None = None

    def permit(
        self,
        deadline: float = inf,
        waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> AbstractAsyncContextManager[None]:
        """Wait for a turn, as in `RateLimiter`."""
        return Permit(self, deadline, waiting)

    async def begin(
        self, deadline: float, waiting: Callable[[], AbstractContextManager[None]]
    ) -> None:
        """Begin a permit."""
        self._shares()
        may_start = False
        while not may_start:
            await self._local.take_place(deadline, waiting)
            is_paced = self._local.paces
            if self._shares():
                may_start = self._starts_at_once() or await self._has_turn(
                    deadline, waiting
                )
            elif is_paced:
                may_start = True
            else:
                self._local.end()
        self._local.start()

    def end(self) -> None:
        """End a permit that has begun."""
        self._local.end()

    def observe(
        self, limit: int | None, remaining: int | None, resets_at: float | None
    ) -> None:
        """Read the rate headers of a response. A limit that has changed is written down."""
        self._local.observe(limit, remaining, resets_at)
        headers = complete(limit, remaining, resets_at)
        if headers and (rate := self._told_rate()) != self._rate:
            self._rate, self._fresh_until = rate, 0.0
            used = max(0, min(headers[0], headers[0] - headers[1]))
            with suppress(LedgerError):
                self._ledger.set_rate(self._key, rate, used=used)

    def _told_rate(self) -> float | None:
        """Return the rate of the last headers; None once these have had a long window for some time."""
        now, rate = time.monotonic(), self._local.rate
        if rate is not None or self._rate is None:
            self._long_since = inf
            return rate
        self._long_since = min(self._long_since, now)
        return None if now - self._long_since >= _LONG_S else self._rate

    def refuse(self, retry_after: float | None) -> None:
        """Stop in all processes, because the provider has refused a request."""
        self._local.refuse(retry_after)
        self._fresh_until = 0.0
        self._give_up_turns()
        with suppress(LedgerError):
            self._ledger.stop_turns(self._key, self._local.seconds_stopped())

    def seconds_for(self, requests: int) -> float | None:
        """Return how long so many requests take; None before the limit is known."""
        return (
            requests / self._rate if self._rate else self._local.seconds_for(requests)
        )

    def _shares(self) -> bool:
        """Return whether the ledger says when requests start. Else the local limiter paces them."""
        is_answering = self._late is None or self._late.done()
        is_alone = time.monotonic() < self._alone_until or not is_answering
        shares = self._ledger.is_open and not is_alone
        self._local.paces = not shares or self._rate is None
        return shares

    def _starts_at_once(self) -> bool:
        """Return whether a request starts before the ledger counts it, since turns are free."""
        now = time.monotonic()
        if self._waiting or now >= self._fresh_until or now < self._free_at:
            return False
        if self._rate is None:
            return True
        if self._owed >= int(self._rate * _TOGETHER_S):
            return False
        self._owed += 1
        self._move()
        return True

    async def _has_turn(
        self, deadline: float, waiting: Callable[[], AbstractContextManager[None]]
    ) -> bool:
        """Wait until a request with a place may start. Return False if it has lost its place."""
        may_start = False
        try:
            with waiting():
                may_start = await self._turn(deadline - MARGIN_S)
        finally:
            if not may_start:
                self._local.end()
        return may_start

    async def _turn(self, deadline: float) -> bool:
        if not self._waiting:
            self._forget_past_turns()
        request = _Request(deadline)
        self._waiting.append(request)
        self._move()
        try:
            async with asyncio.timeout(seconds_until(deadline)):
                return await request.turn
        except TimeoutError:
            raise self._too_late_error() from None
        finally:
            # The turn of a request that has left is that of the next one.
            with suppress(ValueError):
                self._waiting.remove(request)

    def _forget_past_turns(self) -> None:
        """Forget the turns that no request took: later ones must not start all at once."""
        now = time.monotonic()
        while self._turns and self._turns[0] < now:
            self._turns.popleft()

    def _move(self) -> None:
        """Start the requests whose turn has come, set the timer for the next one, and ask for more."""
        now = time.monotonic()
        while self._waiting and self._turns and self._turns[0] <= now:
            request = self._waiting.popleft()
            if not request.turn.done():
                self._turns.popleft()
                request.turn.set_result(True)
        self._set_timer(now)
        if self._asking is None and (self._owed or self._without_turn()):
            # It runs after all that starts to wait in this step of the event loop.
            self._asking = asyncio.create_task(self._ask())

    def _set_timer(self, now: float) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._waiting and self._turns:
            together = min(
                len(self._waiting), len(self._turns), self._turns_of(_TOGETHER_S)
            )
            seconds = self._turns[together - 1] - now
            self._timer = asyncio.get_running_loop().call_later(seconds, self._move)

    def _without_turn(self) -> list[_Request]:
        """Return the requests for which the ledger should be asked now."""
        most = self._turns_of(_AHEAD_S)
        if len(self._turns) > most // 2:
            return []
        found = islice(self._waiting, len(self._turns), most)
        return [request for request in found if not request.turn.done()]

    def _turns_of(self, seconds: float) -> int:
        """Return how many turns a short time has."""
        if self._rate is None:
            return len(self._waiting)
        return max(1, int(self._rate * seconds))

    async def _ask(self) -> None:
        """Ask the ledger once, for all requests that wait now."""
        owed, requests = self._owed, self._without_turn()
        deadlines = [inf] * owed + [request.deadline for request in requests]
        try:
            if times := await self._answer(deadlines):
                self._take(requests, times.starts[owed:], times)
        finally:
            self._asking = None
            self._owed -= owed
        self._move()

    async def _answer(self, deadlines: Sequence[float]) -> TurnTimes | None:
        """Return the ledger's turns; None if it fails, or if all requests have left."""
        if not deadlines:
            return None
        asked = None
        try:
            asked = self._ledger.take_turns(self._key, deadlines)
            async with asyncio.timeout(_LONGEST_S):
                return await committed(asked)
        except Exception:  # noqa: BLE001 - the requests that wait go on without the ledger
            self._go_alone(asked)
        return None

    def _take(
        self,
        requests: Sequence[_Request],
        starts: Sequence[float | None],
        times: TurnTimes,
    ) -> None:
        self._rate, self._free_at = times.rate, times.free_at
        self._fresh_until = time.monotonic() + _FRESH_S
        for request, start in zip(requests, starts, strict=True):
            if start is not None:
                self._turns.append(start)
            elif not request.turn.done():
                self._waiting.remove(request)
                request.turn.set_exception(self._too_late_error())

    def _go_alone(self, asked: "Future[TurnTimes] | None") -> None:
        self._alone_until = time.monotonic() + _ALONE_S
        self._late = asked
        self._give_up_turns()

    def _give_up_turns(self) -> None:
        """Let every request wait again, in the local limiter."""
        self._turns.clear()
        while self._waiting:
            request = self._waiting.popleft()
            if not request.turn.done():
                request.turn.set_result(False)

    def _too_late_error(self) -> ConnectorError:
        seconds = self._free_at - time.monotonic()
        return too_late_error(seconds if seconds > 0 else repeating.FIRST_BACK_OFF_S)
