"""Follow one run at the provider to its end: never paid for twice, never lost.

One POST begins a run, which then lives at the provider under its id (docs/provider.md, "Runs:
fetch, cancel"). The first event has the id, and it is checkpointed at once. From then on a broken
stream, a new attempt and a new process all continue the same run with `GET /v1/agent/{id}`.
"""

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import aclosing, suppress
from itertools import chain, islice

from perplexity_connector.contract import (
    ActionContext,
    ConnectorError,
    Effect,
    ErrorCode,
    JsonObject,
    JsonValue,
)
from perplexity_connector.contract.readers import as_int, as_object, as_text
from perplexity_connector.contract.timers import expiring
from perplexity_connector.perplexity.actions.cancelling import (
    ask_to_cancel,
    run_id_of,
)
from perplexity_connector.perplexity.actions.turn import Turn
from perplexity_connector.perplexity.forms.create_chat_completion import ChatInput
from perplexity_connector.perplexity.wire import (
    agent_request,
    chat_result,
    provider_errors,
)
from perplexity_connector.perplexity.wire.agent_events import UNHEARD, Transcript
from perplexity_connector.perplexity.wire.client import Client, StreamingResponse
from perplexity_connector.perplexity.wire.event_translator import EventTranslator
from perplexity_connector.perplexity.wire.run_status import (
    ENDED,
    RUNNING,
    is_contradictory,
    is_error,
)
from perplexity_connector.perplexity.wire.sse import USUAL, Received

# So many polls are made without a deadline. With one, they go on until it.
_POLLS = 200
# The polls that settle a contradictory end.
_SETTLING_POLLS = 3
# The last poll is made this long before the deadline.
_LAST_POLL_S = 1.0
_LONGEST_WAIT = 5.0
# So many failed polls in a row are forgiven.
_FORGIVEN_FAILURES = 5
# A poll that fails with one of these says nothing about the run.
_UNCLEAR = frozenset({ErrorCode.INVALID_RESPONSE, ErrorCode.UPSTREAM_FAILED})
_GONE = frozenset({ErrorCode.NOT_FOUND, ErrorCode.INVALID_INPUT})


