"""A budget in memory: it holds runs back before they cost too much."""

import asyncio
from dataclasses import dataclass

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host.environment import DAILY_BUDGET_VARIABLE
from perplexity_connector.host.spending.money import in_usd


@dataclass(slots=True, eq=False)
class Reservation:
    """The part of a budget that one run holds.

    * `amount`: reserved for its current requests.
    * `kept`: for earlier requests that may have been billed.
    """

    amount: int = 0
    kept: int = 0


class Budget:
    """A budget of one host, for all runs that it sends.

    * `cap`: the most that all runs may cost together.
    * `committed`: the costs of the ended runs, and all reservations.
    * `_under_way`: the reservations of runs that have not ended. Their costs may be lower.
    * `_turn`: held by the run that waits for room; the others wait behind it.
    * `_changed`: set when a reservation is replaced.
    """

    def __init__(self, cap: int) -> None:
        """Allow costs up to `cap`."""
        self.cap = cap
        self.committed = 0
        self._under_way: set[Reservation] = set()
        self.open()

    def open(self) -> None:
        """Belong to the event loop that runs next. The runs of an earlier one keep their reservations."""
        self._under_way.clear()
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()

    async def reserve(self, held: Reservation, amount: int) -> None:
        """Reserve an amount, and wait for it while other runs are under way.

        The reservation that `held` has is kept. Raises `ConnectorError` (`quota_exhausted`) if the
        amount does not fit.
        """
        self.keep(held)
        if amount > self.cap:
            raise too_small(self.cap, amount)
        async with self._turn:
            while self.committed + amount > self.cap:
                if not self._under_way:
                    raise _refusal(self._used_up(amount))
                self._changed.clear()
                await self._changed.wait()
            held.amount = amount
            self.committed += amount
            self._under_way.add(held)

    def keep(self, held: Reservation) -> None:
        """Keep the reservation of a run that may have been billed."""
        held.kept += held.amount
        held.amount = 0
        self._leave(held)

    def settle(self, held: Reservation, cost: int) -> None:
        """Replace the reservation of a run by its cost. The kept ones stay."""
        self.committed += cost - held.amount
        held.amount = 0
        self._leave(held)

    def _used_up(self, amount: int) -> str:
        spent, whole = in_usd(self.committed), in_usd(self.cap)
        return (
            f"The budget is used up. Of {whole}, {spent} are spent or reserved, and the run may cost "
            f"{in_usd(amount)}. Nothing was sent. Raise the budget."
        )

    def _leave(self, held: Reservation) -> None:
        self._under_way.discard(held)
        self._changed.set()


def too_small(cap: int, price: int) -> ConnectorError:
    """Return the error of a run that does not even fit into the whole budget."""
    return _refusal(
        f"The run may cost {in_usd(price)}, and the whole budget is {in_usd(cap)}. "
        "Nothing was sent. Raise the budget, or ask for less."
    )


def used_up(budget_id: str) -> ConnectorError:
    """Return the error of a run for which a budget of the ledger has no room left."""
    return _refusal(f"The request was not sent. {used_up_words(budget_id)}")


def used_up_words(budget_id: str) -> str:
    """Return which budget of the ledger is used up, and how to go on."""
    if budget_id.startswith("day:"):
        return (
            "The budget of this day (UTC), for all runs, is used up. To go on, raise "
            f"{DAILY_BUDGET_VARIABLE}, or wait for the next day."
        )
    return (
        "The budget of the job is used up. To go on, start it with a higher --budget."
    )


def _refusal(message: str) -> ConnectorError:
    return ConnectorError(ErrorCode.QUOTA_EXHAUSTED, message, cause="budget")
