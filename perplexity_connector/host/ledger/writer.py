"""The thread of a process that writes into one ledger.

It alone imports SQLAlchemy, which takes longer than the rest of a command.
"""

import atexit
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from perplexity_connector.host.ledger.address import Address
from perplexity_connector.host.ledger.entries import LedgerError
from perplexity_connector.host.ledger.unit import AnyUnit

if TYPE_CHECKING:
    from perplexity_connector.host.ledger.service import Service

# Without a pause between its groups, one of four processes would starve the others.
_PAUSE_S = 0.002
_LOOK_S = 2.0
_LAST_S = 30.0


class Writer:
    """The thread that writes into one ledger, for all users in this process.

    * `listeners`: called on the thread with the id of each run that should stop.
    * `users`: how many share it.
    * `key`: that of its address.
    * `_process`: the process that the thread runs in. It does not run in a forked child.
    * `_queue`: the units that wait; None ends the thread.
    * `_waiting`: the units that were taken from the queue, and are not in a group yet.
    * `_last`: the future of the newest unit: all are done when it is.
    * `_problems`: the texts of the problems so far, each once.
    * `_is_closed`: no unit is accepted any more.
    * `_lock`: held while a unit is accepted, and while that ends.
    """

    def __init__(self, address: Address, environ: Mapping[str, str]) -> None:
        """Start the thread. It opens the ledger with the first unit."""
        self.listeners: list[Callable[[str], None]] = []
        self.users = 0
        self.key = address.key
        self._address = address
        self._environ = environ
        self._process = os.getpid()
        self._queue: SimpleQueue[AnyUnit | None] = SimpleQueue()
        self._waiting: deque[AnyUnit] = deque()
        self._last: Future[object] | None = None
        self._problems: dict[str, None] = {}
        self._is_closed = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(
            target=self._run, name="automation-host-ledger", daemon=True
        )
        self._thread.start()
        # Later, the interpreter stops the thread between two units.
        atexit.register(self.stop, _LAST_S)

    def submit(self, unit: AnyUnit) -> bool:
        """Let a unit be committed. Return False if the thread ends. Raises as `require_ours` does."""
        self.require_ours()
        with self._lock:
            if self._is_closed:
                return False
            self._last = unit.future
            self._queue.put(unit)
            return True

    def require_ours(self) -> None:
        """Raise `LedgerError` in a forked child, where the thread does not run."""
        if self._process != os.getpid():
            message = (
                "This ledger was opened before the process was forked, and works in the parent only."
                " Make another one after the fork."
            )
            raise LedgerError(message)

    def flush(self, seconds: float) -> None:
        """Wait until all units are committed. What is not after so many seconds is a problem."""
        if self._last:
            wait([self._last], seconds)
        self._note_unfinished()

    def stop(self, seconds: float) -> None:
        """Commit all units, close the ledger and end the thread."""
        if self._process != os.getpid():
            return  # a forked child ends
        atexit.unregister(self.stop)
        with self._lock:
            self._is_closed = True
        self._queue.put(None)
        self._thread.join(seconds)
        self._note_unfinished()

    def problems(self) -> list[str]:
        """Return the problems since the last call."""
        texts = list(self._problems)
        for text in texts:
            del self._problems[text]
        return texts

    def _note_unfinished(self) -> None:
        if self._last and not self._last.done():
            self._note(
                f"The ledger at {self._address.place} is busy. The last changes are not written."
            )

    def _note(self, text: str) -> None:
        self._problems[text] = None

    def _cancel(self, run_id: str) -> None:
        for listener in tuple(self.listeners):
            try:
                listener(run_id)
            except Exception as error:  # noqa: BLE001 - the thread must go on
                self._note(f"Run {run_id} cannot be stopped: {type(error).__name__}.")

    def _run(self) -> None:
        service = self._service()
        look_at = 0.0
        is_going = True
        while is_going:
            seconds = max(0, look_at - time.monotonic()) if service.is_open else None
            is_going = self._receive(seconds)
            while self._waiting:
                service.commit(self._next_group())
                time.sleep(_PAUSE_S)
            if time.monotonic() >= look_at:
                look_at = time.monotonic() + _LOOK_S
                service.look_around()
        service.close()

    def _service(self) -> "Service | _NoService":
        try:
            from perplexity_connector.host.ledger.service import Service  # noqa: PLC0415 - slow, and only this thread needs it
        except ImportError as error:
            return _NoService(f"The ledger needs {error.name}, which is not installed.")
        return Service(
            self._address, self._environ, cancel=self._cancel, note=self._note
        )

    def _receive(self, seconds: float | None) -> bool:
        """Wait for a unit, and take all that are there. Return False at the end."""
        try:
            unit = self._queue.get(timeout=seconds)
            while unit:
                self._waiting.append(unit)
                unit = self._queue.get_nowait()
        except Empty:
            return True
        return False

    def _next_group(self) -> list[AnyUnit]:
        """Take the first units that either all read or all write."""
        is_reading = self._waiting[0].is_reading
        group = []
        while self._waiting and self._waiting[0].is_reading == is_reading:
            group.append(self._waiting.popleft())
        return group


class _NoService:
    """In place of a database that cannot be opened at all. `problem`: the reason."""

    is_open = False

    def __init__(self, problem: str) -> None:
        """Fail all units for this reason."""
        self.problem = problem

    def commit(self, units: Sequence[AnyUnit]) -> None:
        """Fail these units."""
        for unit in units:
            unit.fail(LedgerError(self.problem))
            unit.settle()

    def look_around(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


# The writers of this process, by their address.
_writers: dict[tuple[str, int], Writer] = {}
_lock = threading.Lock()


def join_writer(address: Address, environ: Mapping[str, str]) -> Writer:
    """Return the writer of a ledger, which is started for its first user."""
    with _lock:
        writer = _writers.get(address.key)
        if not writer:
            writer = _writers[address.key] = Writer(address, environ)
        writer.users += 1
        return writer


def leave_writer(writer: Writer, seconds: float) -> None:
    """Wait until all is written. The last user that leaves ends the thread."""
    with _lock:
        writer.users -= 1
        is_last = not writer.users
        if is_last:
            _writers.pop(writer.key, None)
    if is_last:
        writer.stop(seconds)
    else:
        writer.flush(seconds)


def _forget_parents() -> None:
    """Begin without the parent's writers: their threads do not run in the child."""
    global _lock  # noqa: PLW0603 - another thread of the parent may have held it
    _lock = threading.Lock()
    _parents.extend(_writers.values())
    _writers.clear()


# Kept from being collected: a child must not touch the database of its parent.
_parents: list[Writer] = []

if hasattr(os, "register_at_fork"):  # pragma: no branch - not on Windows
    os.register_at_fork(after_in_child=_forget_parents)
