"""*Execute Search*: one request per query, several at a time; finished queries are kept."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

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
from perplexity_connector.perplexity.actions.inputs import read_input
from perplexity_connector.perplexity.actions.merged_results import merged_results
from perplexity_connector.perplexity.actions.searcher import (
    LONGEST_WAIT_S,
    Outcome,
    Searcher,
)
from perplexity_connector.perplexity.forms.execute_search import SearchInput
from perplexity_connector.perplexity.wire import search
from perplexity_connector.perplexity.wire.client import Client


async def execute_search(
    client: Client, input: JsonObject, ctx: ActionContext
) -> ActionResult:
    """Return the ranked results of one query or several.

    A query that fails does not lose the others. If the failure is retryable and the host would try
    again, the finished queries are checkpointed and the error is raised: the next attempt searches
    only for the rest. Otherwise the results so far are returned, unless every query failed.

    Raises `ConnectorError`; its `partial` has the finished queries. On a cancellation,
    `ctx.save_partial` gets them.
    """
    form = read_input(SearchInput, input)
    # A search ends with its requests: nothing goes on that could be stopped.
    ctx.observe_stop(True)
    searcher = Searcher(client, form, ctx)
    try:
        outcomes = await searcher.search_all()
        await _raise_if_unfinished(form, searcher, outcomes, ctx)
    except asyncio.CancelledError:
        if finished := searcher.finished():
            ctx.save_partial(_output(form, finished))
            ctx.observe_usage(_usage(form, searcher, finished))
        raise
    return ActionResult(
        output=_output(form, outcomes),
        summary=_summary(outcomes),
        usage=_usage(form, searcher, _without_errors(outcomes)),
        warnings=list(_warnings(outcomes)),
    )


async def cancel_nothing(client: Client, state: JsonObject, ctx: ActionContext) -> bool:
    """Return True: a search ends with its request, and nothing goes on."""
    del client, state, ctx
    return True


def _without_errors(outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
    return [outcome for outcome in outcomes if not outcome.error]


async def _raise_if_unfinished(
    form: SearchInput,
    searcher: Searcher,
    outcomes: Sequence[Outcome],
    ctx: ActionContext,
) -> None:
    errors = [outcome.error for outcome in outcomes if outcome.error]
    if not errors:
        return
    passing = [error for error in errors if error.retryable]
    error = max(passing or errors, key=lambda one: one.retry_after or 0.0)
    can_retry = passing and not searcher.is_out_of_time and _has_retry(error, ctx)
    finished = _without_errors(outcomes)
    if finished and not can_retry:
        return
    error.effect = _effect(outcomes)
    if finished:
        error.partial = _output(form, finished)
        error.usage = _usage(form, searcher, finished)
        await ctx.checkpoint({"finished": _state(outcomes)})
    raise error


def _usage(
    form: SearchInput, searcher: Searcher, finished: Sequence[Outcome]
) -> JsonObject:
    return search.usage(form, len(finished), searcher.in_doubt())


def _effect(outcomes: Sequence[Outcome]) -> Effect:
    """Return the effect of this attempt. The host adds the effects of earlier ones."""
    had_none = all(
        outcome.error and (not outcome.is_sent or outcome.error.effect is Effect.NONE)
        for outcome in outcomes
    )
    return Effect.NONE if had_none else Effect.UNKNOWN


def _has_retry(error: ConnectorError, ctx: ActionContext) -> bool:
    """Return whether the host would try again: without a retry, an error would fail the run."""
    wait, left = error.retry_after or 0.0, ctx.seconds_left()
    is_long = error.code is ErrorCode.RATE_LIMITED and wait > LONGEST_WAIT_S
    return not ctx.last_attempt and not is_long and (left is None or wait < left)


def _state(outcomes: Sequence[Outcome]) -> dict[str, JsonValue]:
    return {
        str(index): {
            "query": outcome.query,
            "id": outcome.id,
            "pages": list(outcome.pages),
        }
        for index, outcome in enumerate(outcomes)
        if not outcome.error
    }


def _output(form: SearchInput, outcomes: Sequence[Outcome]) -> dict[str, JsonValue]:
    results: list[JsonValue] = [
        {"query": outcome.query, "rank": rank, **page}
        for outcome in outcomes
        for rank, page in enumerate(outcome.pages, start=1)
    ]
    # Of `Any`: an `ErrorDocument` is JSON, but to a type checker its values are objects.
    queries: list[Any] = [
        {
            "query": outcome.query,
            "count": len(outcome.pages),
            "id": outcome.id,
            "error": outcome.error.to_dict() if outcome.error else None,
        }
        for outcome in outcomes
    ]
    is_merged = len(search.queries(form)) > 1
    merged = merged_results(outcomes) if is_merged else None
    return {"results": results, "queries": queries, "merged": merged}


def _summary(outcomes: Sequence[Outcome]) -> str:
    errors = [outcome for outcome in outcomes if outcome.error]
    not_sent = sum(not outcome.is_sent for outcome in errors)
    counts = {"Queries": len(outcomes), "failed": len(errors) - not_sent}
    if not_sent:
        counts["not sent"] = not_sent
    counts["results"] = sum(len(outcome.pages) for outcome in outcomes)
    return "; ".join(f"{name}: {count}" for name, count in counts.items()) + "."


def _warnings(outcomes: Sequence[Outcome]) -> Iterator[RunWarning]:
    """Yield a warning for each cause, with the number of queries that it concerns."""
    causes = Counter(
        ("query_failed" if outcome.is_sent else "query_not_sent", error.user_message)
        for outcome in outcomes
        if (error := outcome.error)
    )
    for (code, cause), count in causes.items():
        what = "failed" if code == "query_failed" else "were not sent"
        message = f"{count} of {len(outcomes)} queries {what}: {cause}"
        yield RunWarning(code=code, message=message)
