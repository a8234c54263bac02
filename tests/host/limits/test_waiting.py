"""What a refusal (429) does to the other runs of its key and action, and what waiting costs a run.

The clock is the tests' own, so no wait takes time.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ConnectorError,
    Effect,
    ErrorCode,
)
from perplexity_connector.host import Host
from perplexity_connector.host.limits.given_limiter import GivenTurns
from perplexity_connector.host.limits.rate_limiter import RateLimiter, RateLimiters
from perplexity_connector.host.runs.run import GRACE_S
from tests.host.stage import CONNECTION, GREET, toy_host
from tests.own_clock import OwnClock
from tests.toy.toy import ToyPlugin

pytestmark = pytest.mark.usefixtures("real_waits")

GOOD = ActionResult(output={"text": "Hello, Ada!"})
RUN_ID = "run_0123456789abcdef0123456789abcdef"
# That of the toy's action in its manifest.
ACTION_TIMEOUT = 30


def now() -> float:
    """Return the time on the clock of the running test."""
    return asyncio.get_running_loop().time()


def limited(**parts: Any) -> ConnectorError:
    """A provider's refusal because of its rate limit."""
    return ConnectorError(ErrorCode.RATE_LIMITED, "Too many.", **parts)


async def answered(
    rate_limiter: RateLimiter, *headers: float | None, refused: bool = False
) -> None:
    """Send a request that is answered at once; with a refusal, the provider names one second."""
    async with rate_limiter.permit():
        rate_limiter.observe(*(headers or (None, None, None)))  # type: ignore[arg-type]
        if refused:
            rate_limiter.refuse(1.0)


async def started(rate_limiter: RateLimiter, seconds: float, asked: int = 20) -> int:
    """Return how many of the asked requests start within that time, if none of them ends."""
    started = 0

    async def request() -> None:
        nonlocal started
        async with rate_limiter.permit():
            started += 1
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(request()) for _ in range(asked)]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return started


def on_own_clock(work: Callable[[RateLimiter], Awaitable[Any]]) -> Any:
    """Return what `work` gives for a rate limiter of seven requests at once."""

    async def main() -> Any:
        return await work(RateLimiter(7))

    return OwnClock().run(main())


def test_a_refusal_stops_every_request_until_the_time_the_provider_named() -> None:
    """And a little longer, so that many processes do not come back together."""

    async def work(rate_limiter: RateLimiter) -> tuple[int, int]:
        await answered(rate_limiter)
        await answered(rate_limiter, refused=True)
        return await started(rate_limiter, 0.99), await started(rate_limiter, 0.5)

    assert on_own_clock(work) == (0, 2)


@pytest.mark.parametrize("told", [None, 0.0, -3.0, float("nan")])
def test_a_refusal_that_names_no_time_stops_for_a_moment(told: float | None) -> None:
    """As long as the usual back-off may last."""

    async def work(rate_limiter: RateLimiter) -> tuple[int, int]:
        rate_limiter.refuse(told)
        return await started(rate_limiter, 0.9), await started(rate_limiter, 0.6)

    assert on_own_clock(work) == (0, 2)


def test_no_refusal_stops_a_key_for_more_than_two_minutes() -> None:
    """Whatever it says."""

    async def work(rate_limiter: RateLimiter) -> tuple[int, int]:
        rate_limiter.refuse(1e9)
        return await started(rate_limiter, 119.9), await started(rate_limiter, 0.2)

    assert on_own_clock(work) == (0, 2)


def test_a_second_refusal_does_not_shorten_the_stop() -> None:
    """The later of the two times counts."""

    async def work(rate_limiter: RateLimiter) -> int:
        rate_limiter.refuse(30.0)
        rate_limiter.refuse(1.0)
        return await started(rate_limiter, 29.9)

    assert on_own_clock(work) == 0


