"""Make the logs of a host's runs. Only a host with a budget or a ledger needs this module."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from perplexity_connector.contract import JsonObject
from perplexity_connector.host.ledger.entries import LedgerError, NewRun
from perplexity_connector.host.plugins.loading import LoadedConnector
from perplexity_connector.host.runs.logs.budget_log import BudgetLog
from perplexity_connector.host.runs.logs.ledger_log import BudgetedRunLog
from perplexity_connector.host.runs.logs.queued_log import QueuedLog
from perplexity_connector.host.runs.logs.run_log import NO_LOG, RunLog
from perplexity_connector.host.runs.logs.step_log import LaterLog
from perplexity_connector.host.runs.params import RunRequest
from perplexity_connector.host.runs.record import RunRecord
from perplexity_connector.host.spending.prices import (
    UNKNOWN_PRICE,
    Kind,
    open_group,
)
from perplexity_connector.host.spending.spending import Spending

if TYPE_CHECKING:
    from perplexity_connector.host.ledger.ledger import Ledger


class Logs:
    """Makes the log of each run.

    * `ledger`: records the runs; None without one.
    * `spending`: the budgets and prices.
    * `keeps_content`: whether inputs and outputs are recorded, too.
    * `is_sandbox`: whether the runs are of a sandbox, which costs nothing.
    """

    def __init__(
        self,
        *,
        ledger: "Ledger | None",
        cap: int | None,
        daily_cap: int | None,
        keeps_content: bool,
        is_sandbox: bool,
    ) -> None:
        """Write nothing yet. The caps are in billionths of USD; None is without one."""
        self.ledger = ledger
        self.keeps_content = keeps_content
        self.is_sandbox = is_sandbox
        self.spending = Spending(
            cap=cap, daily_cap=daily_cap, ledger=ledger, is_sandbox=is_sandbox
        )

    def open(self, stack: AsyncExitStack, cancel: Callable[[str], object]) -> None:
        """Belong to the running event loop until `stack` is closed.

        `cancel` is called there with the id of a run that another process wants to stop.
        """
        self.spending.open()
        if self.ledger is None:
            return
        loop = asyncio.get_running_loop()

        def ask(run_id: str) -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(cancel, run_id)

        with suppress(LedgerError):
            stack.callback(self.ledger.on_cancel(ask))

    def log(  # noqa: PLR0913 - the parts of a run that can start
        self,
        request: RunRequest,
        record: RunRecord,
        loaded: LoadedConnector,
        input: JsonObject,
        given: RunLog,
        *,
        key_id: str,
    ) -> RunLog:
        """Return the log of a run; `given` is that of a row of a job, or of a step of one, if it is one."""
        is_row = given is not NO_LOG and not isinstance(given, LaterLog)
        if is_row and self.spending.budget is None:
            return given  # whose row was priced at the plan
        # The content of a row's steps is kept as long as its job.
        is_erased = given is NO_LOG and not self.keeps_content
        action = loaded.action(record.action, record.version)
        estimate = loaded.estimate(action, input) or UNKNOWN_PRICE
        new = NewRun(
            run_id=record.run_id,
            connector=record.connector,
            action=record.action,
            version=record.version,
            connection=name if isinstance(name := request.connection, str) else None,
            fingerprint=key_id,
            idempotent=action.annotations.idempotent,
            is_sandbox=self.is_sandbox,
            started_at=_milliseconds(record.started_at),
            input=None if is_erased else input,
            price_group=open_group(estimate),
        )
        kind = Kind(connector=new.connector, action=new.action, group=estimate.group)
        price = partial(self.spending.price, kind, estimate)
        resumes = request.resume_from is not None
        log = given
        if isinstance(given, LaterLog):
            log = given.make(new, resumes)
        elif given is NO_LOG and self.ledger is not None:
            waits = request.durable or self.spending.has_budget
            make = self._waiting_log if waits else self._queued_log
            log = make(self.ledger, new, price, resumes=resumes)
        if self.spending.budget is None:
            return log
        learn = partial(self.spending.learn, kind, estimate)
        return BudgetLog(self.spending.budget, price, learn, log)

    def _queued_log(
        self,
        ledger: "Ledger",
        new: NewRun,
        price: Callable[[], Awaitable[int]],
        *,
        resumes: bool,
    ) -> RunLog:
        del price  # no budget needs it
        return QueuedLog(ledger, new, resumes=resumes, keeps_content=self.keeps_content)

    def _waiting_log(
        self,
        ledger: "Ledger",
        new: NewRun,
        price: Callable[[], Awaitable[int]],
        *,
        resumes: bool,
    ) -> RunLog:
        async def priced() -> NewRun:
            nano = await price()
            budgets = await self.spending.day_budgets(nano)
            return replace(new, price=nano if budgets else None, budgets=budgets)

        return BudgetedRunLog(
            ledger,
            priced,
            resumes=resumes,
            idempotent=new.idempotent,
            keeps_content=self.keeps_content,
        )


def _milliseconds(time: str) -> int:
    return round(datetime.fromisoformat(time).timestamp() * 1000)
