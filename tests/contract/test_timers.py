"""A timer whose end moves with the waits of a run, on a clock of its own."""

import asyncio
from collections.abc import Callable

import pytest

from perplexity_connector.contract import ActionContext
from perplexity_connector.contract.timers import expiring
from tests.own_clock import OwnClock


def expires_after(make: Callable[[float], Callable[[], float | None]]) -> float | None:
    """Return when a block of 100 s ended too early; None if it did not. `make` is given the start."""

    async def main() -> float | None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(None) as timer:
                with expiring(timer, make(began)):
                    await asyncio.sleep(100)
        except TimeoutError:
            return loop.time() - began
        return None

    return OwnClock().run(main())


def test_it_expires_when_no_seconds_are_left() -> None:
    """As `asyncio.timeout` does; at once if there are none from the start."""

    def left(seconds: float) -> Callable[[float], Callable[[], float]]:
        def of(began: float) -> Callable[[], float]:
            return lambda: began + seconds - asyncio.get_running_loop().time()

        return of

    assert expires_after(left(7)) == pytest.approx(7, abs=0.1)
    assert expires_after(left(0)) == 0
    assert expires_after(left(-3)) == 0
    assert expires_after(left(101)) is None


def test_without_a_limit_it_never_expires() -> None:
    """A plain host may have none."""
    assert expires_after(lambda _: lambda: None) is None


def test_it_looks_again_when_the_end_has_moved() -> None:
    """A run of five seconds that waits from its second second to its fiftieth has three left then."""

    def of(began: float) -> Callable[[], float | None]:
        def waited() -> float:
            return min(max(asyncio.get_running_loop().time() - began - 2, 0), 48)

        return ActionContext(deadline=began + 5, waited=waited).seconds_left

    assert expires_after(of) == pytest.approx(53, abs=0.1)


def test_a_stop_by_hand_at_the_same_moment_does_no_harm() -> None:
    """The timer is expiring already when the block looks at the seconds left."""
    clock = OwnClock()

    async def block() -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(None) as timer:
            with expiring(timer, iter([1.0, 0.0]).__next__):
                timer.reschedule(loop.time() + 0.5)
                # As long as the loop is busy, the timer and the next look are both due.
                loop.call_at(loop.time() + 0.4, clock.pass_seconds, 1)
                await asyncio.sleep(100)

    with pytest.raises(TimeoutError):
        clock.run(block())
