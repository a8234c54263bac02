"""The log of a run that a budget in memory holds back."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from perplexity_connector.contract import JsonObject
from perplexity_connector.host.runs.logs.run_log import RunLog
from perplexity_connector.host.spending.budget import Budget, Reservation
from perplexity_connector.host.spending.money import cost_of

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument
    from perplexity_connector.host.limits.patience import Patience


class BudgetLog(RunLog):
    """Reserves the price of a run, around another log.

    * `_budget`: the budget.
    * `_price`: returns how much to reserve.
    * `_learn`: gets the cost of a run that was sent.
    * `_inner`: the other log, which is called after the reservation.
    * `_held`: its reservation.
    * `_attempt`: the last attempt for which enough is reserved; 0 before.
    * `_is_in_doubt`: whether a request may have cost money.
    * `_gate`: held while one request of the run reserves; the others wait for it.
    """

    def __init__(
        self,
        budget: Budget,
        price: Callable[[], Awaitable[int]],
        learn: Callable[[int], None],
        inner: RunLog,
    ) -> None:
        """Reserve nothing yet."""
        self._budget = budget
        self._price = price
        self._learn = learn
        self._inner = inner
        self._held = Reservation()
        self._attempt = 0
        self._is_in_doubt = False
        self._gate = asyncio.Lock()

    async def begin(self, patience: "Patience") -> None:
        """Begin the inner log."""
        await self._inner.begin(patience)

    async def reserve(self, attempt: int, patience: "Patience") -> None:
        """Reserve the price, for the first time or after an attempt in doubt."""
        async with self._gate:
            if self._attempt == attempt:
                return
            if self._is_in_doubt or not self._held.amount:
                with patience.waiting():
                    await self._budget.reserve(self._held, await self._price())
                self._is_in_doubt = False
            await self._inner.reserve(attempt, patience)
            self._attempt = attempt

    async def fence(self) -> None:
        """Note that from now on the reservation may be spent."""
        await self._inner.fence()
        self._is_in_doubt = True

    def back(self) -> None:
        """Note that the reservation is not spent."""
        self._is_in_doubt = False
        self._inner.back()

    async def checkpoint(self, state: JsonObject) -> bool:
        """Write the checkpoint into the inner log."""
        return await self._inner.checkpoint(state)

    async def may_stop(self) -> bool:
        """Return the inner log's answer."""
        return await self._inner.may_stop()

    async def ended(self, envelope: "EnvelopeDocument") -> None:
        """Replace the reservation by the cost; keep it if the cost is in doubt."""
        cost, _ = cost_of(envelope["usage"])
        if not self._is_in_doubt:
            self._budget.settle(self._held, 0)
        elif cost is None:
            self._budget.keep(self._held)
        else:
            self._budget.settle(self._held, cost)
            self._learn(cost)
        await self._inner.ended(envelope)
