"""Keeps unfinished runs on disk, so that a crash does not lose an answer that costs money.

Each run has one file, readable by its owner alone: the step and its last checkpoint, never a key.
It exists from the first checkpoint until the run has ended.
"""

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.output import say
from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.json import as_object, as_text
from perplexity_connector.host import StepRun, write_private

_VERSION = 1
# Perplexity keeps results for seven days (its documentation). Older runs cannot be resumed.
_KEPT_SECONDS = 7 * 24 * 3600


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
    """The unfinished runs in one folder, which is made on first use."""

    def __init__(self, folder: Path) -> None:
        """Use this folder."""
        self._folder = folder

    def keep(self, run: Unfinished) -> None:
        """Write a run's file, completely or not at all. Raises `OSError` if that fails."""
        document = {name: getattr(run, name) for name in run.__slots__}
        document["journal_version"] = _VERSION
        text = json.dumps(document)
        write_private(self._path(run.run_id), text.encode())

    def note(self, run: StepRun, state: JsonObject) -> None:
        """Keep a run with this checkpoint; an empty state drops the run. Raises as `keep` does."""
        if not state:
            self.forget(run.run_id)
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
        self.keep(unfinished)

    def forget(self, run_id: str) -> None:
        """Drop a run, and all runs that are too old to be resumed."""
        self._path(run_id).unlink(missing_ok=True)
        oldest = time.time() - _KEPT_SECONDS
        for path in self._files():
            if _modified_at(path) < oldest:
                path.unlink(missing_ok=True)

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
            message = "The journal of that run is damaged, so it cannot be resumed."
        raise UsageError(message)

    def unfinished(self) -> Sequence[str]:
        """Return the ids of the unfinished runs, newest first."""
        files = sorted(self._files(), key=_modified_at, reverse=True)
        return [path.stem for path in files]

    def close(self, envelope: JsonObject) -> None:
        """Drop a run that has ended for good; for one that can be resumed, print how."""
        run_id = as_text(envelope.get("run_id"))
        error = as_object(envelope.get("error"))
        if error.get("retryable") is not True:
            self.forget(run_id)
        elif run_id in self.unfinished():
            say(f"To resume this run: perplexity-connector run --resume {run_id}")

    def _files(self) -> Sequence[Path]:
        return list(self._folder.glob("run_*.json"))

    def _path(self, run_id: str) -> Path:
        # The id is from the command line, and a file name must not lead elsewhere.
        is_id = re.fullmatch(r"run_[0-9A-Za-z]{1,64}", run_id)
        return self._folder / (f"{run_id}.json" if is_id else "unknown")


def _modified_at(path: Path) -> float:
    return path.stat().st_mtime
