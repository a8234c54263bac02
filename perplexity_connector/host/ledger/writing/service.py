"""The work of a ledger's thread: open the database, commit, look for cancelled runs, renew the lease."""

import time
from collections.abc import Callable, Mapping, Sequence

from perplexity_connector.host.ledger.address import Address
from perplexity_connector.host.ledger.records.keeping import cancelled_runs
from perplexity_connector.host.ledger.transactions.flows import leave_dead_flows
from perplexity_connector.host.ledger.transactions.takeovers import take_over
from perplexity_connector.host.ledger.writing.database import Database
from perplexity_connector.host.ledger.writing.groups import commit
from perplexity_connector.host.ledger.writing.owners import (
    RENEWAL_S,
    Transaction,
    forget_dead,
)
from perplexity_connector.host.ledger.writing.unit import AnyUnit, T, Unit, Work
from perplexity_connector.host.ledger.writing.urls import ledger_error
from perplexity_connector.host.ledger.writing.waiting import one_wake_up


class Service:
    """The database of one process, opened with the first units.

    * `address`, `environ`: where it is, and how its files are made.
    * `cancel`: called with the id of each run or flow that another process asks to stop.
    * `note`: called with the text of each problem.
    * `_database`: None before it is open.
    * `_renewal_at`: when the lease is renewed next.
    * `_cancelled`: the runs of which the listeners know.
    * `_must_truncate`: erased text is still in the files.
    """

    def __init__(
        self,
        address: Address,
        environ: Mapping[str, str],
        *,
        cancel: Callable[[str], None],
        note: Callable[[str], None],
    ) -> None:
        """Serve the ledger at an address. It is not opened yet."""
        self.address = address
        self.environ = environ
        self.cancel = cancel
        self.note = note
        self._database: Database | None = None
        self._renewal_at = 0.0
        self._cancelled: frozenset[str] = frozenset()
        self._must_truncate = False

    @property
    def is_open(self) -> bool:
        """Return whether the database is open: then `look_around` has something to do."""
        return self._database is not None

    def commit(self, units: Sequence[AnyUnit]) -> None:
        """Commit these units, and resolve their futures."""
        if database := self._opened(units):
            commit(database, units)
        self._must_truncate |= any(unit.is_erasing for unit in units)
        for unit in units:
            if unit.is_unwritten:
                self.note(str(unit.error))
        with one_wake_up():
            for unit in units:
                unit.settle()

    def look_around(self) -> None:
        """Renew the lease, report cancelled runs, and remove erased text from the files."""
        if not (database := self._database):
            return
        owner = database.owner
        if owner.has_lease and time.monotonic() >= self._renewal_at:
            self._renewal_at = time.monotonic() + RENEWAL_S
            self._do(lambda tx: owner.renew(tx.connection))
        cancelled = self._do(
            lambda tx: frozenset(cancelled_runs(tx.connection, tx.owner)),
            is_reading=True,
        )
        if cancelled is not None:
            for run_id in cancelled - self._cancelled:
                self.cancel(run_id)
            self._cancelled = cancelled
        if self._must_truncate:
            self._must_truncate = not database.truncate()

    def close(self) -> None:
        """Close the database."""
        if database := self._database:
            left = Unit(work=lambda tx: database.owner.leave(tx.connection))
            # If that fails, the next process forgets this one.
            commit(database, [left])
            self._database = None
            if self._must_truncate:
                database.truncate()
            database.close()

    def _opened(self, units: Sequence[AnyUnit]) -> Database | None:
        """Return the open database; None if the units have failed, since it cannot be opened."""
        if not self._database:
            try:
                self._database = Database(self.address, self.environ)
            except Exception as error:  # noqa: BLE001 - a thread that ends leaves its callers waiting
                for unit in units:
                    unit.fail(ledger_error(error, self.address))
                return None
            self._renewal_at = time.monotonic() + RENEWAL_S
            self._do(_settle_dead)
        return self._database

    def _do(self, work: Work[T], *, is_reading: bool = False) -> T | None:
        """Commit work of our own. Return None if that fails, which is noted."""
        unit = Unit(work=work, is_reading=is_reading)
        self.commit([unit])
        return None if unit.error else unit.future.result()


def _settle_dead(tx: Transaction) -> None:
    """Take the rows and flows of dead processes away, and forget these."""
    take_over(tx.connection, is_alive=tx.is_alive, now=tx.now)
    leave_dead_flows(tx.connection, tx.is_alive)
    forget_dead(tx)
