"""The shared limit of a connection: caution first, then what the provider tells."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from perplexity_connector.contract import Secret
from perplexity_connector.host import Host
from perplexity_connector.host.credentials.form import fingerprint
from perplexity_connector.host.limits import rate_limiter as room
from perplexity_connector.host.limits.rate_limiter import RateLimiter, RateLimiters


class Requests:
    """Requests that hold a permit until they are told to end."""

    def __init__(self, rate_limiter: RateLimiter) -> None:
        """None has started."""
        self._rate_limiter = rate_limiter
        self._end = asyncio.Event()
        self.started = 0
        self.tasks: list[asyncio.Task[None]] = []

    async def start(self, count: int) -> int:
        """Ask for that many more permits; how many requests have started in all once nothing moves any more."""
        self.tasks += [asyncio.create_task(self._request()) for _ in range(count)]
        return await self.settle()

    async def settle(self) -> int:
        """How many have started once every task had its turn."""
        for _ in range(20 + 4 * len(self.tasks)):
            await asyncio.sleep(0)
        return self.started

    async def end(self) -> None:
        """End the ones that have started, and give up the others."""
        self._end.set()
        await self.settle()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _request(self) -> None:
        async with self._rate_limiter.permit():
            self.started += 1
            await self._end.wait()


def started(
    prepare: Callable[[RateLimiter], Coroutine[object, object, None]] | None,
    concurrency: int,
    asked: int,
) -> int:
    """How many requests start at once, after `prepare`."""

    async def main() -> int:
        rate_limiter = RateLimiter(concurrency)
        if prepare is not None:
            await prepare(rate_limiter)
        requests = Requests(rate_limiter)
        count = await requests.start(asked)
        await requests.end()
        return count

    return asyncio.run(main())


def response(
    limit: int | None, remaining: int | None, resets_in: float | None
) -> Callable[[RateLimiter], Coroutine[object, object, None]]:
    """An answer with those rate headers."""

    async def answer(rate_limiter: RateLimiter) -> None:
        async with rate_limiter.permit():
            rate_limiter.observe(
                limit, remaining, None if resets_in is None else time.time() + resets_in
            )

    return answer


def test_until_the_limit_is_known_few_requests_are_in_flight() -> None:
    """Nobody knows yet what the provider allows."""
    assert started(None, 64, 10) == 2


def test_an_operator_may_be_more_careful_than_that() -> None:
    """One at a time means one."""
    assert started(None, 1, 10) == 1


def test_an_answer_without_a_limit_lifts_the_caution() -> None:
    """Then the operator's bound is all there is."""
    assert started(response(None, None, None), 7, 10) == 7


@pytest.mark.parametrize(
    "headers", [(50, None, 9.0), (None, 3, 9.0), (50, 3, None), (0, 0, 9.0)]
)
def test_half_a_limit_is_none(
    headers: tuple[int | None, int | None, float | None],
) -> None:
    """Nothing is held up by headers that do not say enough."""
    assert started(response(*headers), 7, 10) == 7


def test_what_is_left_of_a_limit_may_start_at_once() -> None:
    """The rest waits for the window to open anew."""
    assert started(response(50, 3, 60.0), 64, 10) == 3


def test_requests_in_flight_count_against_what_is_left() -> None:
    """The provider may not have counted them yet."""

    async def main() -> int:
        rate_limiter = RateLimiter(64)
        first = Requests(rate_limiter)
        await first.start(2)
        rate_limiter.observe(50, 3, time.time() + 60)
        count = await first.start(10)
        await first.end()
        return count

    assert asyncio.run(main()) == 2 + 2


def test_when_the_window_opens_anew_the_whole_limit_may_start() -> None:
    """The wait is that of the header, not longer."""

    async def main() -> int:
        rate_limiter = RateLimiter(64)
        await response(5, 0, 0.05)(rate_limiter)
        rate_limiter._window_s = 60.0
        requests = Requests(rate_limiter)
        assert await requests.start(10) == 0
        await asyncio.wait(requests.tasks, timeout=0.2)
        count = await requests.settle()
        await requests.end()
        return count

    assert asyncio.run(main()) == 5


def test_one_request_in_up_to_two_seconds_is_one_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Reset times are rounded to whole seconds; waiting for them would halve the rate."""
    monkeypatch.setattr(room, "_ONE_A_SECOND_S", 0.0)
    assert started(response(1, 0, 1.9), 64, 1) == 1
    assert started(response(1, 0, 2.5), 64, 1) == 0


def test_a_reset_time_far_away_does_not_stop_a_connection_for_ever() -> None:
    """No header may hold a run longer than two minutes."""

    async def main() -> float:
        rate_limiter = RateLimiter(64)
        await response(5, 0, 1e9)(rate_limiter)
        return rate_limiter._window_ends - time.monotonic()

    assert asyncio.run(main()) <= 120


def test_permits_are_given_in_the_order_they_were_asked_for() -> None:
    """A request that waits is not overtaken for ever."""

    async def main() -> list[int]:
        rate_limiter, order = RateLimiter(1), list[int]()

        async def request(number: int) -> None:
            async with rate_limiter.permit():
                order.append(number)
                await asyncio.sleep(0)

        await asyncio.gather(*[request(number) for number in range(6)])
        return order

    assert asyncio.run(main()) == list(range(6))


def test_a_request_that_gives_up_waiting_frees_its_place() -> None:
    """A cancelled run holds nobody up."""

    async def main() -> int:
        rate_limiter = RateLimiter(1)
        first, second = Requests(rate_limiter), Requests(rate_limiter)
        await first.start(1)
        await second.start(1)
        await second.end()
        await first.end()
        third = Requests(rate_limiter)
        count = await third.start(1)
        await third.end()
        return count

    assert asyncio.run(main()) == 1


def test_connections_with_the_same_secret_share_their_limit_and_others_do_not() -> None:
    """The provider counts by key, and the actions apart."""
    rate_limiters = RateLimiters(64)

    def of(action: str, name: str, key: str) -> RateLimiter:
        credential: Any = {"connection_name": name, "api_key": Secret(key)}
        return rate_limiters.of(fingerprint(credential), action)

    mine = of("shout", "Mine", "one")
    assert of("shout", "Ours", "one") is mine
    assert of("shout", "Mine", "two") is not mine
    assert of("count", "Mine", "one") is not mine


def test_a_concurrency_below_one_is_a_mistake() -> None:
    """A host that can run nothing is refused at once."""
    with pytest.raises(ValueError, match="concurrency"):
        Host(concurrency=0)
