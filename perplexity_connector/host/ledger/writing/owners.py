"""The processes that write into a ledger: which of them live.

On one machine a process holds a lock file, which the kernel frees at its death. Elsewhere it has a
lease on the database's clock, and renews it.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection, delete, insert, select, text, update

from perplexity_connector.host.ledger.schema import owners

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows: a lease instead
    fcntl = None  # type: ignore[assignment] # as above

LEASE_MS = 60_000
RENEWAL_S = 15.0

# A clock that all machines share. Other databases are files, or have the clock of this machine.
_CLOCKS = {
    "postgresql": text(
        "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
    )
}
# The descriptors of the lock files that this process holds.
_held: set[int] = set()


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction of one owner.

    * `now`: milliseconds of the epoch, on the clock that all owners share.
    * `is_alive`: returns whether the process of an owner lives.
    """

    connection: Connection
    owner: str
    now: int
    is_alive: Callable[[str], bool]


@dataclass(slots=True)
class Owner:
    """This process as an owner.

    * `id`: a new one for each opening.
    * `folder`: of the lock files; None where owners have leases.
    * `_lock`: the descriptor of its lock file.
    """

    folder: Path | None
    id: str = field(default_factory=lambda: uuid4().hex)
    _lock: int | None = None

    @property
    def has_lease(self) -> bool:
        """Return whether it has a lease, since it holds no lock file."""
        return self._lock is None

    def register(self, connection: Connection) -> None:
        """Enter this process. Its lock is held before another process can know of it."""
        if self.folder and self._lock is None:
            self._lock = _lock_new(self.folder / self.id)
        self._enter(connection, clock(connection))

    def renew(self, connection: Connection) -> None:
        """Renew the lease, even if it ended and another process has forgotten this one."""
        now = clock(connection)
        mine = update(owners).where(owners.c.id == self.id)
        renewed = connection.execute(mine.values(lease_until=now + LEASE_MS))
        if not renewed.rowcount:
            self._enter(connection, now)

    def begin(self, connection: Connection) -> Transaction:
        """Return the transaction that has just begun."""
        now = clock(connection)
        known: dict[str, bool] = {self.id: True}

        def is_alive(owner: str) -> bool:
            if owner not in known:
                known[owner] = self._lives(connection, owner, now)
            return known[owner]

        return Transaction(connection, self.id, now, is_alive)

    def leave(self, connection: Connection) -> None:
        """Forget this process: its rows may be taken over at once."""
        connection.execute(delete(owners).where(owners.c.id == self.id))

    def unlock(self) -> None:
        """Give the lock file up."""
        if self.folder and self._lock is not None:
            with suppress(OSError):
                (self.folder / self.id).unlink()
            _held.discard(self._lock)
            os.close(self._lock)
            self._lock = None

    def _enter(self, connection: Connection, now: int) -> None:
        values = {
            "id": self.id,
            "pid": os.getpid(),
            "started_at": now,
            "lease_until": now + LEASE_MS if self.has_lease else None,
        }
        connection.execute(insert(owners).values(values))

    def _lives(self, connection: Connection, owner: str, now: int) -> bool:
        query = select(owners.c.lease_until).where(owners.c.id == owner)
        found = connection.execute(query).one_or_none()
        if found is None:
            return False
        if found.lease_until is not None:
            return bool(found.lease_until > now)
        if self.folder is None:
            return True  # its lock file is on another machine
        try:
            return is_locked(self.folder / owner)
        except OSError:
            return True  # a file of another user


def forget_dead(transaction: Transaction) -> None:
    """Forget the processes that died. An unknown process counts as dead, so that their rows stay free."""
    known = transaction.connection.scalars(select(owners.c.id)).all()
    dead = [owner for owner in known if not transaction.is_alive(owner)]
    if dead:
        transaction.connection.execute(delete(owners).where(owners.c.id.in_(dead)))


def clock(connection: Connection) -> int:
    """Return the milliseconds of the epoch."""
    query = _CLOCKS.get(connection.dialect.name)
    if query is None:
        return time.time_ns() // 1_000_000
    return int(connection.execute(query).scalar_one())


def is_locked(file: Path) -> bool:
    """Return whether a process holds this lock file. One that none holds is removed."""
    try:
        lock = os.open(file, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        if _is_free(lock):
            file.unlink(missing_ok=True)
            return False
        return True
    finally:
        os.close(lock)


def sweep(folder: Path) -> None:
    """Remove the lock files that dead processes left."""
    for file in folder.iterdir():
        with suppress(OSError):
            is_locked(file)


def _lock_new(file: Path) -> int | None:
    """Make and lock a file. Return None where files have no locks."""
    file.parent.mkdir(mode=0o700, exist_ok=True)
    # Another process may sweep the file between two of these lines. Then a new one is made.
    while True:
        lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if _is_free(lock) and _is_at(file, lock):
                _held.add(lock)
                return lock
        except OSError:
            os.close(lock)
            return None
        os.close(lock)


def _is_free(lock: int) -> bool:
    """Lock a file, and return whether no other process had. Raises `OSError` where locks are missing."""
    if fcntl is None:  # pragma: no cover - Windows
        raise OSError
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(file: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(file.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _close_in_child() -> None:
    """Close the copies that a forked child has of the lock files. The parent keeps its locks.

    Without this, a parent that died would seem to live as long as its child.
    """
    while _held:
        os.close(_held.pop())


if hasattr(os, "register_at_fork"):  # pragma: no branch - not on Windows
    os.register_at_fork(after_in_child=_close_in_child)
