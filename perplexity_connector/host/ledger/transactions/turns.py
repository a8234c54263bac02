"""Limits that processes share: one UPDATE takes the next free moments of a limit."""

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    cast,
    func,
    not_,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from perplexity_connector.host.ledger.entries import LimitKey, TurnTimes
from perplexity_connector.host.ledger.schema import limits
from perplexity_connector.host.ledger.transactions.prepared import Prepared
from perplexity_connector.host.ledger.writing.owners import clock

_SECOND = 1_000_000
# A free moment that is further away was left by a clock that was set back.
_FURTHEST_S = 600
# Requests that were ready a little late start together: a provider of many requests a second takes that.
_MANY = 9.5
_MADE_UP = _SECOND // 4
_KEY = (limits.c.connector, limits.c.action, limits.c.fingerprint)


def _number(name: str) -> ColumnElement[int]:
    return bindparam(name, type_=BigInteger)


def _after(requests: ColumnElement[int]) -> ColumnElement[int]:
    """Return the moment that is free after so many requests."""
    seconds = func.coalesce(requests / limits.c.rate, 0.0)
    return _free + cast(seconds * float(_SECOND), BigInteger)


_of_key = and_(*[column == bindparam(f"of_{column.name}") for column in _KEY])
_now = _number("now")
_earliest = _now - case((limits.c.rate >= _MANY, _MADE_UP), else_=0)
_latest = _now + _FURTHEST_S * _SECOND
_is_usual = limits.c.next_at.between(_earliest, _latest)
_free = case((_is_usual, limits.c.next_at), else_=_earliest)
_take = Prepared(
    update(limits)
    .where(_of_key, _after(_number("count") - 1) <= _number("latest"))
    .values(next_at=_after(_number("count")))
    .returning(limits.c.next_at, limits.c.rate)
)
_look = Prepared(select(_free.label("next_at"), limits.c.rate).where(_of_key))


class _Limit:
    """A limit at one moment.

    * `_connection`, `_of`: of its row.
    * `_now`: the moment on the ledger's clock, in microseconds.
    * `_monotonic`: the moment on the clock of this process, in seconds.
    """

    def __init__(self, connection: Connection, key: LimitKey) -> None:
        """Read the clocks."""
        self._connection = connection
        self._of = {f"of_{column.name}": getattr(key, column.name) for column in _KEY}
        self._now = clock(connection) * 1000
        self._monotonic = time.monotonic()

    def take(self, count: int, deadline: float) -> TurnTimes | None:
        """Take so many moments; none if the last one is after the deadline, or no limit is known."""
        ahead = min(deadline - self._monotonic, 2 * _FURTHEST_S)
        latest = self._now + round(ahead * _SECOND)
        taken = self._read(_take, count=count, latest=latest)
        return self._times(taken[0], count) if taken else None

    def take_each(self, deadlines: Sequence[float]) -> TurnTimes:
        """Take a moment for each request whose deadline allows it."""
        taken = [self.take(1, deadline) for deadline in deadlines]
        starts = [times.starts[0] if times else None for times in taken]
        found = self._times(self._read(_look)[0], 0)
        return TurnTimes(starts=tuple(starts), free_at=found.free_at, rate=found.rate)

    def is_known(self) -> bool:
        """Return whether the ledger has it."""
        return bool(self._read(_look))

    def none(self, count: int) -> TurnTimes:
        """Return the times of requests without a limit."""
        start = self._monotonic
        return TurnTimes(starts=(start,) * count, free_at=start, rate=None)

    def _read(self, statement: Prepared, **values: int) -> list[dict[str, Any]]:
        given = self._of | {"now": self._now} | values
        return statement.read(self._connection, given)

    def _times(self, row: dict[str, Any], count: int) -> TurnTimes:
        """Return the times of so many requests, which come before the row's free moment."""
        free_at = self._monotonic + (row["next_at"] - self._now) / _SECOND
        rate: float | None = row["rate"]
        apart = 1 / rate if rate else 0.0
        starts = [free_at - apart * left for left in range(count, 0, -1)]
        return TurnTimes(starts=tuple(starts), free_at=free_at, rate=rate)


def take_turns(
    connection: Connection, key: LimitKey, deadlines: Sequence[float]
) -> TurnTimes:
    """Take a moment for each request, in order; none for one whose deadline comes first."""
    limit = _Limit(connection, key)
    if taken := limit.take(len(deadlines), min(deadlines)):
        return taken
    if limit.is_known():
        return limit.take_each(deadlines)
    return limit.none(len(deadlines))


def set_rate(
    connection: Connection, key: LimitKey, rate: float | None, *, used: int = 0
) -> None:
    """Set the requests a second of a limit. A new one has counted so many just now."""
    seconds = used / rate if rate else 0.0
    is_new = limits.c.rate.is_(None)
    _change(connection, key, seconds, is_new, {"rate": rate})


def stop_turns(connection: Connection, key: LimitKey, seconds: float) -> None:
    """Let the next free moment be so many seconds away at least."""
    _change(connection, key, seconds, true(), {})


def _change(
    connection: Connection,
    key: LimitKey,
    seconds: float,
    moves: ColumnElement[bool],
    values: dict[str, Any],
) -> None:
    """Change a limit, or make it. If it moves, its next free moment is so many seconds away at least."""
    now = clock(connection) * 1000
    until = now + round(seconds * _SECOND)
    usual = limits.c.next_at.between(until, now + _FURTHEST_S * _SECOND)
    later = case((and_(moves, not_(usual)), until), else_=limits.c.next_at)
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {column.name: getattr(key, column.name) for column in _KEY}
    entry = dialect.insert(limits).values(row | values | {"next_at": until})
    known = values | {"next_at": later}
    connection.execute(entry.on_conflict_do_update(index_elements=_KEY, set_=known))
