"""The limits that processes share: which moments the ledger gives."""

from collections.abc import Iterator
from itertools import count, pairwise
from math import inf
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplexity_connector.host import Ledger
from perplexity_connector.host.ledger.entries import LimitKey, TurnTimes
from perplexity_connector.host.ledger.transactions import turns
from tests.host.ledger.books import Books
from tests.host.ledger.entering import WAIT_S

KEY = LimitKey(connector="toy", action="ask", fingerprint="f")
OTHER = LimitKey(connector="toy", action="ask", fingerprint="g")


class Clock:
    """Seconds since the start of this process, and milliseconds of the shared clock."""

    def __init__(self) -> None:
        """Begin at different numbers."""
        self.seconds, self.milliseconds = 100, 1_790_000_000_000

    def later(self, seconds: int, *, wall: int | None = None) -> None:
        """Let time pass; `wall`: seconds of the shared clock, which someone may set."""
        self.seconds += seconds
        self.milliseconds += 1000 * (seconds if wall is None else wall)


@pytest.fixture(autouse=True)
def clock() -> Iterator[Clock]:
    """Give the ledger a clock of the test, on a server too."""
    made = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(turns, "clock", lambda _: made.milliseconds)
        patch.setattr(turns, "time", SimpleNamespace(monotonic=lambda: made.seconds))
        yield made


def take(books: Books, *deadlines: float, key: LimitKey = KEY) -> TurnTimes:
    """Take turns."""
    return books.do(turns.take_turns, key, deadlines)


def rate(books: Books, rate: float | None) -> None:
    """Set the rate."""
    books.do(turns.set_rate, KEY, rate)


def test_without_a_known_limit_every_request_starts_at_once(books: Books) -> None:
    """Nothing is written down then."""
    for _ in range(2):
        assert take(books, inf, 0.0) == TurnTimes(
            starts=(100, 100), free_at=100, rate=None
        )


def test_each_turn_moves_the_next_free_moment(books: Books, clock: Clock) -> None:
    """By one over the rate, from the present moment or the last turn."""
    rate(books, 4)
    assert take(books, inf, inf).starts == (100, 100.25)
    assert take(books, inf).starts == (100.5,)
    clock.later(5)
    assert take(books, inf) == TurnTimes(starts=(105,), free_at=105.25, rate=4)


def test_requests_before_the_limit_was_known_count_too(books: Books) -> None:
    """The provider has counted them."""
    books.do(turns.set_rate, KEY, 4, used=3)
    assert take(books, inf).starts == (100.75,)
    books.do(turns.set_rate, KEY, 2, used=3)
    assert take(books, inf).starts == (101,)


def test_a_limit_of_many_requests_makes_up_for_a_quarter_of_a_second(
    books: Books, clock: Clock
) -> None:
    """So that a process which was ready a little late does not lose its turns. More is lost."""
    rate(books, 20)
    take(books, inf)
    clock.later(60)
    assert take(books, *[inf] * 6).starts == pytest.approx(
        [159.75, 159.8, 159.85, 159.9, 159.95, 160]
    )


def test_keys_have_limits_of_their_own(books: Books) -> None:
    """As the provider counts them."""
    rate(books, 1)
    take(books, inf)
    assert take(books, inf, key=OTHER).starts == (100,)


def test_the_rate_may_rise_and_fall_and_be_forgotten(books: Books) -> None:
    """It counts for the next turn."""
    found = []
    for each in (2, 10, 1, None):
        rate(books, each)
        found.append(take(books, inf).free_at)
    assert found == pytest.approx([100.5, 100.6, 101.6, 101.6])


def test_a_turn_after_the_deadline_is_not_taken(books: Books) -> None:
    """Those of the other requests are, and they move up."""
    rate(books, 1)
    take(books, inf)
    taken = take(books, inf, 101.5, 103)
    assert taken.starts == (101, None, 102)
    assert taken.free_at == 103


def test_a_refusal_moves_the_next_free_moment_and_none_back(books: Books) -> None:
    """Also before a limit is known: then all start when the stop ends."""
    books.do(turns.stop_turns, KEY, 30)
    books.do(turns.stop_turns, KEY, 10)
    assert take(books, inf, inf).starts == (130, 130)
    assert take(books, 129.9) == TurnTimes(starts=(None,), free_at=130, rate=None)


@pytest.mark.parametrize("stop", [False, True])
def test_a_clock_that_was_set_back_stops_nothing_for_long(
    books: Books, clock: Clock, *, stop: bool
) -> None:
    """A moment of the old clock does not count."""
    rate(books, 1)
    take(books, inf)
    clock.later(0, wall=-3600)
    if stop:
        books.do(turns.stop_turns, KEY, 10)
    assert take(books, inf).starts == (110 if stop else 100,)


@pytest.fixture(scope="module")
def limits() -> Iterator[tuple[Books, Iterator[LimitKey]]]:
    """Return a ledger for many limits, and their keys."""
    made = Books()
    yield (
        made,
        (
            LimitKey(connector="toy", action="ask", fingerprint=str(number))
            for number in count()
        ),
    )
    made.engine.dispose()


@settings(max_examples=40)
@given(
    st.floats(0.5, 9.4),
    st.lists(st.lists(st.floats(99, 110) | st.just(inf), min_size=1, max_size=4)),
)
def test_no_two_turns_are_nearer_than_the_rate_allows(
    limits: tuple[Books, Iterator[LimitKey]], each: float, asked: list[list[float]]
) -> None:
    """In any order of requests and deadlines; none starts after its deadline."""
    books, keys = limits
    key = next(keys)
    books.do(turns.set_rate, key, each)
    began: list[float] = []
    for deadlines in asked:
        starts = take(books, *deadlines, key=key).starts
        for start, deadline in zip(starts, deadlines, strict=True):
            if start is not None:
                assert start <= deadline + 1e-5
                began.append(start)
    gaps = [second - first for first, second in pairwise(began)]
    assert all(gap >= 1 / each - 1e-4 for gap in gaps)


def test_a_ledger_gives_turns_to_every_user(tmp_path: Path, clock: Clock) -> None:
    """It is open in a process after its first step, until it is closed."""
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.sqlite", environ={})
    other = Ledger(f"sqlite:///{tmp_path}/ledger.sqlite", environ={})
    found = [ledger.is_open]
    ledger.set_rate(KEY, 1).result(WAIT_S)
    ledger.stop_turns(KEY, 30).result(WAIT_S)
    assert other.take_turns(KEY, [inf]).result(WAIT_S).starts == (130,)
    clock.later(1)
    assert ledger.take_turns(KEY, [inf]).result(WAIT_S).starts == (131,)
    found += [ledger.is_open, other.is_open]
    assert (ledger.close(), other.close()) == ([], [])
    assert [*found, ledger.is_open] == [False, True, True, False]
