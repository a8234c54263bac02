"""The money of one host: its budgets, and the prices that its runs reserve."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from perplexity_connector.host.ledger.writing.waiting import committed
from perplexity_connector.host.spending.budget import Budget, too_small
from perplexity_connector.host.spending.prices import (
    Costs,
    CostsInLedger,
    CostsInMemory,
    Kind,
    open_group,
    reserve_of,
)

if TYPE_CHECKING:
    from perplexity_connector.contract import CostEstimate
    from perplexity_connector.host.ledger.ledger import Ledger


class Spending:
    """The budgets of one host.

    * `budget`: counts in memory, for this host alone; None without one.
    * `_daily_cap`: the cap of each UTC day, which the ledger counts for all hosts; None without one.
    * `_ledger`: None without one.
    * `_is_sandbox`: whether the runs are of a sandbox: neither a day nor a percentile counts them.
    * `_day`: the day whose cap the ledger has.
    * `_costs`: the costs of own runs.
    """

    def __init__(
        self,
        *,
        cap: int | None,
        daily_cap: int | None,
        ledger: "Ledger | None",
        is_sandbox: bool,
    ) -> None:
        """Take the caps in billionths of USD; None is without one."""
        self.budget = None if cap is None else Budget(cap)
        self._daily_cap = None if is_sandbox or ledger is None else daily_cap
        self._ledger = ledger
        self._is_sandbox = is_sandbox
        self._day = ""
        self._costs: Costs = CostsInLedger(ledger) if ledger else CostsInMemory()

    @property
    def has_budget(self) -> bool:
        """Whether a budget counts for a run outside a job."""
        return self.budget is not None or self._daily_cap is not None

    def open(self) -> None:
        """Belong to the event loop that runs next."""
        if self.budget is not None:
            self.budget.open()

    async def price(self, kind: Kind, estimate: "CostEstimate") -> int:
        """Return how much a run reserves."""
        if estimate.basis == "list_price":
            return reserve_of(estimate, None)
        return reserve_of(estimate, await self._costs.percentile(kind))

    async def day_budgets(self, price: int = 0) -> tuple[str, ...]:
        """Return the ids of the ledger's budgets that count for every run, with their caps set.

        Raises `ConnectorError` (`quota_exhausted`) for a price above a whole cap, and `LedgerError`.
        """
        if self._ledger is None or self._daily_cap is None:
            return ()
        if price > self._daily_cap:
            raise too_small(self._daily_cap, price)
        day = f"day:{datetime.now(UTC).date()}"
        if day != self._day:
            future = self._ledger.set_cap(day, self._daily_cap)
            await committed(future)
            self._day = day
        return (day,)

    def learn(self, kind: Kind, estimate: "CostEstimate", cost: int) -> None:
        """Learn the cost of an open-ended run. One with a listed price says nothing about the others."""
        if not self._is_sandbox and open_group(estimate) is not None:
            self._costs.add(kind, cost)
