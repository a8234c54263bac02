"""A limit for each of many waits, with one timer for all of them."""

import asyncio
from types import TracebackType


class IdleTimeout:
    """A context manager that raises `TimeoutError` when what stands in it takes longer than so many seconds.

    Does what `asyncio.timeout` does, and may be entered again and again: a timer is set when the last one has run out,
    not anew for each piece of an answer.
    """

    __slots__ = (
        "_cancelling",
        "_loop",
        "_ran_out",
        "_seconds",
        "_since",
        "_task",
        "_timer",
    )

    def __init__(self, seconds: float) -> None:
        """Allow so many seconds for each wait."""
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._since = 0.0
        self._cancelling = 0
        self._ran_out = False
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        """Begin to wait."""
        task = self._task = asyncio.current_task()
        self._cancelling = task.cancelling() if task else 0
        self._since = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_at(self._since + self._seconds, self._look)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop waiting."""
        task, self._task = self._task, None
        if self._ran_out and task is not None:
            self._ran_out = False
            # As `asyncio.timeout`: a cancellation that somebody else asked for goes on.
            if task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
                raise TimeoutError from error

    def close(self) -> None:
        """No more waits."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer = None
        if self._task is None:
            return
        ends = self._since + self._seconds
        if self._loop.time() < ends:
            self._timer = self._loop.call_at(ends, self._look)
        else:
            self._ran_out = True
            self._task.cancel()
