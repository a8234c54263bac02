"""Limit each of many waits, with one timer for all of them."""

import asyncio
from types import TracebackType


class IdleTimeout:
    """Raise `TimeoutError` when the block inside takes longer than the given seconds.

    It does the same as `asyncio.timeout`, but can be entered again and again, and it does not set
    a new timer for each piece of a live answer. Leaving the block leaves the timer running. When
    the timer fires, it checks the current wait: if that began later, the timer is set again for
    the rest of its time.

    States: not waiting (`_task` empty), waiting (`_task` set), timed out (`_timed_out` is
    true: the task was cancelled by us, and leaving the block turns that into `TimeoutError`).

    * `_seconds`: the longest time for one wait.
    * `_wait_began`: when the current wait began, on the loop's clock.
    * `_task`: the task inside the block, or None.
    * `_cancelling`: how many cancellations the task had when it entered. If it has more than that
      after ours is taken back, another caller cancelled it too, and that cancellation goes on.
    * `_timer`: the one timer, or None while none is set.
    """

    __slots__ = (
        "_cancelling",
        "_loop",
        "_seconds",
        "_task",
        "_timed_out",
        "_timer",
        "_wait_began",
    )

    def __init__(self, seconds: float) -> None:
        """Allow `seconds` for each wait."""
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._wait_began = 0.0
        self._cancelling = 0
        self._timed_out = False
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        """Begin a wait."""
        task = self._task = asyncio.current_task()
        self._cancelling = task.cancelling() if task else 0
        self._wait_began = self._loop.time()
        if self._timer is None:
            self._set_timer()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the wait."""
        task, self._task = self._task, None
        if self._timed_out and task is not None:
            self._timed_out = False
            is_only_ours = task.uncancel() <= self._cancelling
            if is_only_ours and kind is asyncio.CancelledError:
                raise TimeoutError from error

    def allow(self, seconds: float) -> None:
        """Allow `seconds` for each wait that begins from now on."""
        if seconds < self._seconds:
            self.close()  # it would fire too late
        self._seconds = seconds

    def close(self) -> None:
        """Stop the timer, between two waits or after the last one."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self) -> None:
        self._timer = self._loop.call_at(
            self._wait_began + self._seconds, self._timer_fired
        )

    def _timer_fired(self) -> None:
        self._timer = None
        if self._task is None:
            return
        if self._loop.time() < self._wait_began + self._seconds:
            self._set_timer()
        else:
            self._timed_out = True
            self._task.cancel()
