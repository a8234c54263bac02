"""*Execute Search*: one request per query, several at a time; finished queries are kept."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ConnectorError,
    Effect,
    ErrorCode,
    JsonObject,
    JsonValue,
    RunWarning,
)
from perplexity_connector.contract.json import as_object, as_objects, as_text
from perplexity_connector.perplexity.actions.clock import seconds_left
from perplexity_connector.perplexity.actions.inputs import read_input
from perplexity_connector.perplexity.actions.turn import Turn
from perplexity_connector.perplexity.forms.execute_search import SearchInput
from perplexity_connector.perplexity.wire import provider_errors, search
from perplexity_connector.perplexity.wire.client import Client

_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """The end of one query: its pages and the search's id, or the error."""

    query: str
    pages: Sequence[JsonObject] = ()
    id: str | None = None
    error: ConnectorError | None = None


async def execute_search(
    client: Client, input: JsonObject, ctx: ActionContext
) -> ActionResult:
    """Return the ranked results of one query or several.

    A query that fails does not lose the others. If the failure is retryable and the host would try
    again, the finished queries are checkpointed and the error is raised: the next attempt searches
    only for the rest. Otherwise the results so far are returned, unless every query failed.

    Raises `ConnectorError`; its `partial` has the finished queries. On a cancellation,
    `ctx.salvage` gets them.
    """
    form = read_input(SearchInput, input)
    # A search ends with its requests: nothing goes on that could be stopped.
    ctx.observe_stop(True)
    searcher = _Searcher(client, form, ctx)
    try:
        outcomes = await searcher.search_all(search.queries(form))
        await _raise_if_unfinished(outcomes, ctx)
    except asyncio.CancelledError:
        if finished := searcher.finished():
            ctx.salvage(_output(finished))
        raise
    failed = [outcome for outcome in outcomes if outcome.error]
    output = _output(outcomes)
    return ActionResult(
        output=output,
        summary=f"Queries: {len(outcomes)}; failed: {len(failed)}; results: {len(as_objects(output['results']))}.",
        usage={"search_queries": len(outcomes) - len(failed)},
        warnings=[_warning(outcome.error) for outcome in failed if outcome.error],
    )


async def cancel_nothing(client: Client, state: JsonObject, ctx: ActionContext) -> bool:
    """Return True: a search ends with its request, and nothing goes on."""
    del client, state, ctx
    return True


class _Searcher:
    """Search for the queries of a form, a few at once.

    * `_slots`: how many more queries may be asked at the same time.
    * `_kept`: the queries that an earlier attempt finished, by their index as text. They are not
      asked again.
    * `_outcomes`: the queries that have ended so far, by their index.
    """

    def __init__(self, client: Client, form: SearchInput, ctx: ActionContext) -> None:
        self._client = client
        self._form = form
        self._ctx = ctx
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._kept = as_object((ctx.resume_from or {}).get("finished"))
        self._outcomes: dict[int, _Outcome] = {}

    async def search_all(self, queries: Sequence[str]) -> Sequence[_Outcome]:
        """Return the outcome of each query, in order. A query that fails does not raise."""
        return await asyncio.gather(
            *[self._finish(index, query) for index, query in enumerate(queries)]
        )

    def finished(self) -> Sequence[_Outcome]:
        """Return the outcomes without an error so far, in the order of the queries."""
        outcomes = [self._outcomes[index] for index in sorted(self._outcomes)]
        return _without_errors(outcomes)

    async def _finish(self, index: int, query: str) -> _Outcome:
        self._outcomes[index] = outcome = await self._search(index, query)
        return outcome

    async def _search(self, index: int, query: str) -> _Outcome:
        kept = as_object(self._kept.get(str(index)))
        if kept.get("query") == query:
            return _Outcome(
                query=query,
                pages=as_objects(kept.get("pages")),
                id=as_text(kept.get("id")) or None,
            )
        turn = Turn(self._ctx)
        try:
            async with asyncio.timeout(seconds_left(self._ctx)), self._slots:
                return await self._ask(query, turn.ctx)
        except TimeoutError:
            late = provider_errors.provider_error(
                ErrorCode.TIMEOUT, effect=turn.effect, detail="the run's deadline"
            )
            return _Outcome(query=query, error=late)
        except ConnectorError as error:
            return _Outcome(query=query, error=error)

    async def _ask(self, query: str, ctx: ActionContext) -> _Outcome:
        body = search.request_body(self._form, query)
        async with self._client.ask("POST", search.PATH, ctx, body) as answer:
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
        return _Outcome(query=query, pages=pages, id=search_id)


def _without_errors(outcomes: Sequence[_Outcome]) -> Sequence[_Outcome]:
    return [outcome for outcome in outcomes if not outcome.error]


async def _raise_if_unfinished(
    outcomes: Sequence[_Outcome], ctx: ActionContext
) -> None:
    errors = [outcome.error for outcome in outcomes if outcome.error]
    passing = [error for error in errors if error.retryable]
    left = seconds_left(ctx)
    can_retry = passing and not ctx.last_attempt and (left is None or left > 0)
    finished = _without_errors(outcomes)
    if finished and not can_retry:
        return
    error = max(passing or errors, key=lambda one: one.retry_after or 0.0)
    if finished:
        error.partial = _output(finished)
        error.usage = {"search_queries": len(finished)}
        await ctx.checkpoint({"finished": _state(outcomes)})
    raise error


def _state(outcomes: Sequence[_Outcome]) -> dict[str, JsonValue]:
    return {
        str(index): {
            "query": outcome.query,
            "id": outcome.id,
            "pages": list(outcome.pages),
        }
        for index, outcome in enumerate(outcomes)
        if not outcome.error
    }


def _output(outcomes: Sequence[_Outcome]) -> dict[str, JsonValue]:
    results: list[JsonValue] = [
        {"query": outcome.query, "rank": rank, **page}
        for outcome in outcomes
        for rank, page in enumerate(outcome.pages, start=1)
    ]
    queries: list[JsonValue] = [
        {
            "query": outcome.query,
            "count": len(outcome.pages),
            "id": outcome.id,
            "error": outcome.error.to_dict() if outcome.error else None,
        }
        for outcome in outcomes
    ]
    return {"results": results, "queries": queries}


def _warning(error: ConnectorError) -> RunWarning:
    return RunWarning(
        code="query_failed", message=f"One query failed: {error.user_message}"
    )
