"""Search for several queries, a few at a time. Each ends with its pages or with an error."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from perplexity_connector.contract import (
    ActionContext,
    ConnectorError,
    Effect,
    ErrorCode,
    JsonObject,
)
from perplexity_connector.contract.readers import as_object, as_objects, as_text
from perplexity_connector.contract.timers import expiring
from perplexity_connector.perplexity.actions.turn import Turn
from perplexity_connector.perplexity.forms.execute_search import SearchInput
from perplexity_connector.perplexity.wire import provider_errors, search
from perplexity_connector.perplexity.wire.client import Client

# A longer wait that the provider names is not slept through.
LONGEST_WAIT_S = 120.0
SHORTEST_WAIT_S = 0.25
# The wait after a refusal that does not name one.
USUAL_WAIT_S = 1.0
_AT_ONCE = 8
# So often a query of a list is sent again after a refusal.
_REPEATS = 4
# A query that waits for its turn can end with these.
_WAITING = frozenset({ErrorCode.TIMEOUT, ErrorCode.RATE_LIMITED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of one query: its pages and the search's id, or the error.

    `is_sent` is false if its turn did not come in this attempt.
    """

    query: str
    pages: Sequence[JsonObject] = ()
    id: str | None = None
    error: ConnectorError | None = None
    is_sent: bool = True


@dataclass(slots=True, eq=False)
class _Search:
    """One query while it is searched for.

    * `turn`: whether its request has left.
    * `timer`: ends it.
    * `refusal`: its latest refusal (429); None before one.
    * `refusals`: how many it has had.
    * `answered_before`: how many queries were answered when it was sent first.
    """

    query: str
    turn: Turn
    timer: asyncio.Timeout = field(default_factory=lambda: asyncio.timeout(None))
    refusal: ConnectorError | None = None
    refusals: int = 0
    answered_before: int = 0

    @property
    def is_waiting(self) -> bool:
        """Whether its request has not left."""
        return self.turn.effect is Effect.NONE

    def is_refused(self, error: ConnectorError) -> bool:
        """Return whether the provider refused to begin, because of its rate limit."""
        is_limit = error.code is ErrorCode.RATE_LIMITED and error.effect is Effect.NONE
        return is_limit and not self.is_waiting


