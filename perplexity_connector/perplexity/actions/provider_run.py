"""Follow one run at the provider to its end: never paid for twice, never lost.

One POST begins a run, which then lives at the provider under its id (docs/provider.md, "Runs:
fetch, cancel"). The first event has the id, and it is checkpointed at once. From then on a broken
stream, a new attempt and a new process all continue the same run with `GET /v1/agent/{id}`.
"""

import asyncio
import random
import re
from collections.abc import Iterator
from contextlib import aclosing, suppress

from perplexity_connector.contract import (
    ActionContext,
    ConnectorError,
    Effect,
    ErrorCode,
    JsonObject,
    JsonValue,
)
from perplexity_connector.contract.json import as_int, as_object, as_text
from perplexity_connector.perplexity.actions.clock import seconds_left
from perplexity_connector.perplexity.actions.turn import Turn
from perplexity_connector.perplexity.forms.create_chat_completion import ChatInput
from perplexity_connector.perplexity.wire import (
    agent_request,
    chat_result,
    provider_errors,
)
from perplexity_connector.perplexity.wire.agent_events import Transcript
from perplexity_connector.perplexity.wire.client import Client, StreamingResponse
from perplexity_connector.perplexity.wire.event_translator import EventTranslator
from perplexity_connector.perplexity.wire.sse import ServerEvent

_ENDED = frozenset({"completed", "incomplete", "failed", "cancelled"})
_CANCEL_SECONDS = 2
_POLLS = 200
_LONGEST_WAIT = 5.0
# So many failed polls in a row are forgiven.
_FORGIVEN_FAILURES = 5
# A poll that fails with one of these may succeed later.
_PASSING = frozenset(
    {
        ErrorCode.RATE_LIMITED,
        ErrorCode.UNAVAILABLE,
        ErrorCode.TIMEOUT,
        ErrorCode.INVALID_RESPONSE,
    }
)
_GONE = frozenset({ErrorCode.NOT_FOUND, ErrorCode.INVALID_INPUT})


