"""The ends of rows that the ledger could not take. They wait in memory, and go into a file at the end."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from perplexity_connector.host.ledger.entries import Claim, FencedError, RunEnd, State
from perplexity_connector.host.ledger.writing.waiting import committed

if TYPE_CHECKING:
    from perplexity_connector.host.ledger.ledger import Ledger


class Unsaved:
    """The ends that wait for the ledger.

    * `problem`: why the job has stopped for it; None before.
    * `_ends`: the ends, in their order.
    * `_turn`: held while they are tried again.
    """

    def __init__(self, ledger: "Ledger") -> None:
        """Begin without any."""
        self.problem: str | None = None
        self._ledger = ledger
        self._ends: list[tuple[Claim, RunEnd]] = []
        self._turn = asyncio.Lock()

    def add(self, claim: Claim, end: RunEnd) -> None:
        """Keep the end of a row."""
        self._ends.append((claim, end))

    async def retry(self) -> AsyncIterator[tuple[Claim, RunEnd, State]]:
        """Give the ledger the ends that wait, and yield those that it has taken.

        Raises `LedgerError` at the first refusal.
        """
        if not self._ends:
            return
        async with self._turn:
            while self._ends:
                claim, end = self._ends[0]
                try:
                    state = await committed(self._ledger.end_run(claim, end))
                    yield claim, end, state
                except FencedError:
                    pass  # another process has the row, and its own answer
                del self._ends[0]

    def write(self, path: Path | None) -> tuple[Path | None, list[str]]:
        """Write all that still waits to `OUT.unsaved`. Return its path, or the lines that it cannot take.

        Without an output here, these are all lines.

        Each line is a JSON object with the line of the table, the row's key and input, and its envelope.
        """
        lines = [_line(claim, end) for claim, end in self._ends]
        if not lines or path is None:
            return None, lines
        unsaved = path.with_name(f"{path.name}.unsaved")
        try:
            with unsaved.open("a", encoding="utf-8") as file:
                file.write("".join(f"{line}\n" for line in lines))
        except OSError:
            return None, lines
        return unsaved, []


def _line(claim: Claim, end: RunEnd) -> str:
    document = {
        "line": claim.number,
        "key": claim.key,
        "input": claim.input,
        "envelope": end.envelope,
    }
    return json.dumps(document, ensure_ascii=False)
