"""The ledger of a host: its jobs, rows, runs and budgets, in one database.

Importing this module imports neither SQLAlchemy nor `concurrent.futures`. The second comes with the
first use; the first is imported by the thread that writes.
"""

from typing import TYPE_CHECKING

from perplexity_connector.contract import JsonObject
from perplexity_connector.host.ledger import lazy
from perplexity_connector.host.ledger.methods.flow_ledger import FlowLedger
from perplexity_connector.host.ledger.methods.job_ledger import JobLedger
from perplexity_connector.host.ledger.methods.turn_ledger import TurnLedger

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from perplexity_connector.host.ledger.entries import (
        Claim,
        KnownJob,
        KnownRun,
        NewRun,
        RunEnd,
        State,
        UsageBy,
        UsageRow,
    )
    from perplexity_connector.host.ledger.writing.owners import Transaction

__all__ = ["Ledger"]


class Ledger(JobLedger, FlowLedger, TurnLedger):
    """The recorded work of all processes that share a database.

    Most methods return a future, which resolves after the commit. It raises `LedgerError` if the
    ledger cannot be opened or written. It cannot be cancelled: to give up waiting undoes nothing.
    Any thread may call them. After a fork, those of a ledger that was used before raise `LedgerError`.
    """

    # One run.

    def begin_run(
        self, run: "NewRun", *, within: "Claim | None" = None
    ) -> "Future[Claim]":
        """Record a run outside a job, with its reservation. `OverBudgetError` if that does not fit.

        `within`: the claim of the row for which it is a step of a flow: `FencedError` if another owner
        has that row.
        """
        return self._write(
            lambda tx: lazy.claims.begin_run(
                tx.connection,
                tx.owner,
                run,
                within=within,
                is_alive=tx.is_alive,
                now=tx.now,
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

    def settle_run(self, run_id: str) -> "Future[bool]":
        """Give a run outside a job its true state, if its process has died. Return whether one works on it."""
        return self._write(
            lambda tx: lazy.takeovers.settle_run(
                tx.connection, run_id, is_alive=tx.is_alive, now=tx.now
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
                lazy.erasing.erase(tx.connection, claim.job_id)
            return state

        return self._write(work, claim.budgets, is_erasing=is_erasing)

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

    def last_run(
        self, connector: str, action: str, connection: str | None
    ) -> "Future[KnownRun | None]":
        """Return the newest run of an action that succeeded over a connection, with its output.

        `connection`: the name of a stored one; None for any other. Runs of flows, of tables and of
        sandboxes do not count.
        """
        return self._read(
            lambda tx: lazy.reading.find_last_run(
                tx.connection, connector, action, connection
            )
        )

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

    def cancel(self, entry_id: str) -> "Future[bool]":
        """Ask the process of a run, a flow, a step with `each`, or of a job's runs, to stop.

        Return whether one is under way. `LookupError` for an unknown id.
        """
        return self._write(lambda tx: lazy.keeping.cancel(tx.connection, entry_id))

    def forget(self, entry_id: str) -> "Future[None]":
        """Close a job, a run outside a job, or a flow with its runs, and erase the content.

        `LookupError` for an unknown id, `FencedError` while a process works on it.
        """
        return self._write(
            lambda tx: lazy.keeping.forget(
                tx.connection, entry_id, is_alive=tx.is_alive, now=tx.now
            ),
            is_erasing=True,
        )

    def erase(self, entry_id: str) -> "Future[bool]":
        """Erase the content of a job, a run outside a job, or a flow, if it has ended.

        Digest, state and cost stay. A part of a flow, or of a row of a job, is erased with that.
        Return whether it is erased.
        """
        return self._write(
            lambda tx: lazy.erasing.erase(tx.connection, entry_id), is_erasing=True
        )
