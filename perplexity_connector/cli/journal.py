"""The runs that are under way, on disk, so that a crash of this process does not lose an answer that costs money.

One file a run, readable by its owner alone: the step and the last checkpoint, never a key. It is there from the first
checkpoint until the run's end was seen.
"""

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.json import as_object, as_text
from perplexity_connector.host import StepRun, write_private

_VERSION = 1
# The provider's own documentation keeps results for seven days; what is older cannot be gone back to.
_KEPT_S = 7 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """A run to go on with: its step, the name of its stored connection if it has one, and the last checkpoint."""

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
        """Keep runs there."""
        self._folder = folder

    def keep(self, run: Unfinished) -> None:
        """Put a run's last checkpoint on disk, all or nothing. Raises `OSError` where that cannot be done."""
        document = {name: getattr(run, name) for name in run.__slots__} | {
            "journal_version": _VERSION
        }
        write_private(self._path(run.run_id), json.dumps(document).encode())

    def note(self, run: StepRun, state: JsonObject) -> None:
        """Keep a run with that checkpoint; an empty one says that there is nothing to come back to. Raises likewise."""
        if not state:
            self.forget(run.run_id)
            return
        self.keep(
            Unfinished(
                run_id=run.run_id,
                connector=run.connector,
                action=run.action,
                version=run.version,
                input=run.input,
                state=state,
                connection=run.connection if isinstance(run.connection, str) else None,
            )
        )

    def forget(self, run_id: str) -> None:
        """Drop a run whose end was seen, and those too old to go back to."""
        self._path(run_id).unlink(missing_ok=True)
        for path in self._files():
            if path.stat().st_mtime < time.time() - _KEPT_S:
                path.unlink(missing_ok=True)

    def read(self, run_id: str) -> Unfinished:
        """The run of that id. Raises `UsageError`, naming the unfinished ones, when there is none or it is damaged."""
        try:
            document = as_object(
                json.loads(self._path(run_id).read_text(encoding="utf-8"))
            )
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
            there_is = ", ".join(self.unfinished()) or "none"
            message = f"There is no unfinished run of that id. Unfinished, newest first: {there_is}."
        except (ValueError, KeyError):
            message = "The journal of that run is damaged, so it cannot be resumed."
        raise UsageError(message)

    def unfinished(self) -> Sequence[str]:
        """The ids of the unfinished runs, newest first."""
        return [
            path.stem
            for path in sorted(
                self._files(), key=lambda path: path.stat().st_mtime, reverse=True
            )
        ]

    def _files(self) -> Sequence[Path]:
        return list(self._folder.glob("run_*.json"))

    def _path(self, run_id: str) -> Path:
        # The id comes from the command line and becomes a file name.
        known = re.fullmatch(r"run_[0-9A-Za-z]{1,64}", run_id)
        return self._folder / (f"{run_id}.json" if known else "unknown")
