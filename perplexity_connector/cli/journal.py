"""Keeps unfinished runs on disk, so that a crash does not lose an answer that costs money.

Each run has one file, readable by its owner alone: the step and its last checkpoint, never a key.
It exists from the first checkpoint until the end of the run was seen and its answer was written.
Beside it is a lock, which the process holds that works on the run.
"""

import json
import os
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.contract import ConnectorError, ErrorCode, JsonObject
from perplexity_connector.contract.readers import as_object, as_text
from perplexity_connector.host import StepRun, write_private

if TYPE_CHECKING:
    from filelock import BaseFileLock

_VERSION = 1
_DAY_S = 24 * 3600
# Perplexity keeps results for seven days (its documentation). Older runs cannot be resumed.
_KEPT_S = 7 * _DAY_S
_LOCK_WAIT_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """A run that can be resumed.

    * `state`: its last checkpoint.
    * `connection`: the name of its stored connection; None for any other connection.
    """

    run_id: str
    connector: str
    action: str
    version: int
    input: JsonObject
    state: JsonObject
    connection: str | None = None


class Journal:
    """The unfinished runs in one folder, which is made on first use.

    * `folder`: the folder.
    * `_locks`: the locks that this process holds, by run.
    * `_cleared`: the runs whose checkpoint was cleared: nothing goes on at the provider.
    """

    def __init__(self, folder: Path) -> None:
        """Use this folder."""
        self.folder = folder
        self._locks: dict[str, BaseFileLock] = {}
        self._cleared: set[str] = set()

    def keep(self, run: Unfinished) -> None:
        """Write a run's file, completely or not at all. Raises `OSError` if that fails."""
        document = {name: getattr(run, name) for name in run.__slots__}
        document["journal_version"] = _VERSION
        text = json.dumps(document)
        write_private(self._path(run.run_id), text.encode())

    def note(self, run: StepRun, state: JsonObject) -> None:
        """Keep a run with this checkpoint. Raises as `keep` does.

        An empty state means that nothing goes on. The run stays: its received part can be fetched.
        """
        if not state:
            self._cleared.add(run.run_id)
            return
        unfinished = Unfinished(
            run_id=run.run_id,
            connector=run.connector,
            action=run.action,
            version=run.version,
            input=run.input,
            state=state,
            connection=run.connection if isinstance(run.connection, str) else None,
        )
        self._claim(run.run_id)
        self.keep(unfinished)

    def take(self, run_id: str) -> Unfinished:
        """Return the run of that id, and keep other processes from it until `release`.

        Raises as `read` does, and `ConnectorError` (`unavailable`) if another process has it.
        """
        self.read(run_id)
        self._claim(run_id, _LOCK_WAIT_S)
        try:
            # Again: another process may have finished it while this one waited for the lock.
            return self.read(run_id)
        except UsageError:
            self.release(run_id)
            raise

    def release(self, run_id: str) -> None:
        """Let other processes use the run."""
        if lock := self._locks.pop(run_id, None):
            lock.release()
            if not self.has(run_id):
                _lock_file(self._path(run_id)).unlink(missing_ok=True)

    def forget(self, run_id: str) -> None:
        """Drop a run, runs that are too old to be resumed, and files that a crash left behind."""
        self._remove(self._path(run_id), run_id)
        for torn in self.folder.glob(".run_*.json.new"):
            self._drop_unused(
                torn, torn.name.removeprefix(".").removesuffix(".json.new")
            )
        for path in self._files():
            if _is_expired(path):
                self._drop_unused(path, path.stem)

    def drop(self, run_id: str) -> None:
        """Drop a run, even with a damaged file.

        Raises `UsageError` for an unknown run, `ConnectorError` if another process works on it.
        """
        if not self.has(run_id):
            self.read(run_id)
        self._claim(run_id, _LOCK_WAIT_S)
        self.forget(run_id)

    def read(self, run_id: str) -> Unfinished:
        """Return the run of that id.

        Raises `UsageError` for an unknown id, naming the known ones, and for a damaged file.
        """
        try:
            text = self._path(run_id).read_text(encoding="utf-8")
            document = as_object(json.loads(text))
            return Unfinished(
                run_id=run_id,
                connector=as_text(document["connector"]),
                action=as_text(document["action"]),
                version=int(str(document["version"])),
                input=as_object(document["input"]),
                state=as_object(document["state"]),
                connection=as_text(document.get("connection")) or None,
            )
        except OSError:
            known = ", ".join(self.unfinished()) or "none"
            message = f"Unknown run. Unfinished runs, newest first: {known}."
        except (ValueError, KeyError):
            message = "That run's file is damaged. To drop it: perplexity-connector run --forget RUN_ID"
        raise UsageError(message)

    def has(self, run_id: str) -> bool:
        """Return whether a run is kept."""
        return self._path(run_id).is_file()

    def is_cleared(self, run_id: str) -> bool:
        """Return whether this process has seen that nothing of the run goes on."""
        return run_id in self._cleared

    def unfinished(self) -> Sequence[str]:
        """Return the ids of the unfinished runs, newest first."""
        files = sorted(self._files(), key=_modified_at, reverse=True)
        return [path.stem for path in files]

    def _claim(self, run_id: str, seconds: float = 0) -> None:
        """Take the lock of a run, unless this process has it or the file system has no locks.

        Raises `ConnectorError` (`unavailable`) if another process keeps it for so many seconds.
        """
        from filelock import FileLock, Timeout  # noqa: PLC0415 - slow to import, and only unfinished runs need it

        if run_id in self._locks:
            return
        lock = FileLock(_lock_file(self._path(run_id)), timeout=seconds, mode=0o600)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            message = (
                "Another process is working on this run. Try again when it has ended."
            )
            raise ConnectorError(ErrorCode.UNAVAILABLE, message) from None
        except (OSError, NotImplementedError):
            return
        self._locks[run_id] = lock

    def _drop_unused(self, path: Path, run_id: str) -> None:
        """Remove a file of a run that no process is working on."""
        with suppress(ConnectorError):
            self._claim(run_id)
            self._remove(path, run_id)

    def _remove(self, path: Path, run_id: str) -> None:
        path.unlink(missing_ok=True)
        _mark_of_age(self._path(run_id)).unlink(missing_ok=True)
        self.release(run_id)

    def _files(self) -> Sequence[Path]:
        return list(self.folder.glob("run_*.json"))

    def _path(self, run_id: str) -> Path:
        # The id is from the command line, and a file name must not lead elsewhere.
        is_id = re.fullmatch(r"run_[0-9A-Za-z]{1,64}", run_id)
        return self.folder / (f"{run_id}.json" if is_id else "unknown")


def _is_expired(path: Path) -> bool:
    """Return whether a run is too old, and was so a day ago.

    A clock that jumped for less than a day does not make a run too old.
    """
    now, mark = time.time(), _mark_of_age(path)
    if now - _modified_at(path) < _KEPT_S:
        mark.unlink(missing_ok=True)
        return False
    if not mark.exists():
        mark.touch(mode=0o600)
        os.utime(mark, (now, now))
    return now - _modified_at(mark) >= _DAY_S


def _modified_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        # Another process has just removed it.
        return time.time()


def _lock_file(path: Path) -> Path:
    return path.with_suffix(".lock")


def _mark_of_age(path: Path) -> Path:
    return path.with_suffix(".old")
