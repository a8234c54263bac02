"""Commit units of work together: one wait for the disk. A unit that is refused leaves nothing behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import DBAPIError

from perplexity_connector.host.ledger.entries import (
    FencedError,
    LedgerError,
    OverBudgetError,
)
from perplexity_connector.host.ledger.writing.database import Database
from perplexity_connector.host.ledger.writing.owners import Transaction
from perplexity_connector.host.ledger.writing.unit import AnyUnit

_TRIES = 3
# PostgreSQL's codes for transactions that may succeed when they are repeated: serialization, deadlock, slept too long.
_PASSING = ("40001", "40P01", "25P03")
# The answers of a unit that are not a failure of the database.
_REFUSALS = (FencedError, LedgerError, LookupError, OverBudgetError)


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a transaction failed. `has_begun`: another one may succeed; else the database is away."""

    error: Exception
    has_begun: bool


class _HalfDoneError(Exception):
    """A refused unit has changed something, so it needs a savepoint."""


def commit(database: Database, units: Sequence[AnyUnit]) -> None:
    """Commit the units together; if that fails, each alone. Then each has its result or its error.

    Those that read do not fail because others cannot write.
    """
    failure = _try_together(database, units)
    if failure is None:
        return
    if len(units) == 1 or not failure.has_begun:
        _fail(database, units, failure)
        reading = [unit for unit in units if unit.is_reading]
        if 0 < len(reading) < len(units):
            commit(database, reading)
        return
    for position, unit in enumerate(units):
        failure = _try_together(database, [unit])
        if failure and not failure.has_begun:
            _fail(database, units[position:], failure)
            return
        if failure:
            _fail(database, [unit], failure)


def _try_together(database: Database, units: Sequence[AnyUnit]) -> _Failure | None:
    failure = None
    for _ in range(_TRIES):
        failure = _commit_once(database, units)
        if failure is None or not _is_passing(failure.error):
            break
    return failure


def _commit_once(database: Database, units: Sequence[AnyUnit]) -> _Failure | None:
    # On SQLite the savepoints of a group would take as long as half of its statements.
    failure = _transaction(database, units, has_savepoints=not database.is_sqlite)
    if failure and isinstance(failure.error, _HalfDoneError):
        return _transaction(database, units, has_savepoints=True)
    return failure


def _transaction(
    database: Database, units: Sequence[AnyUnit], *, has_savepoints: bool
) -> _Failure | None:
    budgets = {budget for unit in units for budget in unit.budgets}
    is_reading = all(unit.is_reading for unit in units)
    has_begun = False
    try:
        with database.transaction(budgets, is_reading=is_reading) as transaction:
            has_begun = True
            attempt = _attempt_with_savepoint if has_savepoints else _attempt
            for unit in units:
                attempt(unit, transaction)
    except Exception as error:  # noqa: BLE001 - a thread that ends leaves its callers waiting
        return _Failure(error, has_begun)
    return None


def _attempt(unit: AnyUnit, transaction: Transaction) -> None:
    """Do a unit's work on SQLite. Raises `_HalfDoneError` if it was refused after it had changed something."""
    driver: Any = transaction.connection.connection
    before = driver.total_changes
    if not _try(unit, transaction) and driver.total_changes != before:
        raise _HalfDoneError


def _attempt_with_savepoint(unit: AnyUnit, transaction: Transaction) -> None:
    """Do a unit's work. A refusal undoes only this work; any other error ends the transaction."""
    if unit.is_reading:
        _try(unit, transaction)
        return
    # SQLAlchemy's savepoints take longer than the rest of a unit: each is compiled.
    cursor = transaction.connection.connection.cursor()
    cursor.execute("SAVEPOINT unit")
    if not _try(unit, transaction):
        cursor.execute("ROLLBACK TO SAVEPOINT unit")
    cursor.execute("RELEASE SAVEPOINT unit")
    cursor.close()


def _try(unit: AnyUnit, transaction: Transaction) -> bool:
    """Do a unit's work. Return whether it was not refused."""
    try:
        unit.attempt(transaction)
    except _REFUSALS as refusal:
        unit.fail(refusal)
        return False
    return True


def _is_passing(error: Exception) -> bool:
    """Return whether the same transaction may succeed: after a deadlock, and on a new connection."""
    is_new = isinstance(error, DBAPIError) and error.connection_invalidated
    # A savepoint's error is the driver's own.
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    return is_new or state in _PASSING


def _fail(database: Database, units: Sequence[AnyUnit], failure: _Failure) -> None:
    for unit in units:
        unit.fail(database.error(failure.error))
