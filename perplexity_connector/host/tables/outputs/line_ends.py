"""Note in the ledger where the records of lines end in the output: many together, later than they are written.

After a crash the records without a noted end are cut off, and written again from the ledger.
"""

from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

from perplexity_connector.host.ledger.entries import LedgerError
from perplexity_connector.host.ledger.writing.waiting import committed

if TYPE_CHECKING:
    from concurrent.futures import Future

    from perplexity_connector.host.ledger.ledger import Ledger

_Ends: TypeAlias = list[tuple[int, int | None]]

_TOGETHER = 50


class LineEnds:
    """The ends that the ledger does not have yet.

    * `_waiting`: those that it was not given.
    * `_given`: those that it was given last; `_noted`: the commit of these, None before the first.
    """

    def __init__(self, ledger: "Ledger", job_id: str) -> None:
        """Begin without any."""
        self._ledger = ledger
        self._job_id = job_id
        self._waiting: _Ends = []
        self._given: _Ends = []
        self._noted: Future[None] | None = None

    def add(self, line: int, end: int) -> None:
        """Note an end, soon or later."""
        self._waiting.append((line, end))
        is_free = self._noted is None or self._noted.done()
        if is_free and len(self._waiting) >= _TOGETHER:
            self._give()

    async def settle(self) -> None:
        """Wait until the ledger has all ends. Raises `LedgerError` if it cannot take them."""
        if self._noted is not None:
            with suppress(LedgerError):  # they are given again
                await committed(self._noted)
        noted = self._give()
        if noted is not None:
            await committed(noted)

    def _give(self) -> "Future[None] | None":
        """Give the ledger all that it does not have. Return the commit; None if nothing is left."""
        if self._noted is not None and self._noted.exception():
            self._waiting = self._given + self._waiting
        self._given, self._waiting, self._noted = self._waiting, [], None
        if self._given:
            self._noted = self._ledger.line_ends(self._job_id, self._given)
        return self._noted
