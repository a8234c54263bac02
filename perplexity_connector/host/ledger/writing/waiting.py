"""Wait for the ledger on an event loop, which wakes up once for all that was committed together."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")
# The future that waits on a loop, and the one that has a result.
_Ready: TypeAlias = "tuple[asyncio.Future[Any], Future[Any]]"


class _Batch(threading.local):
    """What a thread resolves together: by loop; None while it does not."""

    ready: dict[asyncio.AbstractEventLoop, list[_Ready]] | None = None


_batch = _Batch()


async def committed(future: "Future[T]") -> T:
    """Wait for a step of the ledger, and return its result. A cancellation ends the wait, not the step."""
    if future.done():
        return future.result()
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[T] = loop.create_future()
    future.add_done_callback(lambda done: _resolved(loop, (waiter, done)))
    return await waiter


@contextmanager
def one_wake_up() -> Iterator[None]:
    """Wake each event loop once for all futures that this block resolves: a wake-up is a system call."""
    _batch.ready = {}
    try:
        yield
    finally:
        batch, _batch.ready = _batch.ready, None
        for loop, ready in batch.items():
            _wake(loop, ready)


def _resolved(loop: asyncio.AbstractEventLoop, ready: _Ready) -> None:
    if _batch.ready is None:
        _wake(loop, [ready])
    else:
        _batch.ready.setdefault(loop, []).append(ready)


def _wake(loop: asyncio.AbstractEventLoop, ready: list[_Ready]) -> None:
    with suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(_deliver, ready)


def _deliver(ready: list[_Ready]) -> None:
    for waiter, done in ready:
        if waiter.done():
            continue  # the caller has left
        if error := done.exception():
            waiter.set_exception(error)
        else:
            waiter.set_result(done.result())
