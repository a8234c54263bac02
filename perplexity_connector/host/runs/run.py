"""One run: its attempts, the context of each attempt, its events, and its end."""

import asyncio
import functools
import inspect
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

from perplexity_connector.contract import (
    Action,
    ActionContext,
    ActionHandler,
    ActionResult,
    ConnectorError,
    Effect,
    ErrorCode,
    JsonObject,
)
from perplexity_connector.contract.readers import as_int, as_number, as_object
from perplexity_connector.contract.timers import expiring
from perplexity_connector.host.credentials.form import Credential
from perplexity_connector.host.limits.given_limiter import Turns
from perplexity_connector.host.limits.patience import Patience
from perplexity_connector.host.plugins import boundary
from perplexity_connector.host.plugins.loading import LoadedConnector
from perplexity_connector.host.runs.between_attempts import (
    can_retry,
    make_later_attempts,
    retry_event,
)
from perplexity_connector.host.runs.events import Events
from perplexity_connector.host.runs.logs.run_log import RunLog
from perplexity_connector.host.runs.observers import Watch
from perplexity_connector.host.runs.params import KeepCheckpoint
from perplexity_connector.host.runs.record import Received, RunRecord
from perplexity_connector.host.runs.retry import RetryPolicy
from perplexity_connector.host.validation.to_json import to_json

# A handler ends by itself at the deadline, so that it can return its partial output. The host
# ends it this much later.
GRACE_S = 3.0

# The states of a run, and how `Run` shows each:
#
#   preparing                 the connector is opened:  `record.attempts` is 0
#   attempt active            a handler runs:           `_active_attempt` is its number
#   waiting between attempts  before a retry:           `_active_attempt` is 0 again
#   stop requested            `stop` was called:        `_stop_requested` is set
#   ended                     `carry_out` has returned or raised
#
# `stop`, or `GRACE_S` after the deadline, lets `_timer` expire, which cancels the current await.
# If an attempt is active, that cancels its handler (`_interrupted`), which asks the provider to
# cancel. Between attempts no handler runs; so, if the run has a checkpoint, `_cancel_at_provider`
# asks, through the connector. A handler that returns its result all the same has succeeded. Else
# `_stop_requested` decides whether the run ends as `cancelled` or as `timeout`.