class ProviderRun:
    """One run at the provider, for one attempt of the action.

    A run goes through these states:

    1. not begun (`transcript.run_id` is not set): POST, and listen to the stream;
    2. under way (`transcript.run_id` is set): listen to the stream, or poll after it broke or had
       an `error` event;
    3. ended: `transcript.terminal` (the stream had its last event) or `response` (a poll found the
       end) is set.

    Giving up in state 2, by a deadline or a cancellation, asks the provider to cancel the run, and
    reports with `ctx.observe_stop` whether it accepted. It is not asked to cancel a run that may
    have ended, or whose status is unknown. The checkpoint is kept in any case: a later process can
    fetch the part that the provider has.

    * `transcript`: everything that the stream has sent.
    * `response`: the provider's final object, found by polling; empty without polling.
    * `request_id`: the provider's id of the latest request.
    * `recovered`: true once the run was polled instead of listened to.
    * `_translator`: emits a listener's events; None if nothing listens.
    * `_turn`: the turn of the POST, which notes whether the POST can have left.
    * `is_unclear`: true while the stream says that the run has ended, and its object that it has
      not.
    * `_status`: the status in the latest successful poll; empty before it.
    * `_may_have_ended`: whether the run is not listened to, and the latest poll did not find out.
    """

    def __init__(self, client: Client, form: ChatInput, ctx: ActionContext) -> None:
        """Prepare a new run, or continue the one that `ctx.resume_from` names.

        Raises `ConnectorError` (`invalid_input`) if `ctx.resume_from` has no run id.
        """
        self._client = client
        self._form = form
        self._ctx = ctx
        state = ctx.resume_from or {}
        shown = as_int(state.get("shown")) or 0
        run_id = None if ctx.resume_from is None else run_id_of(state)
        self.transcript = Transcript(run_id)
        self._translator = (
            EventTranslator(
                ctx.emit,
                self.transcript.streamed,
                structured=form.structure is not None,
                shown=shown,
            )
            if ctx.wants_events
            else None
        )
        self.response: JsonObject = {}
        self.request_id: str | None = None
        self.recovered = False
        self._turn = Turn(ctx)
        self.is_unclear = False
        self._status = ""
        self._may_have_ended = False

    async def follow(self) -> None:
        """Follow the run until it has ended, well or not.

        Raises `ConnectorError` if the end cannot be learned; its `partial` has the part of the
        answer that was received. On a cancellation, `ctx.save_partial` gets that part.
        """
        try:
            await self._follow_until_deadline()
        except asyncio.CancelledError:
            if (received := self.partial()) is not None:
                self._ctx.save_partial(received)
            raise

    def partial(self) -> JsonObject | None:
        """Return the part of the answer that was received; None if there is nothing yet."""
        return chat_result.partial_chat_result(
            self._form, self.latest_response, self.transcript
        )

    def finish_text(self, content: str) -> bool:
        """Emit the rest of the final text. Return False if it does not begin with the text shown."""
        return self._translator is None or self._translator.finish(content)

    @property
    def latest_response(self) -> JsonObject:
        """The provider's newest object of the run; empty without one."""
        return self.response or self.transcript.response

    async def _follow_until_deadline(self) -> None:
        try:
            async with asyncio.timeout(None) as timer:
                with expiring(timer, self._ctx.seconds_left):
                    await self._follow_or_cancel(timer)
        except TimeoutError:
            is_empty = self.is_unclear and self.partial() is None
            if self.transcript.terminal is not None and not is_empty:
                return  # the answer is complete: the time ended while its last bytes were read
            late = provider_errors.provider_error(
                ErrorCode.TIMEOUT, effect=self._turn.effect, detail="the run's deadline"
            )
            raise await self._completed_error(late) from None
        except ConnectorError as error:
            raise await self._completed_error(error) from None

    async def _follow_or_cancel(self, timer: asyncio.Timeout) -> None:
        try:
            if self.transcript.run_id is None:
                await self._begin()
            if self.transcript.terminal is None:
                await self._poll_until_ended()
            elif is_contradictory(self.transcript.terminal):
                await self._settle()
        except (asyncio.CancelledError, TimeoutError) as reason:
            is_late = timer.expired() or isinstance(reason, TimeoutError)
            if self.transcript.terminal is not None:
                self._ctx.observe_stop(True)  # the run has ended by itself
            elif self._may_cancel(is_late=is_late):
                await self._cancel_at_provider()
            raise

    def _may_cancel(self, *, is_late: bool) -> bool:
        status = self._status or self.transcript.status
        if status and status not in RUNNING:
            return False
        # A caller who stops a run wants it cancelled, even if it may have ended.
        return not (is_late and self._may_have_ended)

    async def _begin(self) -> None:
        try:
            async with self._client.ask(
                "POST",
                agent_request.PATH,
                self._ctx,
                agent_request.request_body(self._form),
                self._turn.permit,
            ) as answer:
                await self._listen(answer)
        except ConnectorError as error:
            if self.transcript.run_id is None:
                raise
            self._ctx.log.info(
                "stream broken (%s); polling the run instead", error.code.value
            )
        if self.transcript.run_id is None and self.transcript.terminal is None:
            raise self._error_event() or _unreadable(detail="no run in the stream")

    async def _listen(self, answer: StreamingResponse) -> None:
        self.request_id = answer.request_id
        usual = USUAL if self._translator else UNHEARD
        async with aclosing(answer.events(usual)) as groups:
            async for group in groups:
                if await self._has_end(group):
                    break
                del group  # a waiting stream holds no data
        await answer.drain()

    async def _has_end(self, group: Sequence[Received]) -> bool:
        """Add events. Return whether one of them ends the stream; those after it are not read."""
        for event in group:
            had_id = self.transcript.run_id is not None
            content = self._added(event)
            if not had_id and self.transcript.run_id is not None:
                await self._ctx.checkpoint(self._state())
            if self._translator is not None and content is not None:
                self._translator.feed(content)
            if self.transcript.terminal or self.transcript.error:
                return True
        return False

    def _added(self, event: Received) -> JsonObject | None:
        try:
            return self.transcript.add(event, decode=self._translator is not None)
        except OverflowError:
            raise _unreadable(detail="too large") from None

    def _error_event(self) -> ConnectorError | None:
        """Return the error that the stream's `error` event describes, if it had one."""
        if self.transcript.error is None:
            return None
        return provider_errors.error_in_answer(
            self.transcript.error,
            is_first=self.transcript.is_error_first,
            sent=agent_request.request_body(self._form),
            request_id=self.request_id,
        )

    async def _poll_until_ended(self) -> None:
        self.recovered = self._may_have_ended = True
        failures = 0
        polls = _POLLS if self._ctx.deadline is None else None
        for pause in islice(_pauses(), polls):
            wait, failure = pause, None
            try:
                if await self._poll():
                    return
                failures = 0
            except ConnectorError as error:
                failures, self._may_have_ended = failures + 1, True
                if error.code in _GONE:
                    lost = self._error_event() or _lost()
                    # A host can tell it from a run that was seen to fail.
                    lost.http_status = error.http_status
                    raise lost from None
                may_pass = error.retryable or error.code in _UNCLEAR
                if not may_pass or failures > _FORGIVEN_FAILURES:
                    raise
                wait = max(pause, _with_jitter(error.retry_after or 0.0))
                failure = error
            await self._wait(wait, failure)
        raise provider_errors.provider_error(
            ErrorCode.TIMEOUT, effect=Effect.UNKNOWN, detail="the run never ended"
        )

    async def _settle(self) -> None:
        """Poll a few times whether the run has really ended; else its end stays unclear.

        Raises `ConnectorError` (`timeout`) if nothing of an answer was received.
        """
        self.is_unclear = True
        polls = _SETTLING_POLLS if self.transcript.run_id else 0
        for pause in islice(chain((0.0,), _pauses()), polls):
            await asyncio.sleep(pause)
            with suppress(ConnectorError):
                if await self._poll():
                    self.is_unclear = False
                    return
        if self.partial() is None:
            raise provider_errors.provider_error(
                ErrorCode.TIMEOUT, effect=Effect.UNKNOWN, detail="the end is unclear"
            )

    async def _wait(self, seconds: float, failure: ConnectorError | None) -> None:
        """Wait before the next poll, but make one more poll shortly before the deadline.

        Raises the latest poll's `failure`, or `TimeoutError`, if the time is too short for another poll.
        """
        left = self._ctx.seconds_left()
        if left is None or seconds < left - _LAST_POLL_S:
            await asyncio.sleep(seconds)
        elif left > _LAST_POLL_S:
            await asyncio.sleep(left - _LAST_POLL_S)
        elif seconds < left:
            await asyncio.sleep(seconds)
        else:
            raise failure or TimeoutError

    async def _poll(self) -> bool:
        """Fetch the run. Return whether it has ended; then `response` is its object."""
        path = f"{agent_request.PATH}/{self.transcript.run_id}"
        # A poll does not wait for the host's limit, because the run costs money meanwhile. The
        # provider counts polls separately.
        free = ActionContext(
            connection=self._ctx.connection, observe_request=self._ctx.observe_request
        )
        async with self._client.ask("GET", path, free) as answer:
            self.request_id = answer.request_id or self.request_id
            found = as_object(await answer.json())
        if is_error(found):
            raise provider_errors.error_in_answer(
                found, is_first=False, sent={}, request_id=self.request_id
            )
        if not isinstance(found.get("status"), str):
            raise _unreadable(detail="no run in the answer")
        if as_text(found.get("id")) not in {"", self.transcript.run_id}:
            raise _unreadable(detail="another run in the answer")
        self._status, self._may_have_ended = as_text(found.get("status")), False
        if self._status in ENDED:
            self.response = found
        return self._status in ENDED

    async def _cancel_at_provider(self) -> None:
        if self.transcript.run_id is None:
            return
        request = asyncio.create_task(
            ask_to_cancel(self._client, self.transcript.run_id, self._ctx)
        )
        # A deadline and a cancellation can arrive together. The second must not end this request.
        while not request.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({request})
        self._ctx.observe_stop(request.result())

    async def _completed_error(self, error: ConnectorError) -> ConnectorError:
        """Add the received part and the effect; checkpoint if another attempt can continue."""
        error.partial = self.partial()
        error.usage = chat_result.usage_of(self.latest_response) or None
        if self.transcript.run_id is not None:
            error.effect = Effect.UNKNOWN
            if error.retryable:
                await self._ctx.checkpoint(self._state())
        return error

    def _state(self) -> dict[str, JsonValue]:
        return {
            "response_id": self.transcript.run_id,
            "shown": self._translator.shown if self._translator else 0,
        }


def _pauses() -> Iterator[float]:
    """Yield the seconds between polls, longer and longer, without an end."""
    pause = 0.25
    while True:
        yield min(_LONGEST_WAIT, pause)
        pause *= 1.6


def _with_jitter(seconds: float) -> float:
    # Many runs that were refused together must not come back together.
    return seconds * random.uniform(1, 1.1)  # noqa: S311 - spreads load, guards nothing


def _unreadable(detail: str) -> ConnectorError:
    return provider_errors.provider_error(
        ErrorCode.INVALID_RESPONSE, effect=Effect.UNKNOWN, detail=detail
    )


def _lost() -> ConnectorError:
    return provider_errors.provider_error(
        ErrorCode.UPSTREAM_FAILED,
        effect=Effect.UNKNOWN,
        detail="the run is not known any more",
    )
