"""Timers that follow a deadline which may move."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# While a run waits for its host, no time passes for it. Then the timer looks so often.
_SHORTEST_S = 0.01


@contextmanager
def expiring(
    timer: asyncio.Timeout, seconds_left: Callable[[], float | None]
) -> Iterator[None]:
    """Let `timer` expire inside this block as soon as no seconds are left.

    `seconds_left` is called again at the end of the time that it named, because a wait for the
    host's limit does not count. None means that there is not a limit.
    """
    loop = asyncio.get_running_loop()
    next_look: asyncio.TimerHandle | None = None

    def look() -> None:
        nonlocal next_look
        left = seconds_left()
        if left is None:
            return
        if left > 0:
            next_look = loop.call_later(max(left, _SHORTEST_S), look)
        elif not timer.expired():
            timer.reschedule(loop.time())

    look()
    try:
        yield
    finally:
        if next_look is not None:
            next_look.cancel()
