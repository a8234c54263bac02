"""Timers that follow a deadline which may move."""

import asyncio
from collections.abc import Callable

# While a run waits for its host, no time passes for it. Then the timer looks so often.
_SHORTEST_S = 0.01


class expiring:  # noqa: N801 - used as a function, and faster than a generator
    """Let `timer` expire inside this block as soon as no seconds are left.

    `seconds_left` is called again at the end of the time that it named, because a wait for the
    host's limit does not count. None means that there is not a limit. `_next_look` is when it is
    called next, None if it is not.
    """

    __slots__ = ("_next_look", "_seconds_left", "_timer")

    def __init__(
        self, timer: asyncio.Timeout, seconds_left: Callable[[], float | None]
    ) -> None:
        """Follow `seconds_left`, once the block has begun."""
        self._timer = timer
        self._seconds_left = seconds_left
        self._next_look: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        """Begin the block."""
        self._look()

    def __exit__(self, *_: object) -> None:
        """End the block."""
        if self._next_look is not None:
            self._next_look.cancel()

    def _look(self) -> None:
        left = self._seconds_left()
        if left is None:
            return
        loop = asyncio.get_running_loop()
        if left > 0:
            self._next_look = loop.call_later(max(left, _SHORTEST_S), self._look)
        elif not self._timer.expired():
            self._timer.reschedule(loop.time())
