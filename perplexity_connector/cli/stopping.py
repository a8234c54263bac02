"""Signals that stop a run: Ctrl-C, SIGTERM, and SIGHUP when a terminal closes."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self, TypeAlias

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_SHOW_CURSOR = b"\x1b[?25h"
# A request to stop that came before the run had begun is repeated after so many seconds.
_AGAIN_S = 0.01

# Asks a run to stop. Returns whether the run was active.
Stop: TypeAlias = Callable[[], bool]
# A handler as the system keeps it.
_Handler: TypeAlias = (
    Callable[[int, FrameType | None], Any] | int | signal.Handlers | None
)


class Stopped(KeyboardInterrupt):
    """A signal arrived before the run was active; `code` is the exit code."""

    def __init__(self, code: int) -> None:
        """Keep the exit code."""
        super().__init__()
        self.code = code


class StopSignals:
    """The signals of one command, while entered.

    The first signal asks the active run to stop. Before a run it raises `Stopped`. After it, the
    answer is first written to its end. The second signal ends the process at once, or the one after
    as many as ask the run to stop. A signal that was ignored at the start, as by `nohup`, stays
    ignored.

    * `_requests`: how many signals may yet ask an active run to stop.
    * `code`: the exit code of the first signal; None before it.
    * `is_late`: whether the first signal came after the run.
    * `_has_run`: whether a run was active and is over.
    * `_loop`, `_stop`: the event loop of the active run, and how to stop it; None without a run.
    * `_former`: the handler of each signal before this one.
    """

    def __init__(self, requests: int = 1) -> None:
        """Change nothing yet. So many signals ask an active run to stop."""
        self._requests = requests
        self.code: int | None = None
        self.is_late = False
        self._has_run = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: Stop | None = None
        self._former: dict[signal.Signals, _Handler] = {}

    def __enter__(self) -> Self:
        """Take the signals. Outside the main thread Python does not allow this."""
        if threading.current_thread() is threading.main_thread():
            for number in _signals():
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._former[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the signals back."""
        for number, former in self._former.items():
            signal.signal(number, former)

    @contextmanager
    def asking(self, stop: Stop) -> Iterator[None]:
        """Until the block ends, let a signal call `stop` on the running event loop."""
        self._loop, self._stop = asyncio.get_running_loop(), stop
        try:
            yield
        finally:
            # First, since a signal may come between the two.
            self._has_run = True
            self._loop = self._stop = None

    def _receive(self, number: int, frame: FrameType | None) -> None:
        del frame
        if not self._requests or (self.code is not None and self._loop is None):
            _end_at_once(128 + number)
        self.code = self.code or 128 + number
        self._requests -= 1
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.ask)
            return
        self.is_late = self._has_run
        if not self.is_late:
            raise Stopped(self.code)

    def ask(self) -> None:
        """Ask the active run to stop, on its event loop, until it has heard that."""
        # The run may not have begun, or a flow may be between two steps.
        if self._loop and self._stop and not self._stop():
            self._loop.call_later(_AGAIN_S, self.ask)


def _signals() -> list[signal.Signals]:
    # Windows has no SIGHUP.
    return [number for number in signal.Signals if number.name in _NAMES]


def _end_at_once(code: int) -> None:
    # Not by an exception: the event loop would first wait for all its tasks.
    if sys.stderr.isatty():
        os.write(sys.stderr.fileno(), _SHOW_CURSOR)
    os._exit(code)
