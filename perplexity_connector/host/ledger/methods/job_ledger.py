"""The jobs of a ledger: their rows, the lines of their tables, and who works on them."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from perplexity_connector.contract import JsonObject
from perplexity_connector.host.ledger import lazy
from perplexity_connector.host.ledger.methods.using import LedgerUser

if TYPE_CHECKING:
    from concurrent.futures import Future

    from perplexity_connector.host.ledger.entries import (
        Claim,
        KeptPlan,
        KnownJob,
        KnownLine,
        KnownRow,
        NewJob,
        NewLine,
        NewRow,
        Retry,
        State,
    )
    from perplexity_connector.host.ledger.writing.owners import Transaction


class JobLedger(LedgerUser):
    """The jobs of all processes that share a database."""

    # A job.

    def find_job(self, id_or_name: str) -> "Future[KnownJob | None]":
        """Return a job, by its id or name; None if it is not known."""
        return self._read(lambda tx: lazy.reading.find_job(tx.connection, id_or_name))

    def begin_job(self, job: "NewJob") -> "Future[None]":
        """Record a job, or the newest fingerprint of a known one.

        `FencedError` if another job has its name.
        """
        return self._write(
            lambda tx: lazy.planning.begin_job(tx.connection, job, now=tx.now)
        )

    def rename_job(self, job_id: str, name: str | None) -> "Future[None]":
        """Give a job another name, so that a new one can have the old.

        `FencedError` while a process writes for it.
        """
        return self._write(
            lambda tx: lazy.planning.rename_job(
                tx.connection, job_id, name, is_alive=tx.is_alive
            )
        )

    def add_rows(
        self, job_id: str, rows: "Sequence[NewRow]", lines: "Sequence[NewLine]"
    ) -> "Future[None]":
        """Record rows of a job and lines of its table, in batches. Only differences are written.

        `FencedError` while a process works on a row whose content has changed.
        """
        return self._write(
            lambda tx: lazy.row_planning.add_rows(
                tx.connection, job_id, rows, lines, is_alive=tx.is_alive, now=tx.now
            ),
            (f"job:{job_id}",),
        )

    def start_job(
        self,
        job_id: str,
        *,
        cap: int | None = None,
        retry: "Retry | None" = None,
        last_line: int | None = None,
        output: str | None = None,
    ) -> "Future[None]":
        """Begin to write for a job: take over from dead processes, and plan the retried rows again.

        A cap replaces the job's own, and so does an output, into which all lines are to be written.
        `LookupError` for an unknown job, `FencedError` while another process writes for it or into
        its output.
        """
        return self._write(
            lambda tx: lazy.planning.start_job(
                tx.connection,
                tx.owner,
                job_id,
                cap=cap,
                retry=retry,
                last_line=last_line,
                output=output,
                is_alive=tx.is_alive,
                now=tx.now,
            ),
            (f"job:{job_id}",),
        )

    def restart_job(
        self, job_id: str, *, retry: "Retry | None" = None
    ) -> "Future[None]":
        """Count a new start of a job, whose rows any process may claim; this one does not write for it.

        Take over from dead processes, let begun rows be followed, and plan the retried rows again.
        `LookupError` for an unknown job.
        """
        return self._write(
            lambda tx: lazy.planning.restart_job(
                tx.connection, job_id, retry=retry, is_alive=tx.is_alive, now=tx.now
            ),
            (f"job:{job_id}",),
        )

    def take_over_rows(self, job_id: str) -> "Future[int]":
        """Take the rows of dead processes over. Return how many rows are worth waiting for.

        These are rows that other living processes hold, and rows that are free to claim. There are
        none in a job that was cancelled.
        """
        return self._write(
            lambda tx: lazy.takeovers.take_over_rows(
                tx.connection, tx.owner, job_id, is_alive=tx.is_alive, now=tx.now
            ),
            (f"job:{job_id}",),
        )

    def write_job(self, job_id: str, output: str) -> "Future[None]":
        """Begin to write the output of a job, without a new start. Fails as `start_job`."""
        return self._write(
            lambda tx: lazy.planning.write_job(
                tx.connection, tx.owner, job_id, output=output, is_alive=tx.is_alive
            )
        )

    def price_groups(self, job_id: str) -> "Future[Collection[str]]":
        """Return the price groups of a job's rows, as far as they have no listed price."""
        return self._read(lambda tx: lazy.reading.price_groups(tx.connection, job_id))

    def claim_row(
        self,
        job_id: str,
        percentiles: Mapping[str, int] | None = None,
        budgets: Collection[str] = (),
    ) -> "Future[Claim | None]":
        """Claim the next row, with its reservation in the job's budget and in `budgets`.

        None if nothing is left to claim, or the job was cancelled. `OverBudgetError` if the
        reservation does not fit.
        """
        return self._write(
            lambda tx: lazy.claims.claim_row(
                tx.connection,
                tx.owner,
                job_id,
                percentiles=percentiles or {},
                budgets=budgets,
                is_alive=tx.is_alive,
                now=tx.now,
            ),
            (f"job:{job_id}", *budgets),
        )

    def put_back(self, claim: "Claim") -> "Future[State]":
        """Plan a claimed row again, and return its state. Its cost or reservation stays counted.

        A run with a checkpoint stays `begun`.
        """
        return self._write(
            lambda tx: lazy.run_ends.put_back(
                tx.connection, tx.owner, claim, now=tx.now
            ),
            claim.budgets,
        )

    def line_ends(
        self, job_id: str, ends: Sequence[tuple[int, int | None]]
    ) -> "Future[None]":
        """Record where the records of these lines end in the output; None: not written."""
        return self._write(
            lambda tx: lazy.table_lines.line_ends(tx.connection, job_id, ends)
        )

    def end_job(
        self, job_id: str, reason: str | None, *, is_writer: bool = True
    ) -> "Future[bool]":
        """Stop to write for a job, or only to run its rows. It has ended if no row is left to run.

        It goes on while a living process writes for it. Return whether it has ended, and its output
        has all records: then its content may be erased.
        """
        is_erasing = not self.record_content

        def work(tx: "Transaction") -> bool:
            is_over = lazy.planning.end_job(
                tx.connection,
                tx.owner,
                job_id,
                reason,
                is_writer=is_writer,
                is_alive=tx.is_alive,
                now=tx.now,
            )
            if is_erasing and is_over:
                lazy.erasing.erase(tx.connection, job_id)
            return is_over

        return self._write(work, is_erasing=is_erasing)

    # The lines of a table.

    def known_lines(
        self, job_id: str, *, after: int = -1, limit: int = 1000
    ) -> "Future[Sequence[KnownLine]]":
        """Return all lines after that number, without the runs of their rows."""
        return self._read(
            lambda tx: lazy.table_lines.known_lines(
                tx.connection, job_id, after=after, limit=limit
            )
        )

    def row_lines(self, row_id: int) -> "Future[Sequence[KnownLine]]":
        """Return the lines of a row, without its run."""
        return self._read(lambda tx: lazy.table_lines.row_lines(tx.connection, row_id))

    def first_open(self, job_id: str, *, after: int = -1) -> "Future[KnownLine | None]":
        """Return the first line after that number whose row has not ended."""
        return self._read(
            lambda tx: lazy.table_lines.first_open(tx.connection, job_id, after=after)
        )

    def has_erased(self, job_id: str) -> "Future[bool]":
        """Return whether a line counts as not written whose answer was erased."""
        return self._read(lambda tx: lazy.table_lines.has_erased(tx.connection, job_id))

    def drop_lines(self, job_id: str, numbers: Sequence[int]) -> "Future[None]":
        """Remove lines that are not in the table any more."""
        return self._write(
            lambda tx: lazy.table_lines.drop_lines(tx.connection, job_id, numbers)
        )

    def keep_plan(
        self, job_id: str, digest: str, document: JsonObject, *, starts: int
    ) -> "Future[None]":
        """Keep the plan of a table whose lines are all entered, if the job was not started again since."""
        return self._write(
            lambda tx: lazy.kept_plans.keep_plan(
                tx.connection, job_id, digest, document, starts
            )
        )

    def kept_plan(
        self, job_id: str, retry: "Retry | None" = None
    ) -> "Future[KeptPlan | None]":
        """Return the plan that is kept, with the present state of the rows. Those in `retry` are to run."""
        return self._read(
            lambda tx: lazy.kept_plans.kept_plan(tx.connection, job_id, retry)
        )

    def rewritten(
        self,
        job_id: str,
        ends: Collection[tuple[int, int]],
        *,
        starts: int | None = None,
    ) -> "Future[None]":
        """Record that the whole output is written again, and where its records end.

        `starts`: how many starts the job had before. After a newer one, records are still out of date.
        """
        return self._write(
            lambda tx: lazy.table_lines.rewritten(
                tx.connection, job_id, ends, starts=starts
            )
        )

    def find_rows(
        self, job_id: str, keys: Collection[str]
    ) -> "Future[Mapping[str, KnownRow]]":
        """Return the rows of these keys."""
        return self._read(
            lambda tx: lazy.reading.find_rows(tx.connection, job_id, keys)
        )

    def find_lines(
        self,
        job_id: str,
        *,
        after: int = -1,
        limit: int = 1000,
        is_unwritten: bool = False,
    ) -> "Future[Sequence[KnownLine]]":
        """Return lines after that number whose row has ended; or only those that are not written."""
        return self._read(
            lambda tx: lazy.reading.find_lines(
                tx.connection,
                job_id,
                after=after,
                limit=limit,
                is_unwritten=is_unwritten,
            )
        )

    def last_written(self, job_id: str) -> "Future[Sequence[KnownLine]]":
        """Return the last two lines in the output, by where their records end."""
        return self._read(lambda tx: lazy.reading.last_written(tx.connection, job_id))

    def find_failures(self, job_id: str) -> "Future[Sequence[KnownLine]]":
        """Return the lines whose row failed or is unsure, without their content."""
        return self._read(lambda tx: lazy.reading.find_failures(tx.connection, job_id))
