"""A thousand random schedules: half of them with repeats, and a cap below the need of nine in ten."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.host.ledger.books import Books
from tests.host.ledger.schedules import PRICE, Plan, Schedule, check


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw a schedule. A byte is a move: it is cheap to draw, and there are many."""
    count = draw(st.integers(2, 4))
    share = draw(st.integers(1, 10))
    job_cap = None if share == 10 else count * PRICE * share // 10
    moves = draw(st.binary(min_size=8, max_size=22))
    return Plan(
        idempotent=draw(st.booleans()),
        repeats=False,
        count=count,
        caps=(job_cap, draw(st.sampled_from((None, count * PRICE)))),
        moves=tuple((byte // 10 % 4, byte % 10) for byte in moves),
    )


@pytest.mark.parametrize("repeats", [False, True])
@settings(
    max_examples=500,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(plan=plans())
def test_after_a_random_schedule_every_promise_holds(
    books: Books, repeats: bool, plan: Plan
) -> None:
    """Caps, states, doubts and sums, for one process after another that dies or stalls."""
    schedule = Schedule(books, replace(plan, repeats=repeats))
    schedule.run()
    check(schedule)
