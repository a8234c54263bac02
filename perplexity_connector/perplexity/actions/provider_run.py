"""One run at the provider, followed to its end: never paid for twice, never lost.

A run is begun by one POST and lives on at the provider under its id. The id stands in the first event and is
checkpointed at once; from then on a broken stream, a new attempt and a new process all come back to the same run with
`GET /v1/agent/{id}`.
"""

import asyncio
import re
from collections.abc import Iterator
from contextlib import aclosing, nullcontext, suppress
from dataclasses import replace

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
_MISSES = 5
# What a broken look at a run may be put down to; anything else will not mend itself.
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
    """Follows one run to its end; then `response` is the provider's final object, or `transcript` what was streamed."""

    def __init__(self, client: Client, form: ChatInput, ctx: ActionContext) -> None:
        """Begin a new run, or come back to the one that `ctx.resume_from` names.

        Raises `ConnectorError` (`invalid_input`) for a state to resume from that names no run.
        """
        self._client = client
        self._form = form
        self._ctx = ctx
        state = _resumed(ctx.resume_from)
        structured = chat_result.author_schema(form) is not None
        shown = as_int(state.get("shown")) or 0
        self.transcript = Transcript(as_text(state.get("response_id")) or None)
        self.relay = (
            EventTranslator(ctx.emit, structured=structured, shown=shown)
            if ctx.wants_events
            else None
        )
        self.response: JsonObject = {}
        self.request_id: str | None = None
        self.recovered = False
        self._stopped = False

    async def follow(self) -> None:
        """Bring the run to its end, whatever that is. Raises `ConnectorError` when the end cannot be learned.

        The error says what was received so far (`partial`), and so does `ctx.salvage` when the run is cancelled. Giving
        up, by a deadline or a cancellation, asks the provider to stop.
        """
        try:
            await self._within_its_time()
        except asyncio.CancelledError:
            if (received := self.partial()) is not None:
                self._ctx.salvage(received)
            raise

    def partial(self) -> JsonObject | None:
        """What has been received of the answer."""
        return chat_result.partial_chat_result(
            self._form, self.response, self.transcript
        )

    async def _within_its_time(self) -> None:
        try:
            async with asyncio.timeout(seconds_left(self._ctx)):
                await self._to_its_end()
        except TimeoutError:
            if self.transcript.terminal is not None:
                return  # the whole answer is there: the time ended while what follows it was read
            late = provider_errors.provider_error(
                ErrorCode.TIMEOUT, effect=Effect.UNKNOWN, detail="the run's deadline"
            )
            raise await self._known(late) from None
        except ConnectorError as error:
            raise await self._known(error) from None

    async def _to_its_end(self) -> None:
        try:
            if self.transcript.run_id is None:
                await self._begin()
            if self.transcript.terminal is None:
                await self._recover()
        except asyncio.CancelledError:
            await self._ask_to_stop()
            raise

    async def _begin(self) -> None:
        try:
            body = agent_request.request_body(self._form)
            async with self._client.ask(
                "POST", agent_request.PATH, self._ctx, body
            ) as answer:
                await self._listen(answer)
        except ConnectorError as error:
            if self.transcript.run_id is None:
                raise
            self._ctx.log.info(
                "stream broken (%s); asking for the run instead", error.code.value
            )
        if self.transcript.run_id is None and self.transcript.terminal is None:
            raise _unreadable(detail="no event at all")

    async def _listen(self, answer: StreamingResponse) -> None:
        self.request_id = answer.request_id
        async with aclosing(answer.events()) as events:
            async for event in events:
                await self._take(event)
                if self.transcript.terminal is not None:
                    break
        await answer.drain()

    async def _take(self, event: ServerEvent) -> None:
        known = self.transcript.run_id
        try:
            content = self.transcript.add(event, decode=self.relay is not None)
        except ValueError:
            raise _unreadable(detail="a malformed event") from None
        if known is None and self.transcript.run_id is not None:
            await self._ctx.checkpoint(self._state())
        if self.relay is not None and content is not None:
            self.relay.tell(content)

    async def _recover(self) -> None:
        self.recovered = True
        misses = 0
        for wait in _waits():
            try:
                found = await self._look()
            except ConnectorError as error:
                misses += 1
                if error.code not in _PASSING or misses > _MISSES:
                    raise _lost() if error.code in _GONE else error from None
                wait = max(wait, error.retry_after or 0.0)  # noqa: PLW2901 - the provider's own wait, where it is longer
            else:
                misses = 0
                if found.get("status") in _ENDED:
                    self.response = found
                    return
            await asyncio.sleep(wait)
        raise provider_errors.provider_error(
            ErrorCode.TIMEOUT, effect=Effect.UNKNOWN, detail="the run never ended"
        )

    async def _look(self) -> JsonObject:
        path = f"{agent_request.PATH}/{self.transcript.run_id}"
        async with self._client.ask("GET", path, self._ctx) as answer:
            self.request_id = answer.request_id or self.request_id
            found = as_object(await answer.json())
        if not isinstance(found.get("status"), str):
            raise _unreadable(detail="no run in the answer")
        return found

    async def _ask_to_stop(self) -> None:
        if self.transcript.run_id is None or self.transcript.terminal is not None:
            return
        asking = asyncio.create_task(self._ask_once())
        # The deadline and a caller that leaves can come together: the second must not end the request to stop.
        while not asking.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({asking})
        asking.result()

    async def _ask_once(self) -> None:
        path = f"{agent_request.PATH}/{self.transcript.run_id}/cancel"
        # Past the shared limit, since a run that nobody waits for costs money while its cancellation queues.
        ctx = replace(self._ctx, permit=nullcontext)
        with suppress(ConnectorError, TimeoutError):
            async with (
                asyncio.timeout(_CANCEL_SECONDS),
                self._client.ask("POST", path, ctx),
            ):
                self._stopped = True
            # There is no answer to come back to any more, and an empty state says so.
            await self._ctx.checkpoint({})

    async def _known(self, error: ConnectorError) -> ConnectorError:
        """The error with what is known of the run; a retryable one leaves the way back to it."""
        error.partial = self.partial()
        if self.transcript.run_id is not None:
            error.effect = Effect.UNKNOWN
            if error.retryable and not self._stopped:
                await self._ctx.checkpoint(self._state())
        return error

    def _state(self) -> dict[str, JsonValue]:
        return {
            "response_id": self.transcript.run_id,
            "shown": self.relay.shown if self.relay else 0,
        }


def _resumed(state: JsonObject | None) -> JsonObject:
    if state is not None and not re.fullmatch(
        r"[A-Za-z0-9_-]{1,128}", as_text(state.get("response_id"))
    ):
        message = "The state to resume from names no run."
        raise ConnectorError(ErrorCode.INVALID_INPUT, message)
    return state or {}


def _waits() -> Iterator[float]:
    return (min(_LONGEST_WAIT, 0.25 * 1.6**step) for step in range(_POLLS))


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