@pytest.mark.parametrize(("good", "at_once"), [(0, 2), (1, 2), (9, 2), (10, 7)])
def test_after_a_refusal_ten_good_responses_in_a_row_end_the_caution(
    good: int, at_once: int
) -> None:
    """One is not enough: all that wait would start at once, and be refused."""

    async def work(rate_limiter: RateLimiter) -> int:
        await answered(rate_limiter, refused=True)
        for _ in range(good):
            await answered(rate_limiter)
        return await started(rate_limiter, 2)

    assert on_own_clock(work) == at_once


def test_another_refusal_begins_the_row_again() -> None:
    """Nine, a refusal, and nine are not ten in a row."""

    async def work(rate_limiter: RateLimiter) -> int:
        for _ in range(2):
            await answered(rate_limiter, refused=True)
            for _ in range(9):
                await answered(rate_limiter)
        return await started(rate_limiter, 2)

    assert on_own_clock(work) == 2


def test_rate_headers_end_the_caution_after_a_refusal_too() -> None:
    """Then they pace the requests. Those of the refusal itself are not enough."""

    async def work(rate_limiter: RateLimiter) -> tuple[int, int]:
        headers = (50, 5, now() + 60)
        await answered(rate_limiter, *headers, refused=True)
        before = await started(rate_limiter, 2)
        await answered(rate_limiter, 50, 4, now() + 60)
        return before, await started(rate_limiter, 2)

    assert on_own_clock(work) == (2, 4)


def test_a_wait_for_the_next_window_has_a_floor_as_well() -> None:
    """A reset time in the past does not let the whole limit start at once."""

    async def work(rate_limiter: RateLimiter) -> tuple[int, int]:
        await answered(rate_limiter, 50, 0, now() - 5)
        return await started(rate_limiter, 0.2), await started(rate_limiter, 0.1)

    assert on_own_clock(work) == (0, 7)


async def too_late(rate_limiter: RateLimiter, deadline: float) -> tuple[Any, ...]:
    """Return what a request ends with whose deadline is in so many seconds, and after how many."""
    began = now()
    with pytest.raises(ConnectorError) as raised:
        async with rate_limiter.permit(began + deadline):
            raise AssertionError
    error = raised.value
    assert (error.code, error.effect) == (ErrorCode.RATE_LIMITED, Effect.NONE)
    return round(now() - began, 3), error.retry_after


def test_a_request_whose_deadline_is_before_the_end_of_a_stop_does_not_wait() -> None:
    """It ends at once, and says how long the stop lasts."""

    async def work(rate_limiter: RateLimiter) -> Any:
        rate_limiter.refuse(60.0)
        return await too_late(rate_limiter, 59)

    waited, retry_after = on_own_clock(work)
    assert waited == 0
    assert 60 <= retry_after <= 67


def test_nor_does_one_whose_deadline_is_before_the_next_window() -> None:
    """The reset time of the rate headers is as good."""

    async def work(rate_limiter: RateLimiter) -> Any:
        await answered(rate_limiter, 50, 0, now() + 40)
        return await too_late(rate_limiter, 39)

    assert on_own_clock(work) == (0, pytest.approx(40))


def test_a_refusal_ends_the_waits_that_have_become_hopeless() -> None:
    """Also of requests that wait behind one whose deadline is late enough; that one stays."""

    async def work(rate_limiter: RateLimiter) -> Any:
        async with rate_limiter.permit(), rate_limiter.permit():
            patient = asyncio.create_task(started(rate_limiter, 70, asked=1))
            await asyncio.sleep(0)
            hopeless = [
                asyncio.create_task(too_late(rate_limiter, 30)) for _ in range(3)
            ]
            await asyncio.sleep(1)
            rate_limiter.refuse(60.0)
            rate_limiter.refuse(60.0)
            found = await asyncio.gather(*hopeless)
        return found, await patient

    found, patient = on_own_clock(work)
    assert [waited for waited, _ in found] == [1.0] * 3
    assert all(60 <= retry_after <= 67 for _, retry_after in found)
    assert patient == 1


def test_a_request_that_waits_for_a_free_place_gives_up_at_its_deadline() -> None:
    """How long it would have taken is not known; it says a second."""

    async def work(rate_limiter: RateLimiter) -> Any:
        async with rate_limiter.permit(), rate_limiter.permit():
            return await too_late(rate_limiter, 5)

    assert on_own_clock(work) == (4.95, 1.0)


