"""Ledgers and runs for the tests of the ledger."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perplexity_connector.contract.json import new_run_id
from perplexity_connector.host import Ledger
from perplexity_connector.host.ledger.entries import NewRun, RunEnd

if TYPE_CHECKING:
    from concurrent.futures import Future

WAIT_S = 60


def environ_of(folder: Path, **more: str) -> Mapping[str, str]:
    """Return the variables of a user whose ledger is in this folder."""
    return {"AUTOMATION_HOST_HOME": str(folder), **more}


def a_run(run_id: str | None = None, text: str = "a question") -> NewRun:
    """Return a run to record."""
    return NewRun(
        run_id=run_id or new_run_id(),
        connector="toy",
        action="greet",
        version=1,
        input={"text": text},
    )


def an_end() -> RunEnd:
    """Return the end of a run that succeeded."""
    now = time.time_ns() // 1_000_000
    return RunEnd(state="done", status="succeeded", cost=5, ended_at=now)


@contextmanager
def busy(ledger: Ledger) -> Iterator[Callable[[], None]]:
    """Keep the writing thread in a unit that reads, so that those of the block become one group.

    Yields a function that ends this earlier.
    """
    begun, end = threading.Event(), threading.Event()

    def work(_: object) -> None:
        begun.set()
        end.wait(WAIT_S)

    future = ledger._read(work)
    assert begun.wait(WAIT_S)
    try:
        yield end.set
    finally:
        end.set()
        future.result(WAIT_S)


def outcome(future: "Future[Any]") -> object:
    """Return a future's error, else its result."""
    return future.exception(WAIT_S) or future.result()
