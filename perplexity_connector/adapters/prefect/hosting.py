"""The host of one flow run: its connections are saved blocks, and it writes into the ledger."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.logging import get_run_logger

from perplexity_connector.adapters.prefect.store import BlockStore
from perplexity_connector.host import Ledger, SyncHost


@contextmanager
def opened_host() -> Iterator[tuple[SyncHost, Ledger]]:
    """Open a host until the block ends. It runs on a thread of its own.

    Prefect stops a flow run by an exception in the main thread, which then only waits. In an event
    loop, that exception could end any task of a run, and be lost there.
    """
    ledger = Ledger()
    try:
        with SyncHost(store=BlockStore(), ledger=ledger) as host:
            yield host, ledger
    finally:
        for problem in ledger.close():
            get_run_logger().warning("%s", problem)