@dataclass(slots=True)
class Provider:
    """A provider that takes two requests in 200 ms, and refuses others for one second."""

    taken: list[float] = field(default_factory=list[float])
    refused: int = 0

    async def handle(self, _: Any, ctx: ActionContext) -> ActionResult:
        """Send one request, as a connector does."""
        async with ctx.permit():
            await asyncio.sleep(0.005)
            ctx.observe_limit(None, None, None)
            moment = now()
            if len([at for at in self.taken if moment - at < 0.2]) == 2:
                self.refused += 1
                ctx.observe_refusal(1.0)
                raise limited(retry_after=1.0)
            self.taken.append(moment)
        return GOOD


async def greet(host: Host, **options: Any) -> Any:
    """Return the envelope of one run."""
    return await host.run(*GREET, connection=CONNECTION, **options)


@dataclass(slots=True)
class Once:
    """A provider that refuses its first request."""

    refusal: ConnectorError | None

    async def handle(self, _: Any, ctx: ActionContext) -> ActionResult:
        """Send one request, as a connector does."""
        async with ctx.permit():
            refusal, self.refusal = self.refusal, None
            if refusal is not None:
                ctx.observe_refusal(refusal.retry_after)
                raise refusal
        return GOOD


def with_host(
    handler: Any, work: Callable[[Host], Awaitable[Any]], **options: Any
) -> Any:
    """Return what `work` gives inside an open host, on a clock of its own."""

    async def main() -> Any:
        async with toy_host(ToyPlugin(greet=handler), **options) as host:
            return await work(host)

    return OwnClock().run(main())


@pytest.mark.parametrize("seed", range(10))
def test_twelve_runs_at_a_provider_that_takes_two_at_a_time_all_succeed(
    seed: int,
) -> None:
    """With the usual four attempts, and whatever the jitter."""
    random.seed(seed)
    provider = Provider()

    async def work(host: Host) -> Any:
        return await asyncio.gather(*[greet(host, timeout=60) for _ in range(12)])

    envelopes = with_host(provider.handle, work)
    assert [envelope["status"] for envelope in envelopes] == ["succeeded"] * 12
    assert provider.refused > 0


async def waits_for_its_turn(_: Any, ctx: ActionContext) -> ActionResult:
    """Ask for a turn, and then wait for an answer that does not arrive."""
    async with ctx.permit():
        await asyncio.Event().wait()
    raise AssertionError


def test_a_run_that_is_stopped_while_it_waits_for_its_turn_had_no_effect() -> None:
    """Nothing has left. The first two have had their turn."""

    async def main(host: Host) -> Any:
        runs = [
            asyncio.create_task(greet(host, run_id=f"run_{number:032x}"))
            for number in range(3)
        ]
        await asyncio.sleep(0.01)
        return [
            (host.cancel(f"run_{number:032x}"), (await run)["error"]["effect"])
            for number, run in reversed(list(enumerate(runs)))
        ]

    effects = with_host(waits_for_its_turn, main)
    assert effects == [(True, "none"), (True, "unknown"), (True, "unknown")]


@pytest.mark.parametrize("ends", [TimeoutError, asyncio.CancelledError, SystemExit])
def test_a_wait_for_a_turn_that_ends_without_one_had_no_effect(
    ends: type[BaseException],
) -> None:
    """Nothing was sent, however the action gives up at its deadline."""

    async def gives_up(input: Any, ctx: ActionContext) -> ActionResult:
        try:
            async with asyncio.timeout(1 if input["name"] == "late" else None):
                return await waits_for_its_turn(input, ctx)
        except TimeoutError:
            raise ends from None

    async def main(host: Host) -> Any:
        first = [asyncio.create_task(greet(host, run_id=RUN_ID)) for _ in range(2)]
        await asyncio.sleep(0.01)
        late = await host.run(
            "toy", "greet", {"name": "late"}, connection=CONNECTION, timeout=600
        )
        assert host.cancel(RUN_ID)
        await asyncio.gather(*first)
        return late["error"]

    error = with_host(gives_up, main)
    assert (error["code"], error["effect"]) == (ErrorCode.INTERNAL, "none")


