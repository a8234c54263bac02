"""Unfinished runs of earlier releases: one JSON file each, taken into the ledger once."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from perplexity_connector.contract.readers import as_int, as_object, as_text
from perplexity_connector.host.ledger.entries import NewRun
from perplexity_connector.host.ledger.transactions.claims import adopt_run
from perplexity_connector.host.ledger.writing.owners import Transaction, is_locked


@dataclass(frozen=True, slots=True)
class Journal:
    """A folder of such files.

    * `taken`: the files whose runs are in the ledger.
    * `damaged`: the files that cannot be read.
    """

    folder: Path
    taken: list[Path] = field(default_factory=list)
    damaged: list[Path] = field(default_factory=list)

    def remove(self) -> Sequence[str]:
        """Remove the files that were taken in, and an empty folder. Return the problems, as texts."""
        problems = [
            f"The unfinished run in {path} cannot be read. The file stays there."
            for path in self.damaged
        ]
        try:
            for path in self.taken:
                for file in (path, *_beside(path)):
                    file.unlink(missing_ok=True)
        except OSError as error:
            text = f"Files in {self.folder} cannot be removed: {error.strerror}."
            problems.append(text)
        with suppress(OSError):
            self.folder.rmdir()
        return problems


def take_in(transaction: Transaction, folder: Path) -> Journal:
    """Enter the runs of a folder as begun ones, unless the ledger has them.

    A run on which a process of an earlier release is working is left for a later call.
    """
    journal = Journal(folder)
    for path in sorted(folder.glob("run_*.json")):
        if is_locked(path.with_suffix(".lock")):
            continue
        try:
            _take_in(transaction, path)
        except FileNotFoundError:
            continue  # another process was faster
        except (ValueError, LookupError, OSError):
            journal.damaged.append(path)
        else:
            journal.taken.append(path)
    return journal


def _take_in(transaction: Transaction, path: Path) -> None:
    """Enter the run of a file. Raises `ValueError` and `LookupError` if it is damaged."""
    document = as_object(json.loads(path.read_text(encoding="utf-8")))
    version, checkpoint = as_int(document["version"]), as_object(document["state"])
    run = NewRun(
        run_id=path.stem,
        connector=as_text(document["connector"]),
        action=as_text(document["action"]),
        version=version or 0,
        connection=as_text(document.get("connection")) or None,
        input=as_object(document["input"]),
    )
    if not (run.connector and run.action and version and checkpoint):
        raise ValueError
    written_at = path.stat().st_mtime_ns // 1_000_000
    adopt_run(transaction.connection, run, checkpoint, now=written_at)


def _beside(path: Path) -> Sequence[Path]:
    return path.with_suffix(".old"), path.with_name(f".{path.name}.new")
