import asyncio
from concurrent.futures import Future
from typing import Any

from perplexity_connector.contract import CostEstimate
from perplexity_connector.host.ledger.entries import LedgerError
from perplexity_connector.host.spending.prices import (
    UNKNOWN_PRICE,
    CostsInLedger,
    CostsInMemory,
    Kind,
    open_group,
    reserve_of,
)
from perplexity_connector.host.spending.spending import Spending

KIND = Kind(connector="toy", action="greet", group="cool")


def percentile(costs: CostsInMemory | CostsInLedger, kind: Kind = KIND) -> int | None:
    """What the costs say about a kind of runs."""
    return asyncio.run(costs.percentile(kind))


def test_fifty_own_runs_say_what_the_next_one_may_cost() -> None:
    """99 of 100 did not cost more; other kinds of runs say nothing about it."""
    costs = CostsInMemory()
    for cost in range(49):
        costs.add(KIND, cost)
    assert percentile(costs) is None
    costs.add(KIND, 49)
    assert percentile(costs) == 49
    assert (
        percentile(costs, Kind(connector="toy", action="greet", group="warm")) is None
    )


def test_it_is_counted_again_after_a_hundred_runs() -> None:
    """Not after each: that would sort a thousand numbers each time."""
    costs = CostsInMemory()
    for _ in range(50):
        costs.add(KIND, 1)
    for _ in range(99):
        costs.add(KIND, 2)
    assert percentile(costs) == 1
    costs.add(KIND, 900)
    assert percentile(costs) == 2
    for _ in range(100):
        costs.add(KIND, 900)
    assert percentile(costs) == 900


def test_own_runs_count_for_open_ended_ones_and_only_upwards() -> None:
    """A listed price is a bound. A figure that was shipped is not undercut by a few cheap runs."""
    listed = CostEstimate(likely=0.1, worst=0.25, basis="list_price")
    open_ended = CostEstimate(likely=0.1, worst=0.25)
    quarter = 250_000_000
    assert reserve_of(listed, 9 * quarter) == quarter
    assert reserve_of(open_ended, 9 * quarter) == 9 * quarter
    assert reserve_of(open_ended, 1) == reserve_of(open_ended, None) == quarter
    assert reserve_of(UNKNOWN_PRICE, None) == 4 * quarter


class Ledger:
    """A ledger that knows one percentile, or none, and counts how often it is asked."""

    def __init__(self, answer: int | LedgerError) -> None:
        """Give this answer."""
        self.answer = answer
        self.asked: list[tuple[str, str, str]] = []

    def percentile(self, *kind: str) -> Future[int]:
        """The answer, at once."""
        self.asked.append(kind)  # type: ignore[arg-type]
        future: Future[int] = Future()
        if isinstance(self.answer, LedgerError):
            future.set_exception(self.answer)
        else:
            future.set_result(self.answer)
        return future


def test_a_ledger_is_asked_once_for_a_hundred_runs() -> None:
    """Its answer counts that long; what it learns, it learns from the end of each run."""
    ledger: Any = Ledger(7)
    costs = CostsInLedger(ledger)
    costs.add(KIND, 900)
    assert {percentile(costs) for _ in range(100)} == {7}
    assert ledger.asked == [("toy", "greet", "cool")]
    percentile(costs)
    assert len(ledger.asked) == 2


def test_a_ledger_that_cannot_be_read_leaves_the_shipped_figure() -> None:
    """The reservation itself will fail, and say why."""
    ledger: Any = Ledger(LedgerError("broken"))
    assert percentile(CostsInLedger(ledger)) is None


def test_runs_that_begin_together_share_one_question() -> None:
    """The first hundred would ask a hundred times, before the first answer."""
    future: Future[int] = Future()

    class Slow(Ledger):
        def percentile(self, *kind: str) -> Future[int]:
            super().percentile(*kind)
            return future

    ledger: Any = Slow(0)
    costs = CostsInLedger(ledger)

    async def main() -> list[int | None]:
        asyncio.get_running_loop().call_later(0.01, future.set_result, 7)
        return await asyncio.gather(*[costs.percentile(KIND) for _ in range(5)])

    assert asyncio.run(main()) == [7] * 5
    assert len(ledger.asked) == 1


def test_a_run_with_a_listed_price_says_nothing_about_open_ended_ones() -> None:
    """Although the model, and so the group, is the same."""
    spending = Spending(cap=1, daily_cap=None, ledger=None, is_sandbox=False)
    listed = CostEstimate(likely=1, worst=1, basis="list_price", group="cool")
    open_ended = CostEstimate(likely=1, worst=1, group="cool")
    for _ in range(50):
        spending.learn(KIND, listed, 9_000_000_000)
    assert asyncio.run(spending.price(KIND, open_ended)) == 1_000_000_000
    for _ in range(50):
        spending.learn(KIND, open_ended, 9_000_000_000)
    assert asyncio.run(spending.price(KIND, open_ended)) == 9_000_000_000
    assert (open_group(listed), open_group(open_ended)) == (None, "cool")
