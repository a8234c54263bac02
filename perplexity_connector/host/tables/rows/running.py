"""Run the rows of a job in a number of places. Each place claims a row when it is free."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, cast

from perplexity_connector.host.ledger.entries import (
    ENDED,
    Claim,
    FencedError,
    LedgerError,
    OverBudgetError,
    RunEnd,
    State,
)
from perplexity_connector.host.ledger.writing.waiting import committed
from perplexity_connector.host.runs.runs import Runs
from perplexity_connector.host.spending.budget import used_up_words
from perplexity_connector.host.spending.money import usd_or_none
from perplexity_connector.host.tables.outputs.records import Outcome
from perplexity_connector.host.tables.outputs.unsaved import Unsaved
from perplexity_connector.host.tables.outputs.writing import Records
from perplexity_connector.host.tables.rows.brakes import Brakes
from perplexity_connector.host.tables.rows.row_log import RowLog
from perplexity_connector.host.tables.rows.work import Work

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument, RowFinishedItem
    from perplexity_connector.host.ledger.ledger import Ledger

T = TypeVar("T")
# After a stop, rows that are under way have so long to end.
STOP_S = 10.0
# A place that waits for a budget, or for the ledger, looks again after so long.
LOOK_S = 1.0
# A process that waits for rows of others looks again after so long.
WATCH_S = 2.0
# Nothing is sent while the ledger cannot be written. After so long the job stops.
LEDGER_PATIENCE_S = 60.0
# The percentiles of own runs are read again after so many.
_PERCENTILES_EVERY = 100


class RunningRows:
    """The rows of one start of a job, as this process runs them.

    * `brakes`: why it stops.
    * `begun`: the claims of the runs that were left to the provider.
    * `unsaved`: the ends that the ledger could not take.
    * `_report`: gets an item for each row that has ended.
    * `_left`: how many rows are left.
    * `_active`: the rows under way, by run.
    * `_held`: rows that were `unavailable`: they have failed if another row succeeds.
    * `_percentiles`: by price group, what own runs have cost. `_ended` counts the rows since they were
      read.
    * `_changed`: set when a row has ended: a budget may have room.
    * `_watch`: held by the place that looks for rows of other processes. The others wait for it.
    * `_is_over`: whether no row is left to wait for.
    * `_wishes`: how often a person has asked to stop.
    """

    def __init__(
        self,
        runs: Runs,
        ledger: "Ledger",
        work: Work,
        records: Records,
        report: "Callable[[RowFinishedItem], Awaitable[None]]",
    ) -> None:
        """Run nothing yet."""
        self.brakes = Brakes()
        self.begun: list[Claim] = []
        self.unsaved = Unsaved(ledger)
        self._runs = runs
        self._ledger = ledger
        self._work = work
        self._job_id = work.job_id
        self._runnable = work.runnable
        self._records = records
        self._report = report
        self._left = work.left
        self._active: dict[str, Claim] = {}
        self._held: list[tuple[Claim, RunEnd]] = []
        self._percentiles: dict[str, int] = {}
        self._ended = 0
        self._changed = asyncio.Event()
        self._stopped = asyncio.Event()
        self._watch = asyncio.Lock()
        self._is_over = False
        self._wishes = 0

    async def run(self) -> None:
        """Run rows until none is left, or the job is stopped. Each row has a state in the ledger then."""
        await self._read_percentiles()
        guard = asyncio.create_task(self._end_after_stop())
        try:
            async with asyncio.TaskGroup() as places:
                for _ in range(self._work.at_once):
                    places.create_task(self._place())
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
        finally:
            guard.cancel()
            await asyncio.gather(guard, return_exceptions=True)
        await self._settle_held()

    def stop(self) -> bool:
        """Stop the job. The first call sends nothing new; the second one also asks the provider to stop."""
        self._wishes += 1
        self.brakes.stop("stopped")
        self.brakes.is_cancelling = self._wishes > 1
        self._stopped.set()
        self._changed.set()
        if self.brakes.is_cancelling:
            self._end_active()
        return True

    async def _end_after_stop(self) -> None:
        await self._stopped.wait()
        await asyncio.sleep(STOP_S)
        self.brakes.is_leaving = not self.brakes.is_cancelling
        while True:
            self._end_active()
            # A row that was claimed just now is not active yet.
            await asyncio.sleep(LOOK_S)

    def _end_active(self) -> None:
        for run_id in list(self._active):
            self._runs.cancel(run_id)

    async def _place(self) -> None:
        while claim := await self._claim():
            self._active[claim.run_id] = claim
            self._records.expect(claim)
            try:
                await self._row(claim)
            finally:
                del self._active[claim.run_id]
                self._changed.set()

    async def _claim(self) -> Claim | None:
        """Return the next row; None if the job stops, or no row is left, also not in another process."""
        if claim := await self._patiently(self._next_row):
            return claim
        async with self._watch:
            while not self._is_over:
                if not await self._patiently(self._others):
                    self._is_over = True
                elif claim := await self._patiently(self._next_row):
                    return claim
                else:
                    await self._pause(WATCH_S)
        return None

    async def _others(self) -> int:
        """Take rows of dead processes over. Return how many rows are worth waiting for."""
        return await committed(self._ledger.take_over_rows(self._job_id))

    async def _patiently(self, step: Callable[[], Awaitable[T]]) -> T | None:
        """Do a step when budget and ledger allow it; None if the job stops."""
        clock = asyncio.get_running_loop().time
        began = clock()
        while self.brakes.reason is None:
            self._changed.clear()
            try:
                await self.save_again()
                return await step()
            except OverBudgetError as error:
                if not error.is_waiting_useful:
                    self.brakes.stop("budget", used_up_words(error.budget_id))
            except LedgerError as problem:
                self._lose_patience(problem, clock() - began)
            await self._pause(LOOK_S)
        return None

    def _lose_patience(self, problem: LedgerError, seconds: float) -> None:
        if seconds > LEDGER_PATIENCE_S:
            self.unsaved.problem = str(problem)
            self.brakes.stop("failed")

    async def _pause(self, seconds: float) -> None:
        """Wait for the end of a row, or of the job, but not longer than so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    async def _next_row(self) -> Claim | None:
        budgets = await self._day_budgets()
        claim = await committed(
            self._ledger.claim_row(self._job_id, self._percentiles, budgets)
        )
        # A stop came while it was claimed. A row that has begun may still be followed.
        if claim and self.brakes.reason and claim.state != "begun":
            await self._put_back(claim)
            return None
        return claim

    async def _day_budgets(self) -> Collection[str]:
        logs = self._runs.logs
        return await logs.spending.day_budgets() if logs else ()

    async def _row(self, claim: Claim) -> None:
        run = self._runnable.run(self._ledger, claim, self.brakes)
        log, envelope = await run
        await self._row_ended(claim, log, envelope)

    async def _row_ended(
        self, claim: Claim, log: RowLog, envelope: "EnvelopeDocument"
    ) -> None:
        await self._count()
        if envelope["status"] == "succeeded":
            await self._settle_held()
        end = log.end
        if end is None or isinstance(log.problem, FencedError):
            return  # another process has the row
        if log.problem is not None:
            self.unsaved.add(claim, end)
            await self._report_row(claim, end, end.state)
        elif log.state != "claimed":
            await self._close(claim, end, cast("State", log.state))
        elif envelope["status"] == "cancelled":
            await self._cancelled(claim, end)
        else:
            self._held.append((claim, end))

    async def _cancelled(self, claim: Claim, end: RunEnd) -> None:
        """End a row that another process has stopped: alone, or with its whole job."""
        job = None
        with suppress(LedgerError):  # then the row ends alone: it is not paid again
            job = await committed(self._ledger.find_job(self._job_id))
        if job and job.cancel_requested:
            self.brakes.stop("stopped")
            await self._plan_again(claim, end)
        else:
            await self._fail(claim, end)

    async def _settle_held(self) -> None:
        """End the rows that were `unavailable`: they have failed, unless the job has stopped."""
        held, self._held = self._held, []
        for claim, end in held:
            if self.brakes.reason:
                await self._plan_again(claim, end)
            else:
                await self._fail(claim, end)

    async def _plan_again(self, claim: Claim, end: RunEnd) -> None:
        state = await self._put_back(claim)
        if state == "begun":
            self.begun.append(claim)
        await self._report_row(claim, end, state)

    async def _put_back(self, claim: Claim) -> State:
        # If the ledger cannot take it, the next start finds the row without a living owner.
        with suppress(LedgerError, FencedError):
            return await committed(self._ledger.put_back(claim))
        return "planned"

    async def _fail(self, claim: Claim, end: RunEnd) -> None:
        end = replace(end, state="failed")
        try:
            state = await committed(self._ledger.end_run(claim, end))
        except FencedError:
            return  # another process has the row
        except LedgerError:
            self.unsaved.add(claim, end)
            await self._report_row(claim, end, end.state)
        else:
            await self._close(claim, end, state)

    async def save_again(self) -> None:
        """Give the ledger the ends that it could not take before. Raises `LedgerError` if it still cannot."""
        async for claim, end, state in self.unsaved.retry():
            await self._write(claim, end, state)

    async def _close(self, claim: Claim, end: RunEnd, state: State) -> None:
        """Write and report a row whose state the ledger has."""
        await self._write(claim, end, state)
        if state == "begun":
            self.begun.append(claim)
        await self._report_row(claim, end, state)

    async def _write(self, claim: Claim, end: RunEnd, state: State) -> None:
        if state not in ENDED:
            return
        outcome = Outcome(
            line=claim.number,
            state=state,
            error=end.error_code,
            cost=end.cost,
            run_id=claim.run_id,
            output=end.envelope["output"] if end.envelope else None,
        )
        with suppress(LedgerError):  # its record is written at the end
            await self._records.row_ended(claim, outcome)
        if self._records.problem is not None:
            self.brakes.stop("failed")

    async def _report_row(self, claim: Claim, end: RunEnd, state: State) -> None:
        self._left -= state in ENDED
        item: RowFinishedItem = {
            "type": "row.finished",
            "line": claim.number,
            "key": claim.key if self._work.has_keys else "",
            "run_id": claim.run_id,
            "state": state,
            "error": end.error_code,
            "cost": usd_or_none(end.cost),
            "left": self._left,
        }
        await self._report(item)

    async def _count(self) -> None:
        self._ended += 1
        if self._ended % _PERCENTILES_EVERY == 0:
            await self._read_percentiles()

    async def _read_percentiles(self) -> None:
        named = self._runnable.named
        for group in self._work.groups:
            found = self._ledger.percentile(named.connector, named.action, group)
            with suppress(LedgerError):
                if (nano := await committed(found)) is not None:
                    self._percentiles[group] = nano