class Searcher:
    """Search for the queries of a form, a few at once.

    A query of a list that is refused because of the rate limit is sent again by itself, after the
    wait that the provider named: a refusal is proof that nothing was begun, and the other queries
    need not be asked again. If one is refused to the end while none is answered, or the wait is
    very long, none is sent any more.

    * `_filters`: all of the requests but their queries.
    * `_kept`: the queries that an earlier attempt finished, by their index as text. They are not
      asked again.
    * `_repeats`: how often a refused query is sent again.
    * `_open`: the queries that have not ended.
    * `_answered`: how many queries were answered.
    * `_cut_off`: how many were cancelled after they had been sent.
    * `_refusal`: the refusal after which no query is sent any more; None before it.
    * `_outcomes`: the queries that have ended so far, by their index.
    * `is_out_of_time`: whether a query ended because its turn did not come. Another attempt would
      not have more time for it.
    """

    def __init__(self, client: Client, form: SearchInput, ctx: ActionContext) -> None:
        """Search with `client`, for the run that `ctx` describes."""
        self._client = client
        self._form = form
        self._ctx = ctx
        self._filters = search.filters_of(form)
        self._kept = as_object((ctx.resume_from or {}).get("finished"))
        # The host repeats a run of one query, and loses nothing by that.
        self._repeats = _REPEATS if len(search.queries(form)) > 1 else 0
        self._open: set[_Search] = set()
        self._answered = 0
        self._cut_off = 0
        self._refusal: ConnectorError | None = None
        self._outcomes: dict[int, Outcome] = {}
        self.is_out_of_time = False

    async def search_all(self) -> Sequence[Outcome]:
        """Return the outcome of each query, in order. A query that fails does not raise."""
        queries = search.queries(self._form)
        self._keep_finished(queries)
        numbered = enumerate(queries)
        waiting = [
            (index, query) for index, query in numbered if index not in self._outcomes
        ]
        # A few tasks take one query after the other: one for each query would mostly wait.
        shared = iter(waiting)
        if len(waiting) == 1:
            await self._finish_each(shared)  # without a task of its own
        else:
            await asyncio.gather(
                *[self._finish_each(shared) for _ in waiting[:_AT_ONCE]]
            )
        return [self._outcomes[index] for index in range(len(queries))]

    def finished(self) -> Sequence[Outcome]:
        """Return the outcomes without an error so far, in the order of the queries."""
        outcomes = [self._outcomes[index] for index in sorted(self._outcomes)]
        return [outcome for outcome in outcomes if not outcome.error]

    def in_doubt(self) -> int:
        """Return how many queries may have been billed, but have no answer."""
        ended = sum(
            outcome.is_sent and outcome.error.effect is Effect.UNKNOWN
            for outcome in self._outcomes.values()
            if outcome.error
        )
        return ended + self._cut_off

    def _keep_finished(self, queries: Sequence[str]) -> None:
        """Add the queries of an earlier attempt: before any wait, so that no end loses them."""
        for index, query in enumerate(queries):
            kept = as_object(self._kept.get(str(index)))
            if kept.get("query") == query:
                self._outcomes[index] = Outcome(
                    query=query,
                    pages=as_objects(kept.get("pages")),
                    id=as_text(kept.get("id")) or None,
                )

    async def _finish_each(self, waiting: Iterator[tuple[int, str]]) -> None:
        for index, query in waiting:
            self._outcomes[index] = await self._search(query)

    async def _search(self, query: str) -> Outcome:
        one = _Search(query, Turn(self._ctx))
        self._open.add(one)
        try:
            # A timer that is set for now would still let the request leave.
            if (left := self._ctx.seconds_left()) is not None and left <= 0:
                raise TimeoutError  # noqa: TRY301 - as the timer does
            async with one.timer:
                with expiring(one.timer, self._ctx.seconds_left):
                    return await self._ask_until_taken(one)
        except TimeoutError:
            effect = one.turn.effect
            late = provider_errors.provider_error(
                ErrorCode.TIMEOUT, effect=effect, detail="the run's deadline"
            )
            return self._failed(one, late)
        except ConnectorError as error:
            return self._failed(one, error)
        except asyncio.CancelledError:
            self._cut_off += not one.is_waiting
            raise
        finally:
            self._open.remove(one)

    async def _ask_until_taken(self, one: _Search) -> Outcome:
        one.answered_before = self._answered
        while self._refusal is None:
            try:
                outcome = await self._ask(one)
            except ConnectorError as error:
                self._prepare_repeat(one, error)
            else:
                self._answered += 1
                return outcome
        raise self._refusal

    def _prepare_repeat(self, one: _Search, error: ConnectorError) -> None:
        """Let a refused query wait for another turn. Raises `error` if it does not get one."""
        if not one.is_refused(error):
            raise error
        wait = max(SHORTEST_WAIT_S, error.retry_after or USUAL_WAIT_S)
        one.refusals += 1
        is_last = one.refusals > self._repeats
        is_hopeless = is_last and self._answered == one.answered_before
        if is_hopeless or wait > LONGEST_WAIT_S:
            self._give_up(error)
        if is_last:
            raise error
        one.refusal = error
        one.turn.repeat(wait)

    async def _ask(self, one: _Search) -> Outcome:
        body = search.request_body(self._filters, one.query)
        async with self._client.ask(
            "POST", search.PATH, self._ctx, body, one.turn.permit
        ) as answer:
            document = as_object(await answer.json())
            if document.get("error"):
                raise provider_errors.error_in_answer(
                    document, is_first=True, sent=body, request_id=answer.request_id
                )
            try:
                pages, search_id = search.pages_from_answer(document)
            except ValueError:
                raise provider_errors.provider_error(
                    ErrorCode.INVALID_RESPONSE,
                    effect=Effect.UNKNOWN,
                    detail="no results in the answer",
                    request_id=answer.request_id,
                ) from None
        return Outcome(query=one.query, pages=pages, id=search_id)

    def _give_up(self, refusal: ConnectorError) -> None:
        """Let the queries that wait for their turn end now."""
        self._refusal = refusal
        for one in self._open:
            # A request whose turn comes in this moment must not be sent and then cut off.
            one.turn.refusal = refusal
            if one.is_waiting and not one.timer.expired():
                one.timer.reschedule(asyncio.get_running_loop().time())

    def _failed(self, one: _Search, error: ConnectorError) -> Outcome:
        if not one.is_waiting or error.code not in _WAITING:
            return Outcome(query=one.query, error=error)
        if self._refusal is None:
            self.is_out_of_time = True
        if one.refusal is not None:
            return Outcome(query=one.query, error=one.refusal)
        unsent = self._not_sent(self._refusal or error)
        return Outcome(query=one.query, error=unsent, is_sent=False)

    def _not_sent(self, cause: ConnectorError) -> ConnectorError:
        # An earlier attempt may have sent it.
        is_first = self._ctx.attempt == 1 and self._ctx.resume_from is None
        state = "This query was not sent" if is_first else "This query was not repeated"
        reason = "Its turn did not come in time. Allow more time, or search for less at once."
        if cause is self._refusal:
            reason = "Perplexity takes no more queries for now. Search for it later."
        return ConnectorError(
            cause.code,
            f"{state}. ({cause.message})",
            user_message=f"{state}. {reason}",
            effect=Effect.NONE if is_first else Effect.UNKNOWN,
            retry_after=cause.retry_after,
        )
