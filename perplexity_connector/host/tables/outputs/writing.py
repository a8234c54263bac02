"""Write the records of ended rows: first the ledger has the row, then the file, later its end is noted."""

import asyncio
import errno
from collections.abc import Iterator, Sequence
from math import inf
from typing import TYPE_CHECKING

from perplexity_connector.host.ledger.entries import Claim, KnownLine
from perplexity_connector.host.ledger.writing.waiting import committed
from perplexity_connector.host.tables.outputs.line_ends import LineEnds
from perplexity_connector.host.tables.outputs.output import Output, adopt, rewrite
from perplexity_connector.host.tables.outputs.records import (
    Outcome,
    Place,
    outcome_of,
)

if TYPE_CHECKING:
    from concurrent.futures import Future

    from perplexity_connector.host.ledger.ledger import Ledger

_PAGE = 200
_ERASED = (
    "The output keeps records that are out of date: the ledger no longer has all answers. "
    "Only --fresh pays for new ones."
)


class Records:
    """The records of the rows that this process runs. These wait in the ledger, and no file is written.

    * `problem`: why the file could not be written; None if all is well. Then the records wait in the
      ledger.
    * `are_written`: whether this process writes for the job.
    """

    problem: str | None = None
    are_written = False

    def expect(self, claim: Claim) -> None:
        """Prepare for the end of a row that has begun."""

    async def row_ended(self, claim: Claim, outcome: Outcome) -> None:
        """Write the records of a row that has ended in the ledger."""

    async def write_missing(self) -> None:
        """Write the records that are not in the file."""

    async def rewrite(self) -> None:
        """Write the whole file, if it has records that are out of date."""

    def close(self) -> None:
        """Write nothing more."""


class RecordWriter(Records):
    """Writes the output of one start of a job.

    * `_path`, `_layout`: of the output; `_output`: the open file.
    * `_is_ordered`: whether the records are in the order of the table.
    * `_last`: the last line that is written, if they are.
    * `_blocking`: the row that the next record waits for; None if that is not known.
    * `_expected`: the lines of the rows under way that have doubles, by row.
    * `_ends`: where the records end.
    * `_turn`: held while records are written.
    """

    are_written = True

    def __init__(
        self, ledger: "Ledger", place: Place, output: Output, *, is_ordered: bool
    ) -> None:
        """Write into an open output."""
        self._ledger = ledger
        self._job_id = place.job_id
        self._path = place.path
        self._output = output
        self._layout = place.layout
        self._is_ordered = is_ordered
        self._last = -1
        self._blocking: str | None = None
        self._expected: dict[int, Future[Sequence[KnownLine]]] = {}
        self._ends = LineEnds(ledger, place.job_id)
        self._turn = asyncio.Lock()

    def expect(self, claim: Claim) -> None:
        """Ask for the lines of a row early: the ledger answers before its run ends."""
        if not self._is_ordered and claim.only_line is None:
            self._expected[claim.row_id] = self._ledger.row_lines(claim.row_id)

    async def row_ended(self, claim: Claim, outcome: Outcome) -> None:
        """Write the records of a row that has ended in the ledger, as far as their turn has come."""
        async with self._turn:
            if self._is_ordered:
                if claim.key == self._blocking:
                    await self._go_on()
                return
            for line in await self._lines(claim):
                self._write(line, outcome)

    async def write_missing(self) -> None:
        """Write the records that an earlier start, or a full disk, has left."""
        self.problem = None
        async with self._turn:
            await self._go_on()

    async def rewrite(self) -> None:
        """Write the whole file in the order of the table, if it has records that are out of date."""
        job = await committed(self._ledger.find_job(self._job_id))
        if job is None or not job.is_stale:
            return
        try:
            ends = await asyncio.to_thread(
                rewrite, self._path, self._layout.header(), self._all()
            )
            # Once its ends are noted, the next start takes the new file even after a crash here.
            noted = self._ledger.rewritten(self._job_id, ends, starts=job.starts)
            await committed(noted)
            adopt(self._path)
        except OSError as problem:
            self.problem = problem.strerror

    def close(self) -> None:
        """Close the file."""
        self._output.close()

    async def _lines(self, claim: Claim) -> Sequence[KnownLine]:
        if claim.only_line is not None:
            return [claim.only_line]
        expected = self._expected.pop(claim.row_id)
        # To wait for lines that are there would wake the event loop by a system call.
        return expected.result() if expected.done() else await committed(expected)

    async def _go_on(self) -> None:
        """Write the missing records; in order, only up to the first row that has not ended."""
        # A record whose end is not noted is not missing.
        await self._ends.settle()
        last: float = inf
        if self._is_ordered:
            first = self._ledger.first_open(self._job_id, after=self._last)
            line = await committed(first)
            self._blocking = line.key if line else None
            last = line.number if line else inf
        while page := await committed(self._unwritten()):
            for line in page:
                if line.number > last:
                    return
                self._write(line, outcome_of(line))
                self._last = line.number
        await self._ends.settle()
        self._last = -1

    def _unwritten(self) -> "Future[Sequence[KnownLine]]":
        return self._ledger.find_lines(
            self._job_id, after=self._last, limit=_PAGE, is_unwritten=True
        )

    def _write(self, line: KnownLine, outcome: Outcome) -> None:
        if line.output_end is not None or self.problem is not None:
            return
        try:
            end = self._output.append(self._layout.encode(line, outcome))
        except OSError as problem:
            self.problem = problem.strerror
            return
        self._ends.add(line.number, end)

    def _all(self) -> Iterator[tuple[int, bytes]]:
        """Yield all records in the order of the table, in another thread.

        Raises `OSError` for an answer that only the file still has.
        """
        after = -1
        while page := self._ledger.find_lines(
            self._job_id, after=after, limit=_PAGE
        ).result():
            for line in page:
                if line.state == "done" and line.output is None:
                    raise OSError(errno.ENODATA, _ERASED)
                yield line.number, self._layout.encode(line, outcome_of(line))
            after = page[-1].number
