"""The ledger of a host: its jobs, rows, runs and budgets, in one database.

Importing this module imports neither SQLAlchemy nor `concurrent.futures`. The second comes with the
first use; the first is imported by the thread that writes.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from perplexity_connector.contract import JsonObject
from perplexity_connector.host.ledger import lazy
from perplexity_connector.host.ledger.turn_ledger import TurnLedger

if TYPE_CHECKING:
    from concurrent.futures import Future

    from perplexity_connector.host.ledger.entries import (
        Claim,
        KnownJob,
        KnownLine,
        KnownRow,
        KnownRun,
        NewJob,
        NewLine,
        NewRow,
        NewRun,
        Retry,
        RunEnd,
        State,
        UsageBy,
        UsageRow,
    )
    from perplexity_connector.host.ledger.writing.owners import Transaction

__all__ = ["Ledger"]


class Ledger(TurnLedger):
    """The recorded work of all processes that share a database.

    Most methods return a future, which resolves after the commit. It raises `LedgerError` if the
    ledger cannot be opened or written. It cannot be cancelled: to give up waiting undoes nothing.
    Any thread may call them. After a fork, those of a ledger that was used before raise `LedgerError`.
    """

    # One run.

    def begin_run(self, run: "NewRun") -> "Future[Claim]":
        """Record a run outside a job, with its reservation. `OverBudgetError` if that does not fit."""
        return self._write(
            lambda tx: lazy.claims.begin_run(
                tx.connection, tx.owner, run, is_alive=tx.is_alive, now=tx.now
            ),
            run.budgets,
        )

    def resume_run(self, run_id: str) -> "Future[Claim]":
        """Take over a begun run of a process that has ended.

        `LookupError` if there is nothing to follow, `FencedError` if its process lives.
        """
        return self._write(
            lambda tx: lazy.claims.resume_run(
                tx.connection, tx.owner, run_id, is_alive=tx.is_alive
            )
        )

    def sent(self, claim: "Claim") -> "Future[None]":
        """Record that the request leaves now. `FencedError` if another owner has the row."""
        return self._write(
            lambda tx: lazy.run_units.sent(tx.connection, tx.owner, claim, now=tx.now)
        )

    def back(self, claim: "Claim") -> "Future[None]":
        """Record that an attempt ended without effect: the run is claimed again."""
        return self._write(
            lambda tx: lazy.run_units.back(tx.connection, tx.owner, claim)
        )

    def keep_in_doubt(self, claim: "Claim") -> "Future[None]":
        """Keep the reservation of an attempt in doubt, before another one is waited for."""
        return self._write(
            lambda tx: lazy.run_units.keep(tx.connection, tx.owner, claim)
        )

    def reserve_again(self, claim: "Claim", nano: int) -> "Future[None]":
        """Reserve for a repeat. The reservation of the attempt in doubt is kept. Fails as `begin_run`."""
        return self._write(
            lambda tx: lazy.run_units.reserve_again(
                tx.connection, tx.owner, claim, nano, is_alive=tx.is_alive
            ),
            claim.budgets,
        )

    def checkpoint(self, claim: "Claim", state: JsonObject) -> "Future[None]":
        """Record a checkpoint, which makes the run `begun`. An empty one clears it."""
        return self._write(
            lambda tx: lazy.run_units.checkpoint(tx.connection, tx.owner, claim, state)
        )

    def owns(self, claim: "Claim") -> "Future[bool]":
        """Return whether the row is still ours."""
        return self._read(lambda tx: lazy.claims.owns(tx.connection, tx.owner, claim))

    def end_run(self, claim: "Claim", end: "RunEnd") -> "Future[State]":
        """Record the end of a run. Return the state that it has now."""
        is_erasing = claim.job_id == claim.run_id and not self.record_content

        def work(tx: "Transaction") -> "State":
            state = lazy.run_ends.end_run(tx.connection, tx.owner, claim, end)
            if is_erasing:
                lazy.keeping.erase(tx.connection, claim.job_id)
            return state

        return self._write(work, claim.budgets, is_erasing=is_erasing)

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

    def put_back(self, claim: "Claim") -> "Future[None]":
        """Plan a claimed row again. Its cost or reservation stays counted."""
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

    def end_job(self, job_id: str, reason: str) -> "Future[None]":
        """Stop writing for a job. It has ended if no row is left to run."""
        is_erasing = not self.record_content

        def work(tx: "Transaction") -> None:
            lazy.planning.end_job(tx.connection, tx.owner, job_id, reason, now=tx.now)
            if is_erasing:
                lazy.keeping.erase(tx.connection, job_id)

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

    def rewritten(
        self, job_id: str, ends: Collection[tuple[int, int]]
    ) -> "Future[None]":
        """Record that the whole output is written again, and where its records end."""
        return self._write(
            lambda tx: lazy.table_lines.rewritten(tx.connection, job_id, ends)
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

    # The records.

    def runs(
        self,
        *,
        status: str | None = None,
        since: int | None = None,
        job_id: str | None = None,
        limit: int = 50,
    ) -> "Future[Sequence[KnownRun]]":
        """Return the runs of a job, or those outside jobs, newest first.

        `status`: a state, or the status of an envelope.
        """
        return self._read(
            lambda tx: lazy.reading.find_runs(
                tx.connection, status=status, since=since, limit=limit, job_id=job_id
            )
        )

    def run(self, run_id: str) -> "Future[KnownRun | None]":
        """Return a run, with its output and its checkpoint; None if it is not known."""
        return self._read(lambda tx: lazy.reading.find_run(tx.connection, run_id))

    def jobs(
        self, *, since: int | None = None, limit: int = 50
    ) -> "Future[Sequence[KnownJob]]":
        """Return the jobs of tables, newest first."""
        return self._read(
            lambda tx: lazy.reading.find_jobs(tx.connection, since=since, limit=limit)
        )

    def usage(
        self, by: "UsageBy", since: int | None = None
    ) -> "Future[Sequence[UsageRow]]":
        """Return cost and tokens, the dearest first; without those of a sandbox."""
        return self._read(lambda tx: lazy.usage.usage(tx.connection, by, since=since))

    def percentile(
        self, connector: str, action: str, group: str
    ) -> "Future[int | None]":
        """Return the cost that 99 of 100 runs of a price group do not exceed; None below 50 runs."""
        return self._read(
            lambda tx: lazy.usage.percentile(tx.connection, connector, action, group)
        )

    # The operator.

    def set_cap(self, budget_id: str, cap: int | None) -> "Future[None]":
        """Set the cap of a budget, which is made if it is new."""
        return self._write(
            lambda tx: lazy.budgets.set_cap(tx.connection, budget_id, cap),
            (budget_id,),
        )

    def cancel(self, run_or_job_id: str) -> "Future[bool]":
        """Ask the process of a run, or of a job's runs, to stop. Return whether one is under way.

        `LookupError` for an unknown id.
        """
        return self._write(lambda tx: lazy.keeping.cancel(tx.connection, run_or_job_id))

    def forget(self, job_or_run_id: str) -> "Future[None]":
        """Close a job or a run, and erase its content.

        `LookupError` for an unknown id, `FencedError` while a process works on it.
        """
        return self._write(
            lambda tx: lazy.keeping.forget(
                tx.connection, job_or_run_id, is_alive=tx.is_alive, now=tx.now
            ),
            is_erasing=True,
        )

    def erase(self, job_id: str) -> "Future[bool]":
        """Erase the content of a job, or of a run outside a job, if it has ended.

        Digest, state and cost stay. Return whether it has ended.
        """
        return self._write(
            lambda tx: lazy.keeping.erase(tx.connection, job_id), is_erasing=True
        )
