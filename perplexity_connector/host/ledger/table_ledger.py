"""What tables ask of the ledger about their lines."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from perplexity_connector.host.ledger import units
from perplexity_connector.host.ledger.using import LedgerUser

if TYPE_CHECKING:
    from concurrent.futures import Future

    from perplexity_connector.host.ledger.entries import KnownLine


class TableLedger(LedgerUser):
    """The lines of the tables in a ledger."""

    def known_lines(
        self, job_id: str, *, after: int = -1, limit: int = 1000
    ) -> "Future[Sequence[KnownLine]]":
        """Return all lines after that number, without the runs of their rows."""
        return self._read(
            lambda tx: units.table_lines.known_lines(
                tx.connection, job_id, after=after, limit=limit
            )
        )

    def row_lines(self, row_id: int) -> "Future[Sequence[KnownLine]]":
        """Return the lines of a row, without its run."""
        return self._read(lambda tx: units.table_lines.row_lines(tx.connection, row_id))

    def first_open(self, job_id: str, *, after: int = -1) -> "Future[KnownLine | None]":
        """Return the first line after that number whose row has not ended."""
        return self._read(
            lambda tx: units.table_lines.first_open(tx.connection, job_id, after=after)
        )

    def has_erased(self, job_id: str) -> "Future[bool]":
        """Return whether a line counts as not written whose answer was erased."""
        return self._read(
            lambda tx: units.table_lines.has_erased(tx.connection, job_id)
        )

    def drop_lines(self, job_id: str, numbers: Sequence[int]) -> "Future[None]":
        """Remove lines that are not in the table any more."""
        return self._write(
            lambda tx: units.table_lines.drop_lines(tx.connection, job_id, numbers)
        )

    def rewritten(
        self, job_id: str, ends: Collection[tuple[int, int]]
    ) -> "Future[None]":
        """Record that the whole output is written again, and where its records end."""
        return self._write(
            lambda tx: units.table_lines.rewritten(tx.connection, job_id, ends)
        )
