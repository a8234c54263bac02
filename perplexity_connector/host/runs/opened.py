"""An open host: everything that belongs to the event loop on which it was opened."""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from perplexity_connector.contract import JsonObject, Limiter
from perplexity_connector.host.limits.given_limiter import GivenTurns, Turns
from perplexity_connector.host.limits.rate_limiter import RateLimiter, RateLimiters
from perplexity_connector.host.runs.observers import Observers
from perplexity_connector.host.runs.run import Run

if TYPE_CHECKING:
    from perplexity_connector.contract import RunObserver
    from perplexity_connector.host.ledger.ledger import Ledger
    from perplexity_connector.host.runs.logs.logs import Logs

# Longer than a run takes to stop; see `Run`.
_STOP_S = 15.0


class Opened:
    """One opening of a host. The next opening makes all of it again.

    * `times`: how many `async with` share it.
    * `observers`: the operator's; None without any.
    * `stack`: closes the open connectors, then the observers.
    * `_loop`: the event loop that it belongs to.
    * `_process`: the process that it belongs to; a forked child is another one.
    * `_limiter`: the operator's; None for the default ones, `_defaults`, one for each connector, action
      and key.
    * `_ledger`: shares the default limits with other processes; None without one.
    * `_runs`: the active runs.
    * `_stops`: work of several runs, such as a flow: its id, and the function that stops it.
    * `_idle`: set while there is not an active run.
    """

    def __init__(
        self,
        concurrency: int,
        limiter: Limiter | None,
        observers: "Sequence[RunObserver]",
        logs: "Logs | None" = None,
    ) -> None:
        """Belong to the running event loop; without a `limiter` allow `concurrency` requests each.

        `logs` is opened with it, if there is one. Raises `RuntimeError` if the `limiter` is of another loop.
        """
        if isinstance(limiter, RateLimiters):
            limiter.use_here()
        self.times = 0
        self.observers = Observers(observers) if observers else None
        self._limiter = limiter
        self._ledger: Ledger | None = None
        self._defaults: dict[tuple[str, str, str], Turns] = {}
        self._concurrency = concurrency
        self.stack = AsyncExitStack()
        if self.observers is not None:
            self.stack.push_async_callback(self.observers.close)
        self._loop = asyncio.get_running_loop()
        self._process = os.getpid()
        self._runs: set[Run] = set()
        self._stops: list[tuple[str, Callable[[], bool]]] = []
        self._idle = asyncio.Event()
        self._idle.set()
        if logs is not None:
            self._ledger = logs.ledger
            logs.open(self.stack, self.cancel)

    def is_lost(self) -> bool:
        """Return whether its loop was closed, or runs in another process: nothing can be closed."""
        return self._process != os.getpid() or self._loop.is_closed()

    def require_own_loop(self) -> None:
        """Raise `RuntimeError` on another event loop or thread than its own."""
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if self.is_lost() or running is not self._loop:
            message = (
                "this host is open on another event loop, and its connections work there only: "
                "open a host on each loop, or use `shared_host` or `SyncHost`"
            )
            raise RuntimeError(message)

    def turns(self, connector: str, action: str, key_id: str) -> Turns:
        """Return the limit of an action and a credential."""
        if self._limiter is None:
            return self._default(connector, action, key_id)
        if isinstance(self._limiter, RateLimiters):
            return self._limiter.of(key_id, action)
        return GivenTurns(self._limiter, key_id, action)

    async def carry_out(self, run: Run) -> JsonObject:
        """Carry a run out, and count it as active until it ends. Raises as the run does."""
        self._runs.add(run)
        self._idle.clear()
        try:
            return await run.carry_out(self.stack)
        finally:
            self._runs.remove(run)
            if not self._runs:
                self._idle.set()

    @contextmanager
    def stopping(self, work_id: str, stop: Callable[[], bool]) -> Iterator[None]:
        """Let `cancel` of that id call `stop`."""
        entry = work_id, stop
        self._stops.append(entry)
        try:
            yield
        finally:
            self._stops.remove(entry)

    def cancel(self, run_id: str) -> bool:
        """Stop the runs and the work of that id. Return whether there were any."""
        # Copies: another thread may ask, and is refused below.
        stops = [run.stop for run in list(self._runs) if run.record.run_id == run_id]
        stops += [stop for work_id, stop in list(self._stops) if work_id == run_id]
        if stops:
            self.require_own_loop()
        stopped = [stop() for stop in stops]
        return any(stopped)

    async def close(self) -> None:
        """Stop the active runs, wait for their end, and close every connector."""
        try:
            for run in self._runs:
                run.stop()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), _STOP_S)
        finally:
            await self.stack.aclose()

    def _default(self, connector: str, action: str, key_id: str) -> Turns:
        """Return the default limit of a connector, an action and a key."""
        names = (connector, action, key_id)
        if names not in self._defaults:
            self._defaults[names] = self._make_default(*names)
        return self._defaults[names]

    def _make_default(self, connector: str, action: str, key_id: str) -> Turns:
        if self._ledger is None:
            return RateLimiter(self._concurrency)
        from perplexity_connector.host.ledger.entries import LimitKey  # noqa: PLC0415 - only a host with a ledger needs it
        from perplexity_connector.host.limits.shared_limiter import SharedLimiter  # noqa: PLC0415 - likewise

        key = LimitKey(connector=connector, action=action, fingerprint=key_id)
        return SharedLimiter(self._ledger, key, self._concurrency)
