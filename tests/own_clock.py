"""A clock for tests that jumps to the next timer when nothing else is left to do: waits cost nothing."""

import asyncio
from collections.abc import Coroutine
from types import ModuleType, SimpleNamespace
from typing import Any, TypeVar

import pytest

from perplexity_connector.contract import context, repeating
from perplexity_connector.host.limits import given_limiter, patience, rate_limiter
from perplexity_connector.host.runs import record, retry, run

T = TypeVar("T")

# Where a run's times are read.
_HOST = (
    context,
    given_limiter,
    patience,
    rate_limiter,
    record,
    repeating,
    retry,
    run,
)


class OwnClock:
    """The seconds of the monotonic clock and of the wall clock alike."""

    def __init__(self, *others: ModuleType) -> None:
        """Stand in for the clock of the host's runs and of other modules."""
        self.now = 1_790_000_000.0
        self._modules = (*_HOST, *others)

    def time(self) -> float:
        """Return the time."""
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass while the event loop is busy."""
        self.now += seconds

    def run(self, main: Coroutine[object, object, T]) -> T:
        """Run a coroutine on an event loop that lives by this clock."""
        clock = SimpleNamespace(
            time=self.time,
            monotonic=self.time,
            time_ns=lambda: round(self.now * 1e6) * 1000,
        )
        with pytest.MonkeyPatch.context() as patch:
            for module in self._modules:
                patch.setattr(module, "time", clock)
            with asyncio.Runner(loop_factory=self._loop) as runner:
                return runner.run(main)

    def _loop(self) -> asyncio.SelectorEventLoop:
        loop: Any = asyncio.SelectorEventLoop()
        loop.time = self.time
        # Of two times this large, a difference below that is lost.
        loop._clock_resolution = 1e-6
        select = loop._selector.select

        def jump(timeout: float | None = None) -> object:
            events = select(0 if timeout is not None else None)
            if timeout and not events:
                # A little more, because a sum of floats may stay just below the timer.
                self.now += timeout + 1e-6
            return events

        loop._selector.select = jump
        return loop
