"""Unfinished runs of earlier releases: one JSON file each, taken into the ledger once."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.readers import as_int, as_object, as_text
from perplexity_connector.host.ledger.claims import adopt_run
from perplexity_connector.host.ledger.entries import NewRun
from perplexity_connector.host.ledger.owners import Transaction, is_locked


@dataclass(frozen=True, slots=True)
class JournalFile:
    """An unfinished run and its file. `written_at`: milliseconds of the epoch."""

    path: Path
    run: NewRun
    checkpoint: JsonObject
    written_at: int

    def adopt(self, transaction: Transaction) -> None:
        """Enter the run as one that can be resumed, unless the ledger has it."""
        adopt_run(
            transaction.connection, self.run, self.checkpoint, now=self.written_at
        )

    def remove(self) -> None:
        """Remove the file and those that belong to it."""
        name = self.path.name
        for path in (
            self.path,
            self.path.with_suffix(".old"),
            self.path.with_name(f".{name}.new"),
        ):
            path.unlink(missing_ok=True)


def read_journal(folder: Path) -> tuple[Sequence[JournalFile], Sequence[Path]]:
    """Return the runs in a folder, and the files that are damaged.

    Runs on which a process of an earlier release works are left for another time.
    """
    files: list[JournalFile] = []
    damaged: list[Path] = []
    for path in sorted(folder.glob("run_*.json")):
        if is_locked(path.with_suffix(".lock")):
            continue
        try:
            files.append(_read(path))
        except (ValueError, LookupError):
            damaged.append(path)
        except FileNotFoundError:
            continue  # another process has just taken it in
    return files, damaged


def adopt_all(
    transaction: Transaction, files: Sequence[JournalFile]
) -> Sequence[JournalFile]:
    """Enter these runs, and return them."""
    for file in files:
        file.adopt(transaction)
    return files


def remove_journal(folder: Path, files: Sequence[JournalFile]) -> None:
    """Remove files whose runs are in the ledger, and the folder with the last one."""
    for file in files:
        file.remove()
    with suppress(OSError):
        folder.rmdir()


def _read(path: Path) -> JournalFile:
    """Read a file. Raises `ValueError` and `LookupError` for a damaged one."""
    document = as_object(json.loads(path.read_text(encoding="utf-8")))
    version = as_int(document["version"])
    run = NewRun(
        run_id=path.stem,
        connector=as_text(document["connector"]),
        action=as_text(document["action"]),
        version=version or 0,
        connection=as_text(document.get("connection")) or None,
        input=as_object(document["input"]),
    )
    checkpoint = as_object(document["state"])
    if not (run.connector and run.action and version and checkpoint):
        raise ValueError
    return JournalFile(path, run, checkpoint, int(path.stat().st_mtime * 1000))
