from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.host.ledger.books import Books
from tests.host.ledger.schedules import PRICE, Plan, Schedule, check

MOVES = st.tuples(st.integers(0, 3), st.integers(0, 9))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw a schedule: half of them with repeats, and a cap below the need of nine in ten."""
    count = draw(st.integers(2, 5))
    share = draw(st.integers(1, 10))
    job_cap = None if share == 10 else count * PRICE * share // 10
    day_cap = draw(st.sampled_from((None, count * PRICE)))
    return Plan(
        idempotent=draw(st.booleans()),
        repeats=draw(st.booleans()),
        count=count,
        caps=(job_cap, day_cap),
        moves=tuple(draw(st.lists(MOVES, min_size=10, max_size=40))),
    )


@settings(
    max_examples=1000,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(plan=plans())
def test_a_thousand_random_schedules_keep_every_promise(
    books: Books, plan: Plan
) -> None:
    schedule = Schedule(books, plan)
    schedule.run()
    check(schedule)