# Without a repr: a handler's context holds methods of it, so a log would show input and output.
@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class Run:
    """A run that can start: its input and its connection are valid.

    * `record`: the facts for the envelope; the number of attempts is kept there.
    * `loaded`: the connector.
    * `action`: the manifest's entry of the action.
    * `handler`: the connector's function; called once for each attempt.
    * `input`: the input as plain JSON.
    * `connection`: the credential's fields.
    * `deadline`: when the handler must end; monotonic seconds. What `patience` has waited is added.
    * `patience`: the waits for `rate_limiter`.
    * `policy`: decides about retries.
    * `rate_limiter`: shared with other runs of the same action and credential.
    * `earlier_attempts`: how many attempts the caller has made in runs before this one.
    * `is_last`: whether the caller will not repeat this run.
    * `watch`: reports the run to the observers.
    * `state`: the last checkpoint; None if there is not one.
    * `on_checkpoint`: the caller's function that stores checkpoints.
    * `log`: writes the run down; the null object without a ledger and a budget.
    * `events`: the events for the caller.
    * `_active_attempt`: the number of the attempt that runs now; 0 if none does.
    * `_wait`: the seconds between the last attempt and the next one; None if there is not one.
    * `_received`: the partial output and the usage of attempts that did not succeed.
    * `_timer`: ends the run, `GRACE_S` after the deadline or when it is stopped.
    * `_stop_requested`: whether `stop` was called in time.
    * `_caller_left`: whether the caller's own task was cancelled.
    * `_interrupted`: the handler's task, if the run was ended while it was active.
    * `_stop_accepted`: whether the provider accepted the request to stop the run, or there was
      nothing to stop.
    * `_effect`: whether the run may have had an effect at the provider so far. An active attempt
      may, unless it waits for its first turn to send a request. A failed attempt says so itself.
    * `_effect_before_turn`: the value of `_effect` while the attempt waits for its first turn;
      None once it has had one.
    """

    record: RunRecord
    loaded: LoadedConnector
    action: Action
    handler: ActionHandler
    input: JsonObject
    connection: Credential
    deadline: float
    patience: Patience
    policy: RetryPolicy
    rate_limiter: Turns
    earlier_attempts: int
    is_last: bool
    watch: Watch
    state: JsonObject | None
    on_checkpoint: KeepCheckpoint | None
    log: RunLog
    events: Events
    _active_attempt: int = 0
    _wait: float | None = None
    _received: Received = field(default_factory=Received)
    _timer: asyncio.Timeout = field(init=False)
    _stop_requested: bool = False
    _caller_left: bool = False
    _interrupted: asyncio.Task[ActionResult] | None = None
    _stop_accepted: bool = False
    _effect: Effect = Effect.NONE
    _effect_before_turn: Effect | None = None

    def __post_init__(self) -> None:
        """Create the timer. This needs the event loop that the run is carried out on."""
        if self.state is not None:
            self._effect = Effect.UNKNOWN
        self._timer = asyncio.timeout(None)

    def stop(self) -> bool:
        """End the run now, as its deadline would. Return False if it is ending already."""
        if not self._timer.expired() and not self._caller_left:
            self._stop_requested = True
            self._timer.reschedule(asyncio.get_running_loop().time())
        return self._stop_requested

    async def carry_out(self, stack: AsyncExitStack) -> JsonObject:
        """Make attempts until one succeeds and return its output: valid, and plain JSON.

        `stack` closes a connector that is opened here. Raises `ConnectorError`: the last attempt's,
        `cancelled` after `stop`, `timeout` when deadline and grace are over, `internal` for an
        output that breaks its schema, or a handler that ignores its end.
        """
        try:
            self.record.result = await self._result(stack)
        except ConnectorError as error:
            if self._effect is Effect.UNKNOWN:
                error.effect = Effect.UNKNOWN  # an earlier attempt's counts, too
            self.record.is_harmless_to_repeat = (
                self.action.annotations.idempotent or self.state is not None
            )
            self._warn_if_it_goes_on(error)
            raise
        return self._valid_output(self.record.result.output)

    async def _result(self, stack: AsyncExitStack) -> ActionResult:
        try:
            async with self._timer:
                with expiring(self._timer, self._seconds_left):
                    return await self._make_attempts(stack)
        except TimeoutError:
            await self._cancel_at_provider()
            return self._late_result()
        except asyncio.CancelledError:
            self._caller_left = True
            await self._cancel_at_provider()
            raise

    def _late_result(self) -> ActionResult:
        """Return the result of a handler that has succeeded although its run was ended."""
        task = self._interrupted
        if task is None or task.cancelled():
            raise self._time_over_error()
        error = task.exception() if task.done() else RuntimeError()
        if error is None:
            return self._checked(task.result())
        if isinstance(error, ConnectorError):
            self._received.keep(error)
            raise self._time_over_error()
        raise self._handler_error(reason="it ignored the request to end")

    def _seconds_left(self) -> float:
        deadline = self.deadline + self.patience.waited()
        return deadline + GRACE_S - time.monotonic()

    async def _make_attempts(self, stack: AsyncExitStack) -> ActionResult:
        await self.loaded.open(stack)
        await self.log.begin(self.patience)
        total = self.policy.retries + 1 if can_retry() else 1
        try:
            return await self._attempt(1, total)
        except ConnectorError as error:
            if self._wait is None:
                raise
            first = error
        return await make_later_attempts(
            first,
            total,
            lambda: self._wait,
            lambda number: self._attempt(number, total),
        )

    async def _attempt(self, number: int, total: int) -> ActionResult:
        if self._stop_requested:
            await asyncio.Event().wait()  # the timer cancels this; nothing is sent
        self.record.attempts = self._active_attempt = number
        self._wait = None
        context = self._context(number, last=number == total)
        before = self._effect_before_turn = self._effect
        self._effect = Effect.UNKNOWN
        self._stop_accepted = False
        task = boundary.begin(lambda: self._handle(context), self._handler_error)
        try:
            await boundary.settle(task)
            return self._checked(boundary.outcome(task, self._handler_error))
        except asyncio.CancelledError:
            self._interrupted = task
            raise
        except ConnectorError as error:
            if error.effect is Effect.NONE and self.state is None:
                self._effect = before
            if error.effect is Effect.NONE:
                self.log.back()
            self._received.keep(error)
            self._wait = self._seconds_to_wait(error) if number < total else None
            self._report_failure(error, number, total)
            raise
        finally:
            self._active_attempt = 0  # also of a handler that goes on

    async def _handle(self, context: ActionContext) -> ActionResult:
        try:
            return await self.handler(self.input, context)
        finally:
            self._active_attempt = 0

    def _checked(self, given: object) -> ActionResult:
        result, problem = boundary.as_result(given)
        if problem:
            if received := boundary.plain_object(result.output):
                self._received.partial = received
            raise self._handler_error(problem)
        return result

    def _seconds_to_wait(self, error: ConnectorError) -> float | None:
        return self.policy.wait(
            error,
            idempotent=self.action.annotations.idempotent,
            resumable=self.state is not None,
            attempt=self.record.attempts,
            deadline=self.deadline + self.patience.waited(),
        )

    def _report_failure(self, error: ConnectorError, number: int, total: int) -> None:
        run_id, code = self.record.run_id, error.code.value
        self._log.info("attempt %d of %s failed: %s", number, run_id, code)
        self.watch.failed(self.earlier_attempts + number, error, self._wait)
        if self._wait is not None:
            self.events.send(retry_event(error.code, self._wait, number + 1, total))

    async def _cancel_at_provider(self) -> None:
        """Ask the provider to stop the run, if no handler can ask: between two attempts."""
        is_between = self.record.attempts > 0 and self._interrupted is None
        if not is_between or self.state is None:
            return
        context = self._context(self.record.attempts, last=True)
        context = replace(context, deadline=time.monotonic() + GRACE_S)
        with suppress(ConnectorError, TimeoutError):
            async with asyncio.timeout(GRACE_S):
                self._stop_accepted = (
                    await self.log.may_stop()
                    and await self.loaded.cancel_run(self.action, self.state, context)
                )

    def _warn_if_it_goes_on(self, error: ConnectorError) -> None:
        is_given_up = error.code in {ErrorCode.CANCELLED, ErrorCode.TIMEOUT}
        if is_given_up and self.state is not None and not self._stop_accepted:
            message = "The provider did not confirm that the run has stopped: it may go on, and cost money."
            self.record.warn("stop_unconfirmed", message)

    def _context(self, number: int, *, last: bool) -> ActionContext:
        return ActionContext(
            run_id=self.record.run_id,
            attempt=self.earlier_attempts + number,
            last_attempt=last and self.is_last,
            connection=self.connection,
            deadline=self.deadline,
            waited=self.patience.waited,
            resume_from=self.state,
            checkpoint=self._keep_checkpoint,
            salvage=self._received.save_partial,
            observe_usage=self._received.save_usage,
            wants_events=self.events.listener is not None,
            permit=self._permit,
            observe_limit=self._observe_limit,
            observe_refusal=lambda wait: self.rate_limiter.refuse(as_number(wait)),
            may_stop=self.log.may_stop,
            observe_stop=self._observe_stop,
            observe_request=self.watch.sent,
            emit=functools.partial(self._emit, number),
            log=self._log,
        )

    @property
    def _log(self) -> logging.Logger:
        return logging.getLogger(f"automation_host.{self.record.connector}")

    def _observe_stop(self, accepted: bool) -> None:
        self._stop_accepted = accepted is True

    def _observe_limit(self, limit: object, remaining: object, reset: object) -> None:
        numbers = as_int(limit), as_int(remaining), as_number(reset)
        self.rate_limiter.observe(*numbers)

    @asynccontextmanager
    async def _permit(self) -> AsyncIterator[None]:
        if self._effect_before_turn is not None:
            self._effect = self._effect_before_turn
        await self.log.reserve(self.record.attempts, self.patience)
        end = self.patience.end(self.deadline)
        async with self.rate_limiter.permit(end, self.patience.waiting):
            await self.log.fence()
            self._effect, self._effect_before_turn = Effect.UNKNOWN, None
            yield

    async def _keep_checkpoint(self, state: JsonObject) -> None:
        try:
            copied = boundary.plain_object(state)
            if copied is None:
                raise TypeError  # noqa: TRY301 - one warning for every reason
            self.state = copied or None
            if not await self.log.checkpoint(copied):
                self._warn_of_lost_checkpoint("the ledger")
            if self.on_checkpoint is None:
                return
            kept = self.on_checkpoint(copied)
            if inspect.isawaitable(kept):
                await kept
        except Exception as error:  # noqa: BLE001 - the host's boundary: losing a paid answer would be worse
            self._warn_of_lost_checkpoint(type(error).__name__)

    def _warn_of_lost_checkpoint(self, reason: str) -> None:
        message = f"A checkpoint was not kept ({reason}): after a crash this run cannot continue."
        self.record.warn("checkpoint_lost", message)

    def _emit(self, attempt: int, event: JsonObject) -> None:
        # An attempt that has ended may still have tasks that emit events.
        if self.events.listener is None or self._active_attempt != attempt:
            return
        if (copied := boundary.plain_object(event)) is not None:
            self.events.send(copied)

    def _valid_output(self, output: JsonObject) -> JsonObject:
        normalized = boundary.call(lambda: to_json(output), self._handler_error)
        plain = as_object(normalized.value)
        if errors := self.loaded.output_errors(self.action, normalized):
            places = ", ".join(f"{error.pointer!r} ({error.code})" for error in errors)
            message = f"The output of {self.action.id!r} breaks its schema at {places}."
            raise ConnectorError(
                ErrorCode.INTERNAL,
                message,
                effect=Effect.UNKNOWN,
                partial=plain,
            )
        return plain

    def _handler_error(self, reason: str) -> ConnectorError:
        message = f"The action {self.action.id!r} broke: {reason}."
        self._log.error("run %s: %s", self.record.run_id, message)
        return self._error(ErrorCode.INTERNAL, message)

    def _time_over_error(self) -> ConnectorError:
        if self._stop_requested:
            return self._error(ErrorCode.CANCELLED, "The run was stopped.")
        message = "The run did not end in time. Set a longer timeout."
        return self._error(ErrorCode.TIMEOUT, message)

    def _error(self, code: ErrorCode, message: str) -> ConnectorError:
        error = ConnectorError(code, message, effect=self._effect)
        self._received.keep(error)
        return error
