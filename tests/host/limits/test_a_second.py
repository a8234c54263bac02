"""A limit of many requests a second, whose reset times are whole seconds. The clock is the tests' own."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from perplexity_connector.host.limits.rate_limiter import RateLimiter
from perplexity_connector.sandbox.keys import Admission, Bucket
from tests.own_clock import OwnClock

pytestmark = pytest.mark.usefixtures("real_waits")

LIMIT = 50
PLACES = 16
# There, and back again.
TRAVEL_S = 0.01


def now() -> float:
    """Return the time on the clock of the running test."""
    return asyncio.get_running_loop().time()


@dataclass(slots=True)
class Provider:
    """A provider of 50 requests a second.

    * `bucket`: the limit.
    * `admissions`: how it admitted each request.
    """

    bucket: Bucket = field(default_factory=lambda: Bucket(limit=LIMIT))
    admissions: list[Admission] = field(default_factory=list[Admission])

    async def requests(self, limiter: RateLimiter, count: int) -> float:
        """Send so many requests from sixteen places. Return the seconds that they take."""
        numbers = iter(range(count))
        began = now()
        async with asyncio.TaskGroup() as places:
            for _ in range(PLACES):
                places.create_task(self._place(limiter, numbers))
        return now() - began

    async def _place(self, limiter: RateLimiter, numbers: Iterator[int]) -> None:
        for _ in numbers:
            while (await self._request(limiter)).is_refused:
                pass

    async def _request(self, limiter: RateLimiter) -> Admission:
        async with limiter.permit():
            await asyncio.sleep(TRAVEL_S)
            admission = self.bucket.take(1, now())
            self.admissions.append(admission)
            await asyncio.sleep(TRAVEL_S)
            left = admission.limit - min(admission.used, admission.limit)
            limiter.observe(admission.limit, left, admission.reset)
            if admission.is_refused:
                limiter.refuse(None)
        return admission

    @property
    def refused(self) -> int:
        """Return how many requests were refused."""
        return sum(admission.is_refused for admission in self.admissions)


def test_a_thousand_requests_start_at_the_rate_of_their_limit() -> None:
    """None is refused, and they take little longer than they must."""
    provider = Provider()
    seconds = OwnClock().run(provider.requests(RateLimiter(64), 1000))
    assert provider.refused == 0
    assert seconds <= 1.1 * 1000 / LIMIT


def test_two_processes_share_a_limit() -> None:
    """Each notices that the other one uses it, although it sees only its own requests."""
    random.seed(1)
    provider = Provider()

    async def both() -> None:
        sent = [provider.requests(RateLimiter(64), 500) for _ in range(2)]
        await asyncio.gather(*sent)

    OwnClock().run(both())
    assert provider.refused <= 130


@pytest.mark.parametrize(("after", "started"), [(58, 0), (65, 1)])
def test_a_long_window_that_ends_soon_is_not_a_limit_a_second(
    after: int, started: int
) -> None:
    """Nothing starts before its end. A later window may be a short one."""

    async def work() -> int:
        limiter, count, began = RateLimiter(64), 0, now()
        async with limiter.permit():
            limiter.observe(LIMIT, 40, began + 60)
        await asyncio.sleep(after)
        async with limiter.permit():
            limiter.observe(LIMIT, 0, began + after + 2)
        with suppress(TimeoutError):
            async with asyncio.timeout(1.9), limiter.permit():
                count += 1
        return count

    assert OwnClock().run(work()) == started