class ProviderRun:
    """One run at the provider, for one attempt of the action.

    A run goes through these states:

    1. not begun (`transcript.run_id` is not set): POST, and listen to the stream;
    2. under way (`transcript.run_id` is set): listen to the stream, or poll after it broke;
    3. ended: `transcript.terminal` (the stream had its last event) or `response` (a poll found the
       end) is set.

    Giving up in state 2, by a deadline or a cancellation, asks the provider to cancel the run.

    * `transcript`: everything that the stream has sent.
    * `translator`: emits a listener's events; None if nothing listens.
    * `response`: the provider's final object, found by polling; empty without polling.
    * `request_id`: the provider's id of the latest request.
    * `recovered`: true once the run was polled instead of listened to.
    * `_turn`: the context of the POST, which notes whether the POST can have left.
    * `_free`: the context of polls and of the request to cancel. They do not wait for the host's
      limit, because the run costs money meanwhile. The provider counts them separately.
    * `_cancel_accepted`: true once the provider has taken the request to cancel. Then no
      checkpoint is kept, because a later attempt could only find the cancelled run.
    """

    def __init__(self, client: Client, form: ChatInput, ctx: ActionContext) -> None:
        """Prepare a new run, or continue the one that `ctx.resume_from` names.

        Raises `ConnectorError` (`invalid_input`) if `ctx.resume_from` has no run id.
        """
        self._client = client
        self._form = form
        self._ctx = ctx
        state = _checked_state(ctx.resume_from)
        structured = chat_result.author_schema(form) is not None
        shown = as_int(state.get("shown")) or 0
        self.transcript = Transcript(as_text(state.get("response_id")) or None)
        self.translator = (
            EventTranslator(ctx.emit, structured=structured, shown=shown)
            if ctx.wants_events
            else None
        )
        self.response: JsonObject = {}
        self.request_id: str | None = None
        self.recovered = False
        self._turn = Turn(ctx)
        self._free = ActionContext(connection=ctx.connection)
        self._cancel_accepted = False

    async def follow(self) -> None:
        """Follow the run until it has ended, well or not.

        Raises `ConnectorError` if the end cannot be learned; its `partial` has the part of the
        answer that was received. On a cancellation, `ctx.salvage` gets that part.
        """
        try:
            await self._follow_until_deadline()
        except asyncio.CancelledError:
            if (received := self.partial()) is not None:
                self._ctx.salvage(received)
            raise

    def partial(self) -> JsonObject | None:
        """Return the part of the answer that was received; None if there is nothing yet."""
        return chat_result.partial_chat_result(
            self._form, self.response, self.transcript
        )

    async def _follow_until_deadline(self) -> None:
        try:
            async with asyncio.timeout(seconds_left(self._ctx)):
                await self._follow_or_cancel()
        except TimeoutError:
            if self.transcript.terminal is not None:
                return  # the answer is complete: the time ended while its last bytes were read
            late = provider_errors.provider_error(
                ErrorCode.TIMEOUT, effect=self._turn.effect, detail="the run's deadline"
            )
            raise await self._completed_error(late) from None
        except ConnectorError as error:
            raise await self._completed_error(error) from None

    async def _follow_or_cancel(self) -> None:
        try:
            if self.transcript.run_id is None:
                await self._begin()
            if self.transcript.terminal is None:
                await self._poll_until_ended()
        except asyncio.CancelledError:
            await self._cancel_at_provider()
            raise

    async def _begin(self) -> None:
        body = agent_request.request_body(self._form)
        try:
            async with self._client.ask(
                "POST", agent_request.PATH, self._turn.ctx, body
            ) as answer:
                await self._listen(answer)
        except ConnectorError as error:
            if self.transcript.run_id is None:
                raise
            self._ctx.log.info(
                "stream broken (%s); polling the run instead", error.code.value
            )
        if self.transcript.run_id is None and self.transcript.terminal is None:
            raise _unreadable(detail="no event at all")

    async def _listen(self, answer: StreamingResponse) -> None:
        self.request_id = answer.request_id
        async with aclosing(answer.events()) as events:
            async for event in events:
                await self._add(event)
                if self.transcript.terminal is not None:
                    break
        await answer.drain()

    async def _add(self, event: ServerEvent) -> None:
        known_id = self.transcript.run_id
        try:
            content = self.transcript.add(event, decode=self.translator is not None)
        except ValueError:
            raise _unreadable(detail="a malformed event") from None
        if known_id is None and self.transcript.run_id is not None:
            await self._ctx.checkpoint(self._state())
        if self.translator is not None and content is not None:
            self.translator.feed(content)

    async def _poll_until_ended(self) -> None:
        self.recovered = True
        failures = 0
        for pause in _pauses():
            wait = pause
            try:
                found = await self._poll()
            except ConnectorError as error:
                failures += 1
                if error.code not in _PASSING or failures > _FORGIVEN_FAILURES:
                    raise _lost() if error.code in _GONE else error from None
                wait = max(pause, _with_jitter(error.retry_after or 0.0))
            else:
                failures = 0
                if found.get("status") in _ENDED:
                    self.response = found
                    return
            await asyncio.sleep(wait)
        raise provider_errors.provider_error(
            ErrorCode.TIMEOUT, effect=Effect.UNKNOWN, detail="the run never ended"
        )

    async def _poll(self) -> JsonObject:
        path = f"{agent_request.PATH}/{self.transcript.run_id}"
        async with self._client.ask("GET", path, self._free) as answer:
            self.request_id = answer.request_id or self.request_id
            found = as_object(await answer.json())
        if not isinstance(found.get("status"), str):
            raise _unreadable(detail="no run in the answer")
        return found

    async def _cancel_at_provider(self) -> None:
        if self.transcript.run_id is None or self.transcript.terminal is not None:
            return
        request = asyncio.create_task(self._request_cancel())
        # A deadline and a cancellation can arrive together. The second must not end this request.
        while not request.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({request})
        request.result()

    async def _request_cancel(self) -> None:
        path = f"{agent_request.PATH}/{self.transcript.run_id}/cancel"
        with suppress(ConnectorError, TimeoutError):
            async with (
                asyncio.timeout(_CANCEL_SECONDS),
                self._client.ask("POST", path, self._free),
            ):
                self._cancel_accepted = True
            # An empty state clears the checkpoint.
            await self._ctx.checkpoint({})

    async def _completed_error(self, error: ConnectorError) -> ConnectorError:
        """Add the received part and the effect; checkpoint if another attempt can continue."""
        error.partial = self.partial()
        if self.transcript.run_id is not None:
            error.effect = Effect.UNKNOWN
            if error.retryable and not self._cancel_accepted:
                await self._ctx.checkpoint(self._state())
        return error

    def _state(self) -> dict[str, JsonValue]:
        return {
            "response_id": self.transcript.run_id,
            "shown": self.translator.shown if self.translator else 0,
        }


def _checked_state(state: JsonObject | None) -> JsonObject:
    if state is None:
        return {}
    run_id = as_text(state.get("response_id"))
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", run_id):
        message = "The state to resume from has no run id."
        raise ConnectorError(ErrorCode.INVALID_INPUT, message)
    return state


def _pauses() -> Iterator[float]:
    return (min(_LONGEST_WAIT, 0.25 * 1.6**step) for step in range(_POLLS))


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
