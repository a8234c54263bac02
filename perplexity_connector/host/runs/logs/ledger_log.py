"""The log of a run whose steps each wait for their commit in the ledger: no row, no request."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from perplexity_connector.contract import ConnectorError, ErrorCode, JsonObject
from perplexity_connector.host.ledger.entries import (
    FencedError,
    LedgerError,
    OverBudgetError,
)
from perplexity_connector.host.ledger.writing.waiting import committed
from perplexity_connector.host.runs.logs.run_end import run_end, state_of
from perplexity_connector.host.runs.logs.run_log import RunLog
from perplexity_connector.host.spending.budget import used_up

if TYPE_CHECKING:
    from concurrent.futures import Future

    from perplexity_connector.contract import EnvelopeDocument
    from perplexity_connector.host.ledger.entries import Claim, NewRun, RunEnd, State
    from perplexity_connector.host.ledger.ledger import Ledger
    from perplexity_connector.host.limits.patience import Patience

T = TypeVar("T")

# A run waits so long for the commit of a checkpoint, and for the answer whether it may be stopped.
_LONGEST_S = 2.0
# The first and the longest pause between two looks whether a budget has room.
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 2.0


class LedgerLog(RunLog):
    """Writes a run whose claim this process holds.

    * `state`: the run's state after its end, as the ledger has it; None before, and if it could
      not be written.
    * `end`: its end; None before.
    * `problem`: why the ledger could not take it; None if it could.
    * `_claim`: set once the run has begun, as `_has_begun` says.
    * `_price`: how much an attempt after one in doubt reserves.
    * `_checkpoint`: the last one; empty without one. While there is one, no request is written as sent.
    * `_is_sent`: whether the ledger has the run as sent.
    * `_is_in_doubt`: whether a request may have had an effect.
    * `_attempt`: the last attempt for which enough is reserved.
    * `_gate`: held while one request of the run writes; the others wait for it.
    """

    _claim: "Claim"

    def __init__(
        self,
        ledger: "Ledger",
        claim: "Claim | None",
        *,
        idempotent: bool,
        keeps_content: bool = True,
    ) -> None:
        """Write nothing yet. `claim`: None if the run still has to begin."""
        self._ledger = ledger
        self._idempotent = idempotent
        self._price = 0
        self._keeps_content = keeps_content
        self.state: str | None = None
        self.end: RunEnd | None = None
        self.problem: LedgerError | FencedError | None = None
        self._has_begun = False
        self._checkpoint: JsonObject = {}
        self._is_sent = self._is_in_doubt = False
        self._attempt = 0
        self._gate = asyncio.Lock()
        if claim is not None:
            self._take(claim)

    def _take(self, claim: "Claim") -> None:
        self._claim = claim
        self._has_begun = True
        self._price = claim.reserved
        self._checkpoint = claim.checkpoint or {}
        self._is_sent = claim.state == "sent"
        # The reservation of a run that goes on may be spent.
        self._is_in_doubt = claim.state == "begun"
        self._attempt = 0 if self._is_in_doubt else 1

    async def reserve(self, attempt: int, patience: "Patience") -> None:
        """Reserve again after an attempt in doubt. The claim itself came with a reservation."""
        async with self._gate:
            if self._attempt == attempt:
                return
            if self._is_in_doubt:
                await _committed(lambda: self._ledger.keep_in_doubt(self._claim))
                await self._until_room(
                    lambda: self._ledger.reserve_again(self._claim, self._price),
                    patience,
                )
                self._is_in_doubt = False
            self._attempt = attempt

    async def fence(self) -> None:
        """Write that a request leaves now, unless the ledger has that already."""
        async with self._gate:
            if not self._is_sent and not self._checkpoint:
                await _committed(lambda: self._ledger.sent(self._claim))
                self._is_sent = True
            self._is_in_doubt = True

    def back(self) -> None:
        """Write that nothing was sent, without a wait."""
        self._is_in_doubt = False
        if self._is_sent and not self._checkpoint:
            self._is_sent = False
            # If this fails, so does the next step, which says so.
            with suppress(LedgerError):
                self._ledger.back(self._claim).add_done_callback(_read)

    async def checkpoint(self, state: JsonObject) -> bool:
        """Write a checkpoint, and wait for it for two seconds."""
        self._checkpoint = state
        return await is_kept(lambda: self._ledger.checkpoint(self._claim, state))

    async def may_stop(self) -> bool:
        """Return whether the run is still ours."""
        return await is_ours(self._ledger, self._claim)

    async def ended(self, envelope: "EnvelopeDocument") -> None:
        """Write the end. If that fails, the envelope warns, and `problem` says why."""
        if not self._has_begun:
            return
        state = self._state_of(envelope)
        self.end = end = run_end(envelope, state, keeps_content=self._keeps_content)
        try:
            self.state = await _wait(lambda: self._ledger.end_run(self._claim, end))
        except (LedgerError, FencedError) as error:
            self.problem = error
            warn(envelope, error)

    def _state_of(self, envelope: "EnvelopeDocument") -> "State":
        return state_of(
            envelope,
            has_checkpoint=bool(self._checkpoint),
            is_harmless=self._idempotent or not self._is_in_doubt,
        )

    async def _until_room(
        self, reserve: "Callable[[], Future[T]]", patience: "Patience"
    ) -> T:
        """Reserve, and try again while other runs of the budget are under way."""
        pause = _FIRST_PAUSE_S
        with patience.waiting():
            while True:
                try:
                    return await _committed(reserve)
                except OverBudgetError as error:
                    if not error.is_waiting_useful:
                        raise used_up(error.budget_id) from None
                await asyncio.sleep(pause)
                pause = min(_LONGEST_PAUSE_S, 2 * pause)


class BudgetedRunLog(LedgerLog):
    """The log of a run outside a job, for which a budget counts.

    * `_new`: makes the run's first entry, with its price.
    * `_resumes`: whether the caller continues a run of before.
    * `_entry`: the last try of the first entry; None before.
    """

    def __init__(
        self,
        ledger: "Ledger",
        new: "Callable[[], Awaitable[NewRun]]",
        *,
        resumes: bool,
        idempotent: bool,
        keeps_content: bool,
    ) -> None:
        """Write nothing yet."""
        super().__init__(
            ledger, None, idempotent=idempotent, keeps_content=keeps_content
        )
        self._new = new
        self._resumes = resumes
        self._entry: Future[Claim] | None = None

    async def begin(self, patience: "Patience") -> None:
        """Write that the run begins, with its reservation, or that it is continued."""
        new = await refusing(self._new())
        if self._resumes:
            with suppress(LookupError):  # another ledger may have it
                self._take(await refusing(resumed(self._ledger, new.run_id)))
                return
        self._take(await self._until_room(lambda: self._enter(new), patience))

    async def ended(self, envelope: "EnvelopeDocument") -> None:
        """Write the end, also of an entry whose commit the run has not waited for."""
        if self._entry is not None and not self._has_begun:
            end = run_end(envelope, "failed", keeps_content=self._keeps_content)
            unsent = replace(end, effect="none")
            self._entry.add_done_callback(lambda entry: self._give_back(entry, unsent))
        await super().ended(envelope)

    def _enter(self, new: "NewRun") -> "Future[Claim]":
        self._entry = self._ledger.begin_run(new)
        return self._entry

    def _give_back(self, entry: "Future[Claim]", end: "RunEnd") -> None:
        """Free the reservation of a run that was stopped before it could begin."""
        if not entry.exception():
            with suppress(LedgerError):
                self._ledger.end_run(entry.result(), end).add_done_callback(_read)


async def resumed(ledger: "Ledger", run_id: str) -> "Claim":
    """Return the claim of a run of before.

    Raises `LookupError` if it cannot be followed, `LedgerError` if the ledger cannot be used, and
    `ConnectorError` (`unavailable`) while another process works on it.
    """
    try:
        return await _wait(lambda: ledger.resume_run(run_id))
    except FencedError:
        message = "Another process is working on this run. Try again when it has ended."
        raise ConnectorError(ErrorCode.UNAVAILABLE, message) from None


async def is_kept(checkpoint: "Callable[[], Future[None]]") -> bool:
    """Wait for the commit of a checkpoint, for two seconds. Return whether a crash cannot lose it."""
    try:
        async with asyncio.timeout(_LONGEST_S):
            await _wait(checkpoint)
    except (LedgerError, FencedError, TimeoutError):
        return False
    return True


async def is_ours(ledger: "Ledger", claim: "Claim") -> bool:
    """Return whether this process holds a run. If the ledger does not answer, a local one is trusted."""
    try:
        async with asyncio.timeout(_LONGEST_S):
            return await _wait(lambda: ledger.owns(claim))
    except (LedgerError, TimeoutError):
        # On one machine a run of a living process is never taken over.
        return ledger.is_local


def warn(envelope: "EnvelopeDocument", error: BaseException) -> None:
    """Add the warning that the run could not be written into the ledger."""
    message = f"The run is not in the ledger: {error}"
    envelope["warnings"].append({"code": "not_recorded", "message": message})


async def refusing(work: Awaitable[T]) -> T:
    """Await a step before a request. Raises `ConnectorError` if the ledger cannot take it."""
    try:
        return await work
    except (LedgerError, FencedError) as error:
        raise _refusal(error) from None


def _refusal(error: LedgerError | FencedError) -> ConnectorError:
    if isinstance(error, FencedError):
        message = "Another process has taken this run over. This one sends nothing more for it."
        return ConnectorError(ErrorCode.CANCELLED, message)
    message = f"Nothing was sent, because it cannot be written into the ledger: {error}"
    return ConnectorError(ErrorCode.UNAVAILABLE, message)


async def _committed(step: "Callable[[], Future[T]]") -> T:
    return await refusing(_wait(step))


async def _wait(step: "Callable[[], Future[T]]") -> T:
    # A run that is stopped meanwhile does not stop the commit.
    return await committed(step())


def _read(future: "Future[Any]") -> None:
    future.exception()
