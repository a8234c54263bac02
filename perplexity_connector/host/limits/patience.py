"""How long a run waits for the host's own rate limiter, which does not count against its deadline."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

# So long a run waits in all, unless its caller chose a timeout.
LONGEST_S = 600.0


class Patience:
    """The waits of one run. Several of its requests may wait at once: that time counts once.

    * `_longest_s`: how long it waits in all; 0 if its caller chose a timeout, which then includes
      the waits.
    * `_waiting`: how many of its requests wait now.
    * `_began`: when the first of them began to wait; monotonic.
    * `_ended_s`: the length of the waits that have ended.
    """

    def __init__(self, longest_s: float) -> None:
        """Allow `longest_s` seconds."""
        self._longest_s = longest_s
        self._waiting = 0
        self._began = 0.0
        self._ended_s = 0.0

    def waited(self) -> float:
        """Return the seconds so far that do not count; they grow while a request waits."""
        current = time.monotonic() - self._began if self._waiting else 0.0
        return min(self._ended_s + current, self._longest_s)

    def end(self, deadline: float) -> float:
        """Return when a request must stop waiting; monotonic. `deadline` is the run's."""
        if not self._longest_s:
            return deadline
        return time.monotonic() + self._longest_s - self.waited()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count this block as waiting."""
        if not self._waiting:
            self._began = time.monotonic()
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._ended_s += time.monotonic() - self._began
