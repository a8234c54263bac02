import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import text

from perplexity_connector.host.ledger.address import Address
from perplexity_connector.host.ledger.writing import owners as module
from perplexity_connector.host.ledger.writing.database import Database
from perplexity_connector.host.ledger.writing.owners import (
    LEASE_MS,
    forget_dead,
    is_locked,
    sweep,
)


@pytest.fixture
def open_ledger(tmp_path: Path) -> Iterator[Callable[[], Database]]:
    """Return a function that opens one ledger as another process would."""
    with ExitStack() as stack:

        def opened() -> Database:
            database = Database(Address(file=tmp_path / "ledger.sqlite"), {})
            stack.callback(database.close)
            return database

        yield opened


def lives(database: Database, owner: str) -> bool:
    """Return whether a database sees another owner as alive."""
    with database.transaction(is_reading=True) as tx:
        assert tx.is_alive(owner) == tx.is_alive(owner)
        return tx.is_alive(owner)


def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make locks fail, as some file systems do."""

    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", flock)


def test_an_owner_lives_as_long_as_it_holds_its_lock_file(
    open_ledger: Callable[[], Database],
) -> None:
    """Then its rows may be taken over at once."""
    ours, other = open_ledger(), open_ledger()
    assert lives(ours, ours.owner.id)
    assert lives(ours, other.owner.id)
    other.close()
    assert not lives(ours, other.owner.id)
    assert not lives(ours, "unknown")


def test_the_lock_files_of_dead_owners_are_removed(
    open_ledger: Callable[[], Database],
) -> None:
    """Those of the living stay."""
    ours = open_ledger()
    folder = ours.owner.folder
    assert folder
    left = folder / "left"
    left.touch()
    other = open_ledger()
    assert {path.name for path in folder.iterdir()} == {ours.owner.id, other.owner.id}
    left.touch()
    assert not is_locked(left)
    assert not left.exists()


def test_a_lock_file_that_is_swept_while_it_is_made_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock on a removed file would be worth nothing."""
    real = module._is_free
    sweeps = [(tmp_path / "me").unlink]

    def is_free(lock: int) -> bool:
        while sweeps:
            sweeps.pop()()
        return real(lock)

    monkeypatch.setattr(module, "_is_free", is_free)
    descriptor = module._lock_new(tmp_path / "me")
    assert descriptor is not None
    assert os.path.samestat(os.fstat(descriptor), (tmp_path / "me").stat())
    module._held.discard(descriptor)
    os.close(descriptor)


def test_without_locks_an_owner_has_a_lease_that_it_renews(
    open_ledger: Callable[[], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the clock of the database, which all machines share."""
    clock = text("SELECT 1000000")
    monkeypatch.setitem(module._CLOCKS, "sqlite", clock)
    with monkeypatch.context() as patch:
        without_locks(patch)
        other = open_ledger()
    assert other.owner.has_lease
    ours = open_ledger()
    assert lives(ours, other.owner.id)
    late = text(f"SELECT {1000000 + LEASE_MS}")
    monkeypatch.setitem(module._CLOCKS, "sqlite", late)
    assert not lives(ours, other.owner.id)
    with other.transaction() as tx:
        other.owner.renew(tx.connection)
    assert lives(ours, other.owner.id)
    with other.transaction() as tx:
        other.owner.leave(tx.connection)
    assert not lives(ours, other.owner.id)


def test_an_owner_whose_lock_file_cannot_be_read_counts_as_alive(
    open_ledger: Callable[[], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may hold it: to pay twice is worse than to wait."""
    ours, other = open_ledger(), open_ledger()
    other.close()
    with monkeypatch.context() as patch:
        patch.setattr(ours.owner, "folder", None)
        assert lives(ours, other.owner.id)
    assert other.owner.folder
    (other.owner.folder / other.owner.id).mkdir()
    assert lives(ours, other.owner.id)
    sweep(other.owner.folder)


def test_a_lock_is_given_up_once(
    open_ledger: Callable[[], Database], tmp_path: Path
) -> None:
    """Its descriptor may be that of another file by then."""
    owner = open_ledger().owner
    descriptor = owner._lock
    assert descriptor is not None
    owner.unlock()
    with (tmp_path / "other").open("w") as other:
        os.dup2(other.fileno(), descriptor)
        owner.unlock()
        assert os.path.samestat(os.fstat(descriptor), os.fstat(other.fileno()))
        if descriptor != other.fileno():
            os.close(descriptor)


def test_a_forked_child_closes_its_copies_and_the_parent_keeps_its_lock(
    open_ledger: Callable[[], Database],
) -> None:
    """Else a parent that died would seem to live as long as its child."""
    ours, other = open_ledger(), open_ledger()
    assert other.owner._lock is not None
    copy = os.dup(other.owner._lock)
    held = module._held.copy()
    module._held.clear()
    module._held.add(copy)
    module._close_in_child()
    module._held.update(held)
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(copy)
    assert lives(ours, other.owner.id)


def known(database: Database) -> set[str]:
    """Return the owners that a database knows."""
    with database.transaction(is_reading=True) as tx:
        return set(tx.connection.scalars(text("SELECT id FROM owners")))


def test_dead_owners_are_forgotten(open_ledger: Callable[[], Database]) -> None:
    """Those that live stay."""
    ours, other, dead = open_ledger(), open_ledger(), open_ledger()
    dead.close()
    assert dead.owner.id in known(ours)
    with ours.transaction() as tx:
        forget_dead(tx)
    assert known(ours) == {ours.owner.id, other.owner.id}
    with ours.transaction() as tx:
        forget_dead(tx)
    assert known(ours) == {ours.owner.id, other.owner.id}


def test_an_owner_that_was_forgotten_comes_back_when_it_renews_its_lease(
    open_ledger: Callable[[], Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stalled, and lives."""
    with monkeypatch.context() as patch:
        without_locks(patch)
        other = open_ledger()
    ours = open_ledger()
    with other.transaction() as tx:
        other.owner.leave(tx.connection)
    assert known(ours) == {ours.owner.id}
    with other.transaction() as tx:
        other.owner.renew(tx.connection)
    assert lives(ours, other.owner.id)
