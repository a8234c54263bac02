"""A temporary file of the rows and lines of a plan, from which they go into the ledger in batches."""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import fields
from itertools import islice

from perplexity_connector.host.ledger.entries import NewLine, NewRow

_BATCH = 500
_NAMES = {kind: [field.name for field in fields(kind)] for kind in (NewRow, NewLine)}


class Spool:
    """New rows and lines, on disk. The file has no name, and is removed when it is closed."""

    def __init__(self) -> None:
        """Begin empty."""
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - it outlives this block

    def add(self, row: NewRow | None, line: NewLine) -> None:
        """Add a line, with its row if that is new or has changed."""
        pair = [_fields(row) if row else None, _fields(line)]
        self._file.write(json.dumps(pair) + "\n")

    def batches(self) -> Iterator[tuple[list[NewRow], list[NewLine]]]:
        """Yield all of them in order, once."""
        self._file.seek(0)
        while texts := list(islice(self._file, _BATCH)):
            pairs = [json.loads(text) for text in texts]
            yield (
                [NewRow(**row) for row, _ in pairs if row],
                [NewLine(**line) for _, line in pairs],
            )

    def close(self) -> None:
        """Remove the file."""
        self._file.close()


def _fields(entry: NewRow | NewLine) -> dict[str, object]:
    # `asdict` copies all that is in them, too, which takes ten times as long.
    return {name: getattr(entry, name) for name in _NAMES[type(entry)]}
