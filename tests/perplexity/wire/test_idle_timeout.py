"""One timer for many waits, on a clock that only the test moves."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from perplexity_connector.perplexity.wire.idle_timeout import IdleTimeout


class Clock:
    """The running loop's time, stopped."""

    def __init__(self) -> None:
        """Stop it now."""
        loop = asyncio.get_running_loop()
        self._now = loop.time()
        loop.time = lambda: self._now

    async def passes(self, seconds: float) -> None:
        """Time passes, and the loop looks at its timers."""
        self._now += seconds
        for _ in range(3):
            await asyncio.sleep(0)


def run(main: Coroutine[Any, Any, None]) -> None:
    """On a loop of its own."""
    asyncio.run(main)


def test_each_wait_has_its_own_time() -> None:
    """However long they take together; and what stands between them does not count."""

    async def main() -> None:
        clock, timer = Clock(), IdleTimeout(1)
        for _ in range(5):
            with timer:
                await clock.passes(0.9)
            await clock.passes(5)
        timer.close()

    run(main())


def test_a_wait_that_takes_longer_is_a_time_out() -> None:
    """At the first, and after others, even where the timer was set long before."""

    async def main() -> None:
        clock, timer = Clock(), IdleTimeout(1)
        for good in (0, 1, 3):
            for _ in range(good):
                with timer:
                    await clock.passes(0.6)
            with pytest.raises(TimeoutError), timer:
                await clock.passes(1.1)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    run(main())


def test_many_waits_need_one_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is what a piece of a live answer would otherwise cost most."""

    async def main() -> None:
        clock, timer = Clock(), IdleTimeout(10)
        loop, timers = asyncio.get_running_loop(), []
        call_at = loop.call_at

        def counted(*arguments: Any, **more: Any) -> asyncio.TimerHandle:
            timers.append(arguments)
            return call_at(*arguments, **more)

        monkeypatch.setattr(loop, "call_at", counted)
        for _ in range(100):
            with timer:
                await clock.passes(0.01)
        assert len(timers) == 1
        timer.close()

    run(main())


def test_a_cancellation_by_somebody_else_stays_one() -> None:
    """Even when the time runs out in the same moment."""

    async def main() -> None:
        clock, timer = Clock(), IdleTimeout(1)

        async def waits() -> None:
            with timer:
                await asyncio.Event().wait()

        for late in (False, True):
            task = asyncio.ensure_future(waits())
            await asyncio.sleep(0)
            if late:
                clock._now += 2
                asyncio.get_running_loop().call_soon(task.cancel)
            else:
                task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()

    run(main())


def test_a_wait_in_a_task_that_is_being_cancelled_can_time_out() -> None:
    """Like `asyncio.timeout`: a cancellation from before the wait does not count as one during it."""

    async def main() -> None:
        clock, idle = Clock(), IdleTimeout(1)
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(0)
        for _ in range(2):
            with pytest.raises(TimeoutError), idle:
                await clock.passes(1.1)
            assert task.cancelling() == 1
        task.uncancel()

    run(main())


def test_other_errors_pass_through() -> None:
    """And what was never entered can be closed."""

    async def main() -> None:
        IdleTimeout(1).close()
        timer = IdleTimeout(1)
        with pytest.raises(KeyError), timer:
            raise KeyError
        timer.close()

    run(main())


@pytest.mark.parametrize("seconds", [1, 9])
def test_later_waits_may_have_another_time(seconds: float) -> None:
    """A shorter one as well as a longer one, on the timer that is set."""

    async def main() -> None:
        clock, timer = Clock(), IdleTimeout(5)
        with timer:
            await clock.passes(0.5)
        timer.allow(seconds)
        with timer:
            await clock.passes(seconds - 0.5)
        with pytest.raises(TimeoutError), timer:
            await clock.passes(seconds + 0.5)

    run(main())
