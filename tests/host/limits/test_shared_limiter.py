"""One limit for several processes: each is a limiter here, with one ledger. The clock is the tests' own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from typing import Any, TypeVar

import pytest

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host.ledger.entries import LedgerError, LimitKey, TurnTimes
from perplexity_connector.host.ledger.transactions import turns
from perplexity_connector.host.ledger.writing import owners
from perplexity_connector.host.limits import shared_limiter
from perplexity_connector.host.limits.shared_limiter import SharedLimiter
from perplexity_connector.sandbox.keys import Bucket
from tests.host.ledger.books import Books
from tests.host.limits.provider import Provider, now
from tests.own_clock import OwnClock

pytestmark = pytest.mark.usefixtures("real_waits")

T = TypeVar("T")
KEY = LimitKey(connector="toy", action="greet", fingerprint="f")


def run(main: Coroutine[object, object, T]) -> T:
    """Run a test on a clock of its own, which the ledger has too."""
    return OwnClock(shared_limiter, turns, owners).run(main)


@dataclass
class Desk:
    """A ledger that answers at once.

    * `books`: its database.
    * `is_open`: whether this process has it open.
    * `asked`: how many turns each statement was for.
    * `rates`: the rates that were written.
    * `answers`: makes the answer of the next statements; None for that of the database.
    """

    books: Books
    is_open: bool = True
    asked: list[int] = field(default_factory=list[int])
    rates: list[float | None] = field(default_factory=list["float | None"])
    answer: "Callable[[], Future[Any]] | None" = None

    def take_turns(self, key: LimitKey, deadlines: Sequence[float]) -> "Future[Any]":
        """Take turns."""
        self.asked.append(len(deadlines))
        if self.answer:
            return self.answer()
        return done(self.books.do(turns.take_turns, key, deadlines))

    def set_rate(
        self, key: LimitKey, rate: float | None, *, used: int
    ) -> "Future[None]":
        """Set the rate."""
        self.rates.append(rate)
        return done(self.books.do(turns.set_rate, key, rate, used=used))

    def stop_turns(self, key: LimitKey, seconds: float) -> "Future[None]":
        """Stop the turns."""
        return done(self.books.do(turns.stop_turns, key, seconds))


def done(value: T) -> "Future[T]":
    """Return a future with a result."""
    future: Future[T] = Future()
    future.set_result(value)
    return future


def failed() -> "Future[Any]":
    """Return the future of a ledger that cannot be written."""
    future: Future[Any] = Future()
    future.set_exception(LedgerError("away"))
    return future


@pytest.fixture
def desk() -> Iterator[Desk]:
    """Return an empty ledger."""
    books = Books()
    yield Desk(books)
    books.engine.dispose()


def process(desk: Any, concurrency: int = 64) -> SharedLimiter:
    """Return the limiter of another process."""
    return SharedLimiter(desk, KEY, concurrency)


@asynccontextmanager
async def known(desk: Desk, limit: int) -> AsyncIterator[Provider]:
    """Let a process that ends learn the limit of a provider."""
    provider = Provider(Bucket(limit=limit))
    await provider.request(process(desk))
    await asyncio.sleep(2)
    yield provider


@pytest.mark.parametrize(
    ("limit", "count", "at_once"), [(1, 20, 16), (3, 60, 16), (50, 500, 16)]
)
@pytest.mark.parametrize("processes", [1, 2, 4])
def test_no_request_is_refused_once_the_limit_is_known(
    desk: Desk, limit: int, count: int, at_once: int, processes: int
) -> None:
    """However many processes send at once; and they take little longer than they must."""

    async def work() -> tuple[int, float]:
        async with known(desk, limit) as provider:
            began = now()
            sent = [
                provider.requests(process(desk), count // processes, at_once)
                for _ in range(processes)
            ]
            await asyncio.gather(*sent)
            return provider.refused, now() - began

    refused, seconds = run(work())
    assert refused == 0
    assert seconds <= 1.1 * count / limit + 0.5


def test_requests_that_wait_at_once_are_one_statement(desk: Desk) -> None:
    """Each of them has a turn of its own."""

    async def work() -> list[float]:
        async with known(desk, 50) as provider:
            limiter = process(desk)
            await provider.request(limiter)
            await asyncio.sleep(2)
            desk.asked.clear()
            provider.times.clear()
            await asyncio.gather(*[provider.request(limiter) for _ in range(20)])
            return [later - first for first, later in pairwise(provider.times)]

    gaps = run(work())
    assert desk.asked == [20]
    assert sum(gaps) >= 6 / 50


def test_a_new_process_is_paced_from_its_first_request(desk: Desk) -> None:
    """The other one has learned the limit, and uses it."""

    async def work() -> list[float]:
        async with known(desk, 1) as provider:
            provider.times.clear()
            for _ in range(3):
                await provider.request(process(desk))
            return provider.times

    assert all(later - first >= 1 for first, later in pairwise(run(work())))


def test_a_limit_that_changes_is_followed_both_ways(desk: Desk) -> None:
    """It is written when it differs from the one that this process knew."""

    async def work() -> list[int]:
        found = []
        for limit in (50, 1, 3):
            async with known(desk, limit) as provider:
                began = now()
                other = provider.requests(process(desk), 100, 8)
                tasks = asyncio.create_task(other)
                await asyncio.sleep(10)
                tasks.cancel()
                await asyncio.wait([tasks])
                found.append(sum(began <= time < began + 5 for time in provider.times))
        return found

    assert run(work()) == [100, 5, 15]
    assert desk.rates == pytest.approx([50, 1 / 1.02, 3 / 1.02])


def test_a_long_window_has_no_rate(desk: Desk) -> None:
    """Its rest counts for all processes already, and an even pace would hold up a few requests.

    Until it has lasted, it may be the mistake of a clock.
    """

    async def work() -> float:
        limiter, began = process(desk), now()
        limiter.observe(60, 30, began + 2)
        for _ in range(4):
            limiter.observe(60, 30, now() + 40)
            await asyncio.sleep(10)
        began = now()
        for _ in range(20):
            async with limiter.permit():
                pass
        return now() - began

    assert run(work()) < 1
    assert desk.rates == [60, None]


def test_headers_that_say_half_write_nothing(desk: Desk) -> None:
    """Another process may know better by then."""

    async def work() -> None:
        process(desk).observe(50, None, now())
        process(desk).observe(None, None, None)

    run(work())
    assert desk.rates == []


def test_a_refusal_of_one_process_holds_the_others_back(desk: Desk) -> None:
    """Before and after their limit is known; those that wait already begin to wait again."""

    async def work() -> list[float]:
        began = now()
        process(desk).refuse(30)
        waited = []
        async with process(desk).permit():
            waited.append(now() - began)
        async with known(desk, 1) as provider:
            one, other = process(desk), process(desk)
            await provider.request(one)
            began = now()
            first = [asyncio.create_task(provider.request(one)) for _ in range(2)]
            await asyncio.sleep(0.5)
            one.refuse(30)
            async with other.permit():
                waited.append(now() - began)
            await asyncio.gather(*first)
            waited.append(now() - began)
        return waited

    assert all(30 <= waited <= 40 for waited in run(work()))


def test_a_request_whose_turn_is_too_late_takes_none(desk: Desk) -> None:
    """Its run ends at once as `rate_limited`, and says when to come again."""

    async def work() -> tuple[ConnectorError, float, float]:
        async with known(desk, 1) as provider:
            async with process(desk).permit():
                began = now()
            with pytest.raises(ConnectorError) as caught:
                await provider.request(process(desk), began + 0.9)
            failed_at = now() - began
            async with process(desk).permit():
                pass
            return caught.value, failed_at, now() - began

    error, failed_at, waited = run(work())
    assert error.code is ErrorCode.RATE_LIMITED
    assert 0.9 < float(error.retry_after or 0) < 1.1
    assert failed_at < 0.1
    assert 1 < waited < 1.1


def test_a_request_that_waits_for_a_later_question_ends_at_its_deadline(
    desk: Desk,
) -> None:
    """The ledger is asked for the next half second alone."""

    async def work() -> tuple[float, list[float]]:
        async with known(desk, 1) as provider:
            limiter = process(desk)
            await provider.request(limiter)
            provider.times.clear()
            began = now()
            rest = [asyncio.create_task(provider.request(limiter)) for _ in range(3)]
            await asyncio.sleep(0)
            with pytest.raises(ConnectorError) as caught:
                await provider.request(limiter, began + 2.5)
            assert caught.value.code is ErrorCode.RATE_LIMITED
            failed_at = now() - began
            await asyncio.gather(*rest)
            return failed_at, [time - began for time in provider.times]

    failed_at, times = run(work())
    assert failed_at == pytest.approx(2.45, abs=0.01)
    assert times == pytest.approx([1, 2, 3], abs=0.1)


def test_the_turn_of_a_request_that_has_left_is_that_of_the_next(desk: Desk) -> None:
    """A turn that no request takes is not made up for."""

    async def work() -> list[float]:
        async with known(desk, 1) as provider:
            limiter = process(desk)
            await provider.request(limiter)
            provider.times.clear()
            began = now()
            leaving = asyncio.create_task(provider.request(limiter))
            await asyncio.sleep(0.1)
            staying = asyncio.create_task(provider.request(limiter))
            await asyncio.sleep(0.1)
            leaving.cancel()
            await staying
            unused = asyncio.create_task(provider.request(limiter))
            await asyncio.sleep(0.1)
            unused.cancel()
            await asyncio.sleep(10)
            await asyncio.gather(*[provider.request(limiter) for _ in range(2)])
            return [time - began for time in provider.times]

    first, second, third = run(work())
    assert first == pytest.approx(1, abs=0.1)
    assert second == pytest.approx(11.1, abs=0.1)
    assert third - second >= 1


def test_while_turns_are_free_requests_do_not_wait_for_the_ledger(desk: Desk) -> None:
    """It counts them a moment later: a few at most. An answer counts for half a second."""

    async def work() -> list[int]:
        async with known(desk, 50) as provider:
            limiter, started = process(desk), list[int]()
            await provider.request(limiter)
            await asyncio.sleep(0.2)
            await provider.request(limiter)
            desk.asked.clear()
            slow = list[Future[Any]]()
            desk.answer = lambda: slow.append(Future()) or slow[-1]
            await asyncio.sleep(0.2)
            tasks = [asyncio.create_task(provider.request(limiter)) for _ in range(9)]
            await asyncio.sleep(0.2)
            started.append(sum(task.done() for task in tasks))
            desk.answer = None
            later = desk.take_turns(KEY, [inf] * 9).result()
            slow[0].set_result(later)
            await asyncio.gather(*tasks)
            return [*started, *desk.asked]

    assert run(work()) == [5, 9, 9]


def test_a_turn_passes_by_a_request_that_leaves_at_that_moment(desk: Desk) -> None:
    """Its task has not noticed yet. The same holds for a refusal."""
    clock = OwnClock(shared_limiter, turns, owners)

    async def work() -> int:
        async with known(desk, 1) as provider:
            limiter = process(desk)
            for step in (limiter._move, lambda: limiter.refuse(1)):
                await provider.request(limiter)
                leaving = asyncio.create_task(provider.request(limiter))
                await asyncio.sleep(0.1)
                clock.pass_seconds(2)
                asyncio.get_running_loop().call_soon(step)
                leaving.cancel()
                await asyncio.sleep(5)
            await provider.request(limiter)
            return len(provider.times)

    assert clock.run(work()) == 4


def test_an_answer_after_a_refusal_ends_nothing(desk: Desk) -> None:
    """The requests wait for the end of the stop already."""
    late: Future[Any] = Future()
    desk.answer = lambda: late

    async def work() -> float:
        limiter, began = process(desk), now()
        task = asyncio.create_task(Provider(Bucket(limit=1)).request(limiter))
        await asyncio.sleep(0.1)
        limiter.refuse(3)
        late.set_result(TurnTimes(starts=(None,), free_at=now(), rate=None))
        desk.answer = None
        await task
        return now() - began

    assert 3 <= run(work()) <= 4


def test_requests_that_leave_before_the_ledger_is_asked_ask_nothing(desk: Desk) -> None:
    """There is nothing to ask for."""

    async def work() -> None:
        task = asyncio.create_task(Provider(Bucket(limit=1)).request(process(desk)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(1)

    run(work())
    assert desk.asked == []


@pytest.mark.parametrize(
    "answer", [None, failed, Future], ids=["closed", "failing", "silent"]
)
def test_a_ledger_that_does_not_answer_costs_nothing(
    desk: Desk, answer: "Callable[[], Future[Any]] | None"
) -> None:
    """The process paces its requests alone then. A ledger that hangs holds up its first question only."""
    desk.is_open, desk.answer = answer is not None, answer

    async def work() -> tuple[int, float]:
        provider, began = Provider(Bucket(limit=50)), now()
        await provider.requests(process(desk), 1000, 16)
        return provider.refused, now() - began

    refused, seconds = run(work())
    assert refused == 0
    assert seconds <= 1.1 * 1000 / 50 + 2
    assert len(desk.asked) <= 6


def test_a_ledger_that_is_back_is_asked_again(desk: Desk) -> None:
    """After a while; a question that it answers late is forgotten."""

    async def work() -> int:
        late: Future[Any] = Future()
        limiter, desk.answer = process(desk), lambda: late
        async with limiter.permit():
            desk.answer = None
        await asyncio.sleep(10)
        async with limiter.permit():
            assert len(desk.asked) == 1
        late.set_result(None)
        async with limiter.permit():
            return len(desk.asked)

    assert run(work()) == 2


def test_a_ledger_that_refuses_to_write_a_limit_changes_nothing() -> None:
    """As in a forked child."""

    class Broken:
        is_open = True

        def refuse(self, *_: object, **__: object) -> None:
            raise LedgerError

        take_turns = set_rate = stop_turns = refuse

    async def work() -> float:
        limiter, began = process(Broken()), now()
        limiter.observe(50, 40, began + 1)
        limiter.refuse(3)
        async with limiter.permit():
            return now() - began

    assert 3 <= run(work()) <= 4


def test_a_host_says_how_long_requests_take_at_the_shared_limit(desk: Desk) -> None:
    """As soon as it has asked once, or knows a long window itself."""

    async def work() -> list[float | None]:
        limiter = process(desk)
        found = [limiter.seconds_for(100)]
        async with known(desk, 50), limiter.permit():
            found.append(limiter.seconds_for(100))
        other = process(desk)
        other.observe(100, 50, now() + 60)
        return [*found, other.seconds_for(100)]

    assert run(work()) == [None, pytest.approx(2), pytest.approx(60)]