def test_a_run_that_has_sent_something_and_waits_again_may_have_had_an_effect() -> None:
    """Only the first turn of an attempt is certain to have nothing before it."""

    async def twice(input: Any, ctx: ActionContext) -> ActionResult:
        async with ctx.permit():
            ctx.observe_refusal(60.0)
        return await waits_for_its_turn(input, ctx)

    async def main(host: Host) -> Any:
        run = asyncio.create_task(greet(host, run_id=RUN_ID, timeout=600))
        await asyncio.sleep(1)
        assert host.cancel(RUN_ID)
        return (await run)["error"]["effect"]

    assert with_host(twice, main) == "unknown"


@pytest.mark.parametrize("effect", list(Effect))
def test_a_run_that_is_stopped_before_a_retry_had_the_effect_of_its_attempts(
    effect: Effect,
) -> None:
    """A refusal is not an effect."""

    async def refused(*_: object) -> ActionResult:
        raise limited(effect=effect, retry_after=5.0)

    async def main(host: Host) -> Any:
        run = asyncio.create_task(greet(host, run_id=RUN_ID))
        await asyncio.sleep(1)
        assert host.cancel(RUN_ID)
        return (await run)["error"]["effect"]

    assert with_host(refused, main, repeat_unknown=True) == effect.value


def test_a_run_that_continues_an_earlier_one_may_have_had_an_effect() -> None:
    """The earlier one has begun."""

    async def main(host: Host) -> Any:
        runs = [
            asyncio.create_task(greet(host, run_id=RUN_ID, resume_from={"id": number}))
            for number in range(3)
        ]
        await asyncio.sleep(0.01)
        assert host.cancel(RUN_ID)
        return [envelope["error"]["effect"] for envelope in await asyncio.gather(*runs)]

    assert with_host(waits_for_its_turn, main) == ["unknown"] * 3


def test_a_run_whose_turn_is_not_before_its_deadline_ends_as_rate_limited() -> None:
    """At once if the provider said so, and without any effect."""

    async def main(host: Host) -> Any:
        refused = asyncio.create_task(greet(host, timeout=600))
        await asyncio.sleep(0.1)
        began = now()
        late = await greet(host, timeout=20)
        waited = now() - began
        await refused
        return late, waited

    provider = Once(limited(retry_after=30.0))
    late, waited = with_host(provider.handle, main)
    error = late["error"]
    assert (error["code"], error["effect"], late["attempts"]) == (
        ErrorCode.RATE_LIMITED,
        "none",
        1,
    )
    assert 29 <= error["retry_after"] <= 34
    assert waited == 0


@dataclass(slots=True)
class Busy:
    """A handler that holds all turns of its key for so many seconds, and another that waits for its own.

    `left` has the seconds that a run had left before and after it waited.
    """

    seconds: float
    left: list[float] = field(default_factory=list[float])

    async def handle(self, input: Any, ctx: ActionContext) -> ActionResult:
        """Hold a turn, or wait for one and then hang."""
        if input["name"] == "first":
            async with ctx.permit():
                await asyncio.sleep(self.seconds)
            return GOOD
        self.left.append(ctx.seconds_left() or 0)
        async with ctx.permit():
            self.left.append(ctx.seconds_left() or 0)
            await asyncio.Event().wait()
        raise AssertionError


def behind(seconds: float, **options: Any) -> tuple[Any, float, list[float]]:
    """Run behind one that holds the only turn: the envelope, its seconds, and those that it had left."""
    busy = Busy(seconds)

    async def main(host: Host) -> tuple[Any, float, list[float]]:
        first = ("toy", "greet", {"name": "first"})
        async with asyncio.TaskGroup() as group:
            group.create_task(host.run(*first, connection=CONNECTION, timeout=9000.0))
            await asyncio.sleep(0)
            began = now()
            envelope = await greet(host, **options)
            return envelope, now() - began, busy.left

    return with_host(busy.handle, main, concurrency=1)


