"""The log of a run outside a job and without a budget: its steps are queued, and it waits for none."""

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias

from perplexity_connector.contract import JsonObject
from perplexity_connector.host.ledger.entries import FencedError, LedgerError
from perplexity_connector.host.runs.logs.ledger_log import (
    is_kept,
    is_ours,
    resumed,
    warn,
)
from perplexity_connector.host.runs.logs.run_end import run_end, state_of
from perplexity_connector.host.runs.logs.run_log import RunLog

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument
    from perplexity_connector.host.ledger.entries import Claim, NewRun
    from perplexity_connector.host.ledger.ledger import Ledger
    from perplexity_connector.host.limits.patience import Patience

_Step: TypeAlias = "Callable[[Claim], Future[Any]]"


class QueuedLog(RunLog):
    """Queues the steps of a run in order, and waits for its checkpoints alone.

    A ledger that cannot be written costs a warning only.

    * `_new`: the run's first entry.
    * `_resumes`: whether the caller continues a run of before.
    * `_claim`: known once the first entry is committed.
    * `_waiting`: the steps until then, each with a future of its commit.
    * `_problem`: why a step failed; None if none did.
    * `_lock`: held while a step is queued: the commit is reported by the ledger's thread.
    * `_checkpoint`, `_is_sent`: as in `LedgerLog`.
    """

    def __init__(
        self, ledger: "Ledger", new: "NewRun", *, resumes: bool, keeps_content: bool
    ) -> None:
        """Queue nothing yet."""
        self._ledger = ledger
        self._new = new
        self._resumes = resumes
        self._keeps_content = keeps_content
        self._claim: Claim | None = None
        self._waiting: list[tuple[_Step, Future[None]]] = []
        self._problem: BaseException | None = None
        self._lock = Lock()
        self._checkpoint: JsonObject = {}
        self._is_sent = False

    async def begin(self, patience: "Patience") -> None:
        """Queue the first entry. To go on with a run of before, wait for its claim.

        Raises `ConnectorError` (`unavailable`) while another process works on it.
        """
        del patience
        with self._noting(), suppress(LookupError):  # another ledger may have it
            if self._resumes:
                self._claim = await resumed(self._ledger, self._new.run_id)
                self._checkpoint = self._claim.checkpoint or {}
                return
        with self._noting():
            self._ledger.begin_run(self._new).add_done_callback(self._begun)

    async def fence(self) -> None:
        """Queue that a request leaves now."""
        if not self._is_sent and not self._checkpoint:
            self._put(self._ledger.sent)
        self._is_sent = True

    def back(self) -> None:
        """Queue that nothing was sent."""
        if self._is_sent and not self._checkpoint:
            self._put(self._ledger.back)
        self._is_sent = False

    async def checkpoint(self, state: JsonObject) -> bool:
        """Queue a checkpoint, and wait for its commit for two seconds: a crash must not lose it."""
        self._checkpoint = state
        written = self._put(lambda claim: self._ledger.checkpoint(claim, state))
        return await is_kept(lambda: written)

    async def may_stop(self) -> bool:
        """Return whether the run is still ours."""
        return self._claim is None or await is_ours(self._ledger, self._claim)

    async def ended(self, envelope: "EnvelopeDocument") -> None:
        """Queue the end. The envelope warns if a step before it has failed."""
        state = state_of(
            envelope,
            has_checkpoint=bool(self._checkpoint),
            is_harmless=self._new.idempotent or not self._is_sent,
        )
        end = run_end(envelope, state, keeps_content=self._keeps_content)
        self._put(lambda claim: self._ledger.end_run(claim, end))
        if self._problem is not None:
            warn(envelope, self._problem)

    def _put(self, step: _Step) -> "Future[None]":
        """Queue a step, or keep it until the run's first entry. Return a future of its commit."""
        written: Future[None] = Future()
        with self._lock:
            if self._claim is not None:
                self._queue(step, self._claim, written)
            elif self._problem is not None:
                written.set_exception(self._problem)
            else:
                self._waiting.append((step, written))
        return written

    def _queue(self, step: _Step, claim: "Claim", written: "Future[None]") -> None:
        with self._noting(written):
            future = step(claim)
            future.add_done_callback(functools.partial(self._done, written))

    def _begun(self, future: "Future[Claim]") -> None:
        with self._lock:
            problem = future.exception()
            self._problem = self._problem or problem
            self._claim = None if problem else future.result()
            for step, written in self._waiting:
                if self._claim is None:
                    written.set_exception(problem)
                else:
                    self._queue(step, self._claim, written)
            self._waiting.clear()

    def _done(self, written: "Future[None]", future: "Future[Any]") -> None:
        if problem := future.exception():
            self._problem = self._problem or problem
            written.set_exception(problem)
        else:
            written.set_result(None)

    @contextmanager
    def _noting(self, written: "Future[None] | None" = None) -> Iterator[None]:
        # A method of a ledger may raise at once, in a forked child for example.
        try:
            yield
        except (LedgerError, FencedError) as error:
            self._problem = self._problem or error
            if written is not None:
                written.set_exception(error)
