import asyncio
from collections.abc import Coroutine
from typing import Any, Literal, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplexity_connector.contract import ConnectorError, Effect
from perplexity_connector.host.spending.budget import Budget, Reservation

Outcome = Literal["billed", "free", "in doubt"]


class Planned(NamedTuple):
    """A run: its price, how many steps of the loop each attempt takes, how each attempt ends, and its cost."""

    price: int
    attempts: list[tuple[int, Outcome]]
    cost: int


@st.composite
def plans(draw: st.DrawFn) -> Planned:
    """A priced run: it never costs more than its price."""
    price = draw(st.integers(0, 12))
    outcomes: st.SearchStrategy[Outcome] = st.sampled_from(
        ["billed", "free", "in doubt"]
    )
    attempts = draw(
        st.lists(st.tuples(st.integers(0, 3), outcomes), min_size=1, max_size=3)
    )
    return Planned(price, attempts, draw(st.integers(0, price)))


class Till:
    """Runs the plans against a budget, and counts by itself what was spent, kept and reserved."""

    def __init__(self, cap: int) -> None:
        """Begin with nothing spent."""
        self.budget = Budget(cap)
        self.spent = 0
        self.held: list[Reservation] = []
        self.refused: list[tuple[str | None, Effect]] = []

    async def run(self, plan: Planned) -> None:
        """One run of several attempts; one that is refused sends nothing more."""
        held = Reservation()
        self.held.append(held)
        is_reserved = False
        for steps, outcome in plan.attempts:
            try:
                if not is_reserved:
                    await self.budget.reserve(held, plan.price)
            except ConnectorError as error:
                self.refused.append((error.cause, error.effect))
                break
            self.check()
            for _ in range(steps):
                await asyncio.sleep(0)
            is_reserved = outcome == "free"
            if outcome == "billed":
                self.spent += plan.cost
                self.budget.settle(held, plan.cost)
                break
        else:
            if is_reserved:
                self.budget.settle(held, 0)
            else:
                self.budget.keep(held)
        self.check()

    def check(self) -> None:
        """The counter is the sum of its parts, and never above the cap."""
        parts = sum(held.amount + held.kept for held in self.held)
        assert self.budget.committed == self.spent + parts
        assert self.budget.committed <= self.budget.cap


def together(*work: Coroutine[Any, Any, Any]) -> None:
    """Run them at once; one that waits for ever fails the test."""

    async def main() -> None:
        async with asyncio.timeout(20):
            await asyncio.gather(*work)

    asyncio.run(main())


@settings(max_examples=50)
@given(st.integers(0, 30), st.lists(plans(), min_size=1, max_size=12))
def test_priced_runs_never_exceed_the_cap_and_none_waits_for_ever(
    cap: int, runs: list[Planned]
) -> None:
    """Whatever the order: what is committed is what was spent, is kept, or is reserved."""
    till = Till(cap)
    together(*[till.run(plan) for plan in runs])
    till.check()
    assert set(till.refused) <= {("budget", Effect.NONE)}
    assert not any(held.amount for held in till.held)


def test_a_run_waits_for_those_under_way_and_is_refused_only_after_them() -> None:
    """The first one turns out cheaper than its price: so the second fits, and the third does not."""
    till = Till(10)
    dear = Planned(10, [(3, "billed")], 4)
    together(
        till.run(dear),
        till.run(Planned(6, [(3, "billed")], 6)),
        till.run(Planned(1, [(0, "billed")], 1)),
    )
    assert (till.spent, len(till.refused)) == (10, 1)


def test_two_runs_that_both_wait_for_a_repeat_do_not_wait_for_each_other() -> None:
    """What each has reserved before is kept, so neither can free room for the other."""
    till = Till(10)
    in_doubt = Planned(5, [(1, "in doubt"), (1, "billed")], 5)
    together(till.run(in_doubt), till.run(in_doubt))
    assert (till.spent, len(till.refused), till.budget.committed) == (0, 2, 10)


def test_a_price_above_the_whole_budget_does_not_wait() -> None:
    """No end of another run could make room for it. The words name both amounts."""

    async def main() -> ConnectorError:
        budget = Budget(2_000_000_000)
        await budget.reserve(Reservation(), 1_500_000_000)
        with pytest.raises(ConnectorError) as caught:
            await budget.reserve(Reservation(), 2_500_000_000)
        return caught.value

    error = asyncio.run(main())
    assert (error.code, error.cause) == ("quota_exhausted", "budget")
    assert all(amount in str(error) for amount in ("2.50 USD", "2.00 USD"))


def test_a_run_that_stops_waiting_leaves_its_place() -> None:
    """The one behind it gets the room."""

    async def main() -> int:
        budget = Budget(10)
        first, last = Reservation(), Reservation()
        await budget.reserve(first, 8)
        left = asyncio.create_task(budget.reserve(Reservation(), 9))
        behind = asyncio.create_task(budget.reserve(last, 2))
        await asyncio.sleep(0)
        left.cancel()
        await behind
        return budget.committed

    assert asyncio.run(main()) == 10


def test_runs_of_a_loop_that_has_ended_are_not_under_way_any_more() -> None:
    """What they had reserved may be spent. A run on the next loop does not wait for them."""
    budget = Budget(10)
    asyncio.run(budget.reserve(Reservation(), 8))
    budget.open()
    with pytest.raises(ConnectorError, match=r"used up"):
        asyncio.run(budget.reserve(Reservation(), 3))
    asyncio.run(budget.reserve(Reservation(), 2))
    assert budget.committed == 10