def test_waiting_for_a_turn_does_not_count_against_the_timeout_of_the_action() -> None:
    """Not in the handler's view, and not in the host's, which ends the run three seconds after its deadline."""
    envelope, seconds, left = behind(400)
    assert envelope["error"]["code"] == "timeout"
    assert left == [pytest.approx(ACTION_TIMEOUT)] * 2
    assert seconds == pytest.approx(400 + ACTION_TIMEOUT + GRACE_S, abs=0.1)


def test_it_ends_after_ten_minutes() -> None:
    """Then nothing was sent."""
    envelope, seconds, left = behind(700)
    assert (envelope["error"]["code"], envelope["error"]["effect"]) == (
        "rate_limited",
        "none",
    )
    assert 599 < seconds < 601 + ACTION_TIMEOUT
    assert len(left) == envelope["attempts"]


def test_the_timeout_of_a_caller_includes_the_waits() -> None:
    """It is exact: the wait is over shortly before it, or the handler has the rest."""
    _, seconds, left = behind(400, timeout=410.0)
    assert left == [pytest.approx(410), pytest.approx(10)]
    assert seconds == pytest.approx(413, abs=0.1)
    envelope, seconds, _ = behind(400, timeout=100.0)
    assert envelope["error"]["code"] == "rate_limited"
    assert seconds <= 100


def test_waits_of_several_requests_at_once_count_once() -> None:
    """A run waits as long as one of its requests does."""
    waited: list[float] = []

    async def three(_: Any, ctx: ActionContext) -> ActionResult:
        async def ask() -> None:
            async with ctx.permit():
                await asyncio.sleep(10)

        await asyncio.gather(ask(), ask(), ask())
        waited.append(ctx.waited())
        return GOOD

    with_host(three, greet, concurrency=1)
    assert waited == [pytest.approx(20, abs=0.01)]


def test_a_run_that_is_stopped_while_its_time_stands_still_ends_at_once() -> None:
    """The timer that follows the deadline does not undo it."""

    async def main(host: Host) -> Any:
        runs = [asyncio.create_task(greet(host, timeout=9000)) for _ in range(2)]
        late = asyncio.create_task(greet(host, run_id=RUN_ID))
        await asyncio.sleep(100)
        began = now()
        assert host.cancel(RUN_ID)
        envelope = await late
        for one in runs:
            one.cancel()
        return envelope["status"], now() - began

    assert with_host(waits_for_its_turn, main) == ("cancelled", 0)


def test_four_attempts_at_a_provider_that_names_a_wait_of_zero_are_not_made_at_once() -> (
    None
):
    """Each waits for a quarter of a second at least."""
    attempts: list[float] = []

    async def refused(*_: object) -> ActionResult:
        attempts.append(now())
        raise limited(retry_after=0.0)

    envelope = with_host(refused, lambda host: greet(host, timeout=60))
    assert (envelope["attempts"], envelope["error"]["code"]) == (4, "rate_limited")
    assert all(later - at >= 0.25 for at, later in pairwise(attempts))


def test_a_run_that_is_refused_for_more_than_two_minutes_ends_at_once() -> None:
    """Its caller hears how long."""

    async def main(host: Host) -> Any:
        began = now()
        envelope = await greet(host, timeout=600)
        return envelope, now() - began

    provider = Once(limited(retry_after=3600.0))
    envelope, waited = with_host(provider.handle, main)
    error = envelope["error"]
    assert (error["code"], error["effect"], error["retry_after"]) == (
        ErrorCode.RATE_LIMITED,
        "none",
        3600.0,
    )
    assert (waited, envelope["attempts"]) == (0, 1)


def test_a_limiter_of_the_operator_does_not_say_how_long_requests_take() -> None:
    """Only the host's own knows a limit."""
    turns = GivenTurns(RateLimiters(), "key", "greet")
    assert turns.seconds_for(100) is None
