"""One run: its attempts, what each is handed, and what it may tell while it is under way."""

import asyncio
import functools
import inspect
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import TypeAlias, cast

from perplexity_connector.contract import (
    Action,
    ActionContext,
    ActionHandler,
    ActionResult,
    ConnectorError,
    Effect,
    ErrorCode,
    EventType,
    JsonObject,
    JsonValue,
    Secret,
)
from perplexity_connector.host.runs.loading import LoadedConnector
from perplexity_connector.host.runs.params import KeepCheckpoint
from perplexity_connector.host.runs.rate_limiter import RateLimiter
from perplexity_connector.host.runs.record import RunRecord
from perplexity_connector.host.runs.retry import RetryPolicy
from perplexity_connector.host.validation.to_json import to_json

Listener: TypeAlias = Callable[[dict[str, JsonValue]], None]

# The connector stops by itself at the deadline, so that it can say what it received; the host steps in after this.
GRACE_S = 3.0
_EVENT_TYPES = frozenset(kind.value for kind in EventType)


# Without a repr: what a handler is given holds methods of it, and so would show the input and what was received.
@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class Run:
    """A run that is ready to start: input and connection are good. `deadline` is monotonic."""

    record: RunRecord
    loaded: LoadedConnector
    action: Action
    handler: ActionHandler
    input: JsonObject
    connection: Mapping[str, str | Secret]
    deadline: float
    policy: RetryPolicy
    rate_limiter: RateLimiter
    state: JsonObject | None
    on_checkpoint: KeepCheckpoint | None
    listener: Listener | None
    _seq: int = 0
    _speaking: int = 0
    _partial: JsonObject | None = None
    _clock: asyncio.Timeout = field(init=False)
    _stopped: bool = False
    _between: bool = False

    def __post_init__(self) -> None:
        """Set the clock that ends the run; on the event loop that carries it out."""
        self._clock = asyncio.timeout(self.deadline - time.monotonic() + GRACE_S)

    def stop(self) -> bool:
        """End the run now, as its deadline would, and keep what it received. False when its time is over already."""
        if not self._clock.expired():
            self._stopped, self._between = (
                True,
                self.record.attempts > 0 and not self._speaking,
            )
            self._clock.reschedule(asyncio.get_running_loop().time())
        return self._stopped

    async def carry_out(self, stack: AsyncExitStack) -> JsonObject:
        """The output, in plain JSON and keeping its schema. A connector opened for it is closed by `stack`.

        Raises `ConnectorError` of the last attempt, `cancelled` when it was stopped, `timeout` when even the grace
        after the deadline is over, and `internal` for an output that breaks its schema.
        """
        try:
            async with self._clock:
                await self.loaded.open(stack)
                self.record.result = await self._attempts()
        except TimeoutError:
            if self._between and self.state is not None:
                await self._let_go()
            raise self._overdue() from None
        return self._checked(self.record.result.output)

    async def _attempts(self) -> ActionResult:
        import stamina  # noqa: PLC0415 - heavy, and the palette needs none of it

        # The embedding process may have switched retries off; then the first attempt is the last.
        total = self.policy.retries + 1 if stamina.is_active() else 1
        # timeout=None: stamina's own 45 s would end a long run's retries; the deadline is ours.
        async for attempt in stamina.retry_context(
            on=self._back_off, attempts=total, timeout=None
        ):
            with attempt:
                result = await self._attempt(attempt.num, last=attempt.num == total)
        return result

    async def _let_go(self) -> None:
        # Stopped between two attempts, when no action was running that could ask the provider to stop: the action comes
        # back to what it has begun, finds its time over, and asks.
        context = replace(
            self._context(self.record.attempts, last=True), deadline=time.monotonic()
        )
        with suppress(Exception):
            async with asyncio.timeout(GRACE_S):
                await self.handler(self.input, context)

    def _back_off(self, error: BaseException) -> bool | float:
        repeatable = self.action.annotations.idempotent or self.state is not None
        attempt = self.record.attempts
        wait = self.policy.wait(
            error, attempt=attempt, repeatable=repeatable, deadline=self.deadline
        )
        return False if wait is None else wait

    async def _attempt(self, number: int, *, last: bool) -> ActionResult:
        self.record.attempts = self._speaking = number
        context = self._context(number, last=last)
        try:
            result = await self.handler(self.input, context)
        except ConnectorError as error:
            # An attempt that received nothing does not undo what an earlier one received.
            error.partial = self._partial = error.partial or self._partial
            context.log.info(
                "attempt %d of %s failed: %s",
                number,
                self.record.run_id,
                error.code.value,
            )
            raise
        except Exception as error:  # noqa: BLE001 - the host's boundary: a run never raises what a handler does
            raise self._broken(type(error).__name__, context.log) from None
        finally:
            self._speaking = 0
        if not isinstance(result, ActionResult):
            reason = f"it returned a {type(result).__name__}"
            raise self._broken(reason, context.log)
        return result

    def _context(self, number: int, *, last: bool) -> ActionContext:
        return ActionContext(
            run_id=self.record.run_id,
            attempt=number,
            last_attempt=last,
            connection=self.connection,
            deadline=self.deadline,
            resume_from=self.state,
            checkpoint=self._checkpoint,
            salvage=self._salvage,
            wants_events=self.listener is not None,
            permit=self.rate_limiter.permit,
            observe_limit=self.rate_limiter.observe,
            emit=functools.partial(self._emit, number),
            log=logging.getLogger(f"automation_host.{self.record.connector}"),
        )

    async def _checkpoint(self, state: JsonObject) -> None:
        kept_state = cast("JsonObject", to_json(state).value)
        self.state = kept_state or None
        if self.on_checkpoint is None:
            return
        try:
            kept = self.on_checkpoint(kept_state)
            if inspect.isawaitable(kept):
                await kept
        except Exception as error:  # noqa: BLE001 - the host's boundary: losing a paid answer would be worse
            message = f"A checkpoint was not kept ({type(error).__name__}): after a crash this run could not go on."
            self.record.warn("checkpoint_lost", message)

    def _emit(self, attempt: int, event: JsonObject) -> None:
        kind = event.get("type")
        if self.listener is None or self._speaking != attempt:
            return
        if isinstance(kind, str) and kind in _EVENT_TYPES:
            self._seq += 1
            self.listener({**event, "seq": self._seq})

    def _checked(self, output: JsonObject) -> JsonObject:
        plain = to_json(output)
        partial = cast("JsonObject", plain.value)
        if errors := self.loaded.output_errors(self.action, plain):
            places = ", ".join(f"{error.pointer!r} ({error.code})" for error in errors)
            message = f"The output of {self.action.id!r} breaks its schema at {places}."
            raise ConnectorError(
                ErrorCode.INTERNAL, message, effect=Effect.UNKNOWN, partial=partial
            )
        return partial

    def _broken(self, reason: str, log: logging.Logger) -> ConnectorError:
        # Never the exception's text: it may hold a key or an input value.
        message = f"The action {self.action.id!r} broke: {reason}."
        log.error("run %s: %s", self.record.run_id, message)
        return ConnectorError(
            ErrorCode.INTERNAL, message, effect=Effect.UNKNOWN, partial=self._partial
        )

    def _overdue(self) -> ConnectorError:
        effect = Effect.UNKNOWN if self.record.attempts else Effect.NONE
        if self._stopped:
            return ConnectorError(
                ErrorCode.CANCELLED,
                "The run was stopped.",
                effect=effect,
                partial=self._partial,
            )
        message = "The run did not end in the time it had."
        return ConnectorError(
            ErrorCode.TIMEOUT, message, effect=effect, partial=self._partial
        )

    def _salvage(self, partial: JsonObject) -> None:
        self._partial = partial
