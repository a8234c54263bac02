"""*Execute Search*: one request per query, several at a time, and what is finished is kept."""

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
from perplexity_connector.perplexity.actions.inputs import read
from perplexity_connector.perplexity.forms.execute_search import SearchInput
from perplexity_connector.perplexity.wire import provider_errors, search
from perplexity_connector.perplexity.wire.client import Client

_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What became of one query: its pages, or the error."""

    query: str
    pages: Sequence[JsonObject] = ()
    id: str | None = None
    error: ConnectorError | None = None


async def execute_search(
    client: Client, input: JsonObject, ctx: ActionContext
) -> ActionResult:
    """Ranked results of one query or several. Raises `ConnectorError`, with what is finished in `partial`.

    A query that fails does not lose the others: while the host would try again, a retryable failure is raised with what
    is finished checkpointed, and the next attempt asks only for the rest; otherwise what there is comes back, unless
    every query failed. When the run is cancelled, `ctx.salvage` gets what is finished.
    """
    form = read(SearchInput, input)
    search_one = _Searcher(client, form, ctx)
    try:
        outcomes = await asyncio.gather(
            *[
                search_one(place, query)
                for place, query in enumerate(search.queries(form))
            ]
        )
        await _raise_if_unfinished(outcomes, ctx)
    except asyncio.CancelledError:
        if finished := search_one.finished():
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


class _Searcher:
    """Searches for one query after another, a few at once, and not again for what an earlier attempt finished."""

    def __init__(self, client: Client, form: SearchInput, ctx: ActionContext) -> None:
        self._client = client
        self._form = form
        self._ctx = ctx
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._kept = as_object((ctx.resume_from or {}).get("finished"))
        self._outcomes: dict[int, _Outcome] = {}

    async def __call__(self, place: int, query: str) -> _Outcome:
        self._outcomes[place] = outcome = await self._search(place, query)
        return outcome

    def finished(self) -> Sequence[_Outcome]:
        """What was found so far, in the order of the queries."""
        return [
            outcome
            for _, outcome in sorted(self._outcomes.items())
            if not outcome.error
        ]

    async def _search(self, place: int, query: str) -> _Outcome:
        kept = as_object(self._kept.get(str(place)))
        if kept.get("query") == query:
            return _Outcome(
                query=query,
                pages=as_objects(kept.get("pages")),
                id=as_text(kept.get("id")) or None,
            )
        try:
            async with asyncio.timeout(seconds_left(self._ctx)), self._gate:
                return await self._ask(query)
        except TimeoutError:
            late = provider_errors.provider_error(
                ErrorCode.TIMEOUT, effect=Effect.UNKNOWN, detail="the run's deadline"
            )
            return _Outcome(query=query, error=late)
        except ConnectorError as error:
            return _Outcome(query=query, error=error)

    async def _ask(self, query: str) -> _Outcome:
        body = search.request_body(self._form, query)
        async with self._client.ask("POST", search.PATH, self._ctx, body) as answer:
            document = await answer.json()
            try:
                pages, found_id = search.found(document)
            except ValueError:
                detail = "no results in the answer"
                raise provider_errors.provider_error(
                    ErrorCode.INVALID_RESPONSE,
                    effect=Effect.UNKNOWN,
                    detail=detail,
                    request_id=answer.request_id,
                ) from None
        return _Outcome(query=query, pages=pages, id=found_id)


async def _raise_if_unfinished(
    outcomes: Sequence[_Outcome], ctx: ActionContext
) -> None:
    errors = [outcome.error for outcome in outcomes if outcome.error]
    passing = [error for error in errors if error.retryable]
    left = seconds_left(ctx)
    again = passing and not ctx.last_attempt and (left is None or left > 0)
    if not again and len(errors) < len(outcomes):
        return
    error = max(passing or errors, key=lambda one: one.retry_after or 0.0)
    if len(errors) < len(outcomes):
        error.partial = _output([outcome for outcome in outcomes if not outcome.error])
        await ctx.checkpoint({"finished": _state(outcomes)})
    raise error


def _state(outcomes: Sequence[_Outcome]) -> dict[str, JsonValue]:
    return {
        str(place): {
            "query": outcome.query,
            "id": outcome.id,
            "pages": list(outcome.pages),
        }
        for place, outcome in enumerate(outcomes)
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
