"""How a ledger is used: opened with the first call, shared within a process, closed."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from perplexity_connector.host.environment import (
    keep_days,
    records_content,
    variables,
)
from perplexity_connector.host.ledger import lazy
from perplexity_connector.host.ledger.address import find_address
from perplexity_connector.host.ledger.entries import LedgerError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from perplexity_connector.host.ledger.journal_files import Journal
    from perplexity_connector.host.ledger.writing.owners import Transaction
    from perplexity_connector.host.ledger.writing.unit import Work
    from perplexity_connector.host.ledger.writing.writer import Writer

T = TypeVar("T")
_DAY_S = 24 * 3600
_CLOSING_S = 30.0


class LedgerUser:
    """A user of a database, whose thread all users in a process share.

    * `place`: where it is, without a password.
    * `is_local`: whether it is a file of this machine.
    * `record_content`: whether inputs and outputs are kept after their run or job.
    * `_keep_days`: how many days; None for the environment's.
    * `_journal`: the folder of unfinished runs to take in, until that is done.
    * `_writer`: the thread that writes, once it is needed.
    * `_lock`: held while that is started.
    * `_listeners`: called with the ids of runs and flows that should stop.
    * `_tidy_at`: when expired content is erased next.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        record_content: bool | None = None,
        keep_days: int | None = None,
        journal: Path | None = None,
    ) -> None:
        """Use the database of a URL. It is opened with the first call of another method.

        Without a URL, `AUTOMATION_HOST_LEDGER` counts, else a file in the user's state folder.
        `AUTOMATION_HOST_RECORD_CONTENT` and `AUTOMATION_HOST_KEEP_DAYS` count likewise.
        `journal`: a folder with unfinished runs of earlier releases, which are taken in.
        """
        self._environ = variables(environ)
        self._address = find_address(url, self._environ)
        self.place = self._address.place
        self.is_local = self._address.is_local
        self.record_content = (
            records_content(self._environ) if record_content is None else record_content
        )
        self._keep_days = keep_days
        self._journal = journal
        self._writer: Writer | None = None
        self._lock = threading.Lock()
        self._listeners: list[Callable[[str], None]] = []
        self._tidy_at = 0.0

    @property
    def is_open(self) -> bool:
        """Return whether its database is open in this process: then a step takes a moment only."""
        return self._writer is not None and self._writer.is_open

    def erase_expired(self) -> "Future[int]":
        """Erase the content of jobs and flows that ended too long ago, a batch of them. Return of how many.

        A ledger that is used does this once a day, batch by batch.
        """
        days = self._keep_days

        def work(tx: "Transaction") -> int:
            kept = _days(self._environ) if days is None else days
            before = tx.now - kept * _DAY_S * 1000
            return lazy.erasing.erase_expired(tx.connection, ended_before=before)

        return self._submit(work, is_erasing=True)

    def on_cancel(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call this with the id of each run or flow of this process that another one asks to stop.

        A step with `each` has the id under which it began. The writing thread calls it, which must not
        wait. Return a function that ends this.
        """
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    def close(self, timeout: float = _CLOSING_S) -> list[str]:
        """Wait until all is written. Return the problems since the last call, as texts.

        The database is closed with its last user in the process. A later call opens it again.
        """
        writer = self._writer
        if writer is None:
            return []
        from perplexity_connector.host.ledger.writing.writer import leave_writer  # noqa: PLC0415 - imported already

        writer.require_ours()
        leave_writer(writer, timeout)
        writer.listeners.remove(self._on_cancelled)
        # Until here, the callbacks of its futures have used it.
        if self._writer is writer:
            self._writer = None
        return writer.problems()

    def _write(
        self,
        work: "Work[T]",
        budgets: tuple[str, ...] = (),
        *,
        is_erasing: bool = False,
    ) -> "Future[T]":
        """Commit some work. `budgets`: those that it changes."""
        if time.monotonic() >= self._tidy_at:
            self._tidy_at = time.monotonic() + _DAY_S
            self.erase_expired().add_done_callback(self._tidied)
        return self._submit(work, budgets, is_erasing=is_erasing)

    def _tidied(self, erased: "Future[int]") -> None:
        """Look for more with the next change, until nothing is left."""
        if not erased.exception() and erased.result():
            self._tidy_at = 0.0

    def _read(self, work: "Work[T]") -> "Future[T]":
        """Do some work that changes nothing."""
        return self._submit(work, is_reading=True)

    def _submit(
        self,
        work: "Work[T]",
        budgets: tuple[str, ...] = (),
        *,
        is_reading: bool = False,
        is_erasing: bool = False,
    ) -> "Future[T]":
        from perplexity_connector.host.ledger.writing.unit import Unit  # noqa: PLC0415 - comes with the first use

        unit = Unit(
            work=work, budgets=budgets, is_reading=is_reading, is_erasing=is_erasing
        )
        # Another thread may be closing it.
        while not self._opened().submit(unit):
            self._writer = None
        return unit.future

    def _opened(self) -> "Writer":
        # Without the lock, which another thread may have held at a fork.
        if writer := self._writer:
            return writer
        from perplexity_connector.host.ledger.writing.writer import join_writer  # noqa: PLC0415 - comes with the first use

        with self._lock:
            writer = self._writer
            if writer is None:
                writer = self._writer = join_writer(self._address, self._environ)
                writer.listeners.append(self._on_cancelled)
        self._take_in_journal(writer)
        return writer

    def _take_in_journal(self, writer: "Writer") -> None:
        """Take the unfinished runs of earlier releases in, once."""
        if not (folder := self._journal) or not folder.is_dir():
            return
        self._journal = None

        def remove(future: "Future[Journal]") -> None:
            # After the commit. If that failed, the next process tries again.
            if not future.exception():
                for problem in future.result().remove():
                    writer.note(problem)

        taken = self._submit(lambda tx: lazy.journal_files.take_in(tx, folder))
        taken.add_done_callback(remove)

    def _on_cancelled(self, run_id: str) -> None:
        for listener in tuple(self._listeners):
            listener(run_id)


def _days(environ: Mapping[str, str]) -> int:
    """Return how many days content is kept. Raises `LedgerError` for a wrong number."""
    try:
        return keep_days(environ)
    except ValueError as error:
        raise LedgerError(str(error)) from None
