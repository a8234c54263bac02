"""How an event loop waits for the ledger."""

import asyncio
import threading
from concurrent.futures import Future
from typing import Any

import pytest

from perplexity_connector.host.ledger.entries import LedgerError
from perplexity_connector.host.ledger.writing.waiting import committed, one_wake_up


def _in_thread(work: Any) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_a_loop_wakes_up_once_for_all_that_was_committed_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Results and errors arrive at those that wait for them."""
    futures = [Future[int]() for _ in range(3)]
    wake_ups: list[object] = []

    def resolve() -> None:
        with one_wake_up():
            futures[0].set_result(5)
            futures[1].set_result(6)
            futures[2].set_exception(LedgerError("It is full."))

    async def main() -> list[object]:
        loop = asyncio.get_running_loop()
        waits = [asyncio.create_task(committed(future)) for future in futures]
        await asyncio.sleep(0)
        wake = loop.call_soon_threadsafe

        def counted(*args: Any, **options: Any) -> Any:
            wake_ups.append(args)
            return wake(*args, **options)

        monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
        _in_thread(resolve)
        return list(await asyncio.gather(*waits, return_exceptions=True))

    *results, error = asyncio.run(main())
    assert results == [5, 6]
    assert isinstance(error, LedgerError)
    assert len(wake_ups) == 1


def test_a_result_that_is_there_is_not_waited_for() -> None:
    """And one that arrives alone wakes the loop by itself."""
    there, later = Future[int](), Future[int]()
    there.set_result(1)

    async def main() -> tuple[int, int]:
        wait = asyncio.create_task(committed(later))
        await asyncio.sleep(0)
        _in_thread(lambda: later.set_result(2))
        return await committed(there), await wait

    assert asyncio.run(main()) == (1, 2)


def test_a_caller_that_leaves_ends_its_wait_and_not_the_step() -> None:
    """The step resolves as if nothing had happened, also when its loop has ended."""
    early, late = Future[int](), Future[int]()

    async def main() -> None:
        waits = [asyncio.create_task(committed(future)) for future in (early, late)]
        await asyncio.sleep(0)
        for wait in waits:
            wait.cancel()
        await asyncio.wait(waits)
        assert all(wait.cancelled() for wait in waits)
        early.set_result(1)
        await asyncio.sleep(0)

    asyncio.run(main())
    late.set_result(2)
    assert (early.result(), late.result()) == (1, 2)
