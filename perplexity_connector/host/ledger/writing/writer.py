"""The thread of a process that writes into one ledger.

It alone imports SQLAlchemy, which takes longer than the rest of a command.
"""

import atexit
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from perplexity_connector.host.ledger.address import Address
from perplexity_connector.host.ledger.entries import LedgerError
from perplexity_connector.host.ledger.writing.unit import AnyUnit

if TYPE_CHECKING:
    from perplexity_connector.host.ledger.writing.service import Service

# Without a pause between its groups, one of four processes would starve the others.
_PAUSE_S = 0.002
# After a group of so many units, others are about to come: they share a commit and a wake-up of the event loop.
_BUSY_PAUSE_S = 0.005
_BUSY = 4
# Between two looks for cancelled runs, and for the last units when the program ends.
_LOOK_S = 2.0
_LAST_S = 30.0


class Writer:
    """The thread that writes into one ledger, for all users in this process.

    * `listeners`: called on the thread with the id of each run that should stop.
    * `users`: how many share it.
    * `is_open`: the database is open.
    * `is_closed`: the thread has ended, and no longer accepts units.
    * `key`: that of its address.
    * `_process`: the process that the thread runs in. It does not run in a forked child.
    * `_queue`: the units that wait; an event that is set when nothing waits; None to end the thread.
    * `_waiting`: the units that were taken from the queue, and are not in a group yet.
    * `_group`: the units that are being committed.
    * `_events`: those of the queue that are not set yet.
    * `_is_ending`: the thread ends when nothing waits.
    * `_problems`: the texts of the problems so far, each once.
    * `_lock`: held while a unit is accepted, and while that ends.
    """

    def __init__(self, address: Address, environ: Mapping[str, str]) -> None:
        """Start the thread. It opens the ledger with the first unit.

        Raises `LedgerError` if the program ends: no thread can be started then.
        """
        self.listeners: list[Callable[[str], None]] = []
        self.users = 0
        self.is_open = False
        self.is_closed = False
        self.key = address.key
        self._address = address
        self._environ = environ
        self._process = os.getpid()
        self._queue: SimpleQueue[AnyUnit | threading.Event | None] = SimpleQueue()
        self._waiting: deque[AnyUnit] = deque()
        self._group: Sequence[AnyUnit] = ()
        self._events: list[threading.Event] = []
        self._is_ending = False
        self._problems: dict[str, None] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(
            target=self._run, name="automation-host-ledger", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError:
            message = "The program ends, and nothing more can be recorded."
            raise LedgerError(message) from None
        # Later, the interpreter stops the thread between two units.
        atexit.register(self.stop, _LAST_S)

    def submit(self, unit: AnyUnit) -> bool:
        """Let a unit be committed. Return False if the thread ends. Raises as `require_ours` does."""
        self.require_ours()
        with self._lock:
            if not self.is_closed:
                self._queue.put(unit)
            return not self.is_closed

    def require_ours(self) -> None:
        """Raise `LedgerError` in a forked child, where the thread does not run."""
        if self._process != os.getpid():
            message = (
                "This ledger was opened before the process was forked, and works in the parent only."
                " Make another one after the fork."
            )
            raise LedgerError(message)

    def flush(self, seconds: float) -> None:
        """Wait until all is written. Note a problem if units are left after so many seconds."""
        event = threading.Event()
        self._queue.put(event)
        if not event.wait(seconds):
            self._note_busy()

    def stop(self, seconds: float) -> None:
        """Commit all units, also those that their callbacks submit; close the ledger and end the thread."""
        if self._process != os.getpid():
            return  # a forked child ends
        atexit.unregister(self.stop)
        self._queue.put(None)
        self._thread.join(seconds)
        if self._thread.is_alive():
            self._note_busy()

    def problems(self) -> list[str]:
        """Return the problems since the last call."""
        texts = list(self._problems)
        for text in texts:
            del self._problems[text]
        return texts

    def _note_busy(self) -> None:
        self.note(
            f"The ledger at {self._address.place} is busy. The last changes are not written."
        )

    def note(self, text: str) -> None:
        """Keep a problem."""
        self._problems[text] = None

    def _cancel(self, run_id: str) -> None:
        for listener in tuple(self.listeners):
            try:
                listener(run_id)
            except Exception as error:  # noqa: BLE001 - the thread must go on
                self.note(f"Run {run_id} cannot be stopped: {type(error).__name__}.")

    def _run(self) -> None:
        service = self._service()
        try:
            self._serve(service)
        except Exception as error:  # noqa: BLE001 - a thread that ends leaves its callers waiting
            text = (
                f"The ledger at {self._address.place} failed: {type(error).__name__}."
            )
            broken = _NoService(text, self.note)
            broken.commit([unit for unit in self._group if not unit.future.done()])
            self._serve(broken)
        finally:
            service.close()

    def _serve(self, service: "Service | _NoService") -> None:
        """Commit all units, until the end."""
        look_at = time.monotonic() + _LOOK_S
        while not self._is_over():
            seconds = max(0, look_at - time.monotonic()) if service.is_open else None
            self._receive(seconds)
            while self._waiting:
                self._group = list(self._waiting)
                self._waiting.clear()
                service.commit(self._group)
                self.is_open = service.is_open
                time.sleep(_BUSY_PAUSE_S if len(self._group) >= _BUSY else _PAUSE_S)
            if time.monotonic() >= look_at:
                look_at = time.monotonic() + _LOOK_S
                service.look_around()

    def _is_over(self) -> bool:
        """Set the events if nothing waits. Return whether the thread ends then."""
        if self._waiting or not self._queue.empty():
            return False
        while self._events:
            self._events.pop().set()
        if not self._is_ending:
            return False
        with self._lock:
            self.is_closed = self._queue.empty()
        return self.is_closed

    def _service(self) -> "Service | _NoService":
        try:
            from perplexity_connector.host.ledger.writing.service import Service  # noqa: PLC0415 - slow, and only this thread needs it
        except ImportError as error:
            text = f"The ledger needs {error.name}, which is not installed. Install this package with its extra `host`."
            return _NoService(text, self.note)
        return Service(
            self._address, self._environ, cancel=self._cancel, note=self.note
        )

    def _receive(self, seconds: float | None) -> None:
        """Wait for something in the queue, and take all that is there."""
        with suppress(Empty):
            self._take(self._queue.get(timeout=seconds))
            while True:
                self._take(self._queue.get_nowait())

    def _take(self, item: AnyUnit | threading.Event | None) -> None:
        if item is None:
            self._is_ending = True
        elif isinstance(item, threading.Event):
            self._events.append(item)
        else:
            self._waiting.append(item)


class _NoService:
    """In place of a database that cannot be opened at all. `problem`: the reason."""

    is_open = False

    def __init__(self, problem: str, note: Callable[[str], None]) -> None:
        """Fail all units for this reason. `note` is called with it once for each group."""
        self.problem = problem
        self.note = note

    def commit(self, units: Sequence[AnyUnit]) -> None:
        """Fail these units."""
        self.note(self.problem)
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
        if not writer or writer.is_closed:
            writer = _writers[address.key] = Writer(address, environ)
        writer.users += 1
        return writer


def leave_writer(writer: Writer, seconds: float) -> None:
    """Wait until all is written. The last user that leaves ends the thread."""
    with _lock:
        writer.users -= 1
        is_last = not writer.users
        if is_last and _writers.get(writer.key) is writer:
            del _writers[writer.key]
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
