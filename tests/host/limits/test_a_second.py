"""A limit of many requests a second, whose reset times are whole seconds. The clock is the tests' own."""

import asyncio
import random
from contextlib import suppress

import pytest

from perplexity_connector.host.limits.rate_limiter import RateLimiter
from perplexity_connector.sandbox.keys import Bucket
from tests.host.limits.provider import Provider, now
from tests.own_clock import OwnClock

pytestmark = pytest.mark.usefixtures("real_waits")

LIMIT = 50
PLACES = 16
# There, and back again.
TRAVEL_S = 0.01


def provider_of_fifty() -> Provider:
    """Return a provider of 50 requests a second."""
    return Provider(Bucket(limit=LIMIT))


def test_a_thousand_requests_start_at_the_rate_of_their_limit() -> None:
    """None is refused, and they take little longer than they must."""
    provider = provider_of_fifty()
    seconds = OwnClock().run(provider.requests(RateLimiter(64), 1000))
    assert provider.refused == 0
    assert seconds <= 1.1 * 1000 / LIMIT


def test_two_processes_share_a_limit() -> None:
    """Each notices that the other one uses it, although it sees only its own requests."""
    random.seed(1)
    provider = provider_of_fifty()

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
