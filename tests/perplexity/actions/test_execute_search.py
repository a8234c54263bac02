"""Execute Search against a scripted provider."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import httpx
import pytest

from perplexity_connector.contract import (
    ActionResult,
    ConnectorError,
    Effect,
    JsonValue,
)
from perplexity_connector.perplexity.actions import searcher
from perplexity_connector.perplexity.actions.execute_search import execute_search
from perplexity_connector.perplexity.forms.execute_search import SearchInput
from perplexity_connector.perplexity.wire import search
from tests.perplexity.actions.wire import (
    Listener,
    Provider,
    Script,
    cancel_once,
    client_over,
    plain,
    refusal,
)

QUERIES = ["moon distance", "jupiter moons", "bread"]


def found(query: str) -> httpx.Response:
    """A search's answer, which names its query."""
    row = {
        "title": query,
        "url": f"https://{query.replace(' ', '-')}.example",
        "snippet": "…",
    }
    return plain({"results": [row, row], "id": f"id of {query}"})


def asked_for(request: httpx.Request) -> str:
    """The query of a request."""
    return str(json.loads(request.content)["query"])


def echo(request: httpx.Request) -> httpx.Response:
    """Find something for any query."""
    return found(asked_for(request))


def failing(query: str, answer: httpx.Response) -> Script:
    """Find something for any query but one."""
    return lambda request: answer if asked_for(request) == query else echo(request)


def run(
    provider: Provider,
    listener: Listener,
    query: object,
    fields: dict[str, Any] | None = None,
    **more: Any,
) -> ActionResult:
    """The action's result."""
    form: Any = {"query": query} | (fields or {})

    async def main() -> ActionResult:
        async with provider.client() as client:
            return await execute_search(client, form, listener.context(**more))

    return asyncio.run(main())


def failure(
    provider: Provider, listener: Listener, query: object, **more: Any
) -> ConnectorError:
    """The error that the action raises."""
    with pytest.raises(ConnectorError) as caught:
        run(provider, listener, query, **more)
    return caught.value


def test_one_query_comes_back_ranked() -> None:
    """A single text is searched once."""
    result: Any = run(Provider(echo), Listener(), "moon distance")
    assert [(row["query"], row["rank"]) for row in result.output["results"]] == [
        ("moon distance", 1),
        ("moon distance", 2),
    ]
    assert result.output["queries"] == [
        {
            "query": "moon distance",
            "count": 2,
            "id": "id of moon distance",
            "error": None,
        }
    ]


def test_several_queries_are_one_request_each_and_attributed_in_order() -> None:
    """Each query is asked alone, and its results carry it."""
    provider = Provider(echo)
    result: Any = run(provider, Listener(), QUERIES)
    assert sorted(str(body["query"]) for body in provider.bodies) == sorted(QUERIES)
    assert [row["query"] for row in result.output["results"]] == [
        query for query in QUERIES for _ in range(2)
    ]


def test_bad_input_is_refused_before_anything_is_sent() -> None:
    """No request was made."""
    provider = Provider(echo)
    assert [field.pointer for field in failure(provider, Listener(), []).fields] == [
        "/query"
    ]
    assert provider.asked == []


def test_a_query_that_cannot_succeed_does_not_lose_the_others() -> None:
    """Its error stands beside the results, with a warning."""
    result: Any = run(
        Provider(failing("bread", refusal(400))),
        Listener(),
        QUERIES,
        last_attempt=False,
    )
    assert [outcome["count"] for outcome in result.output["queries"]] == [2, 2, 0]
    assert result.output["queries"][2]["error"]["code"] == "invalid_input"
    assert [warning.code for warning in result.warnings] == ["query_failed"]


def test_a_failure_that_may_pass_is_raised_with_what_is_finished_checkpointed() -> None:
    """The next attempt asks only for the rest."""
    listener = Listener()
    error: Any = failure(
        Provider(failing("bread", refusal(503))), listener, QUERIES, last_attempt=False
    )
    assert error.code == "unavailable"
    assert len(error.partial["results"]) == 4
    provider = Provider(echo)
    result: Any = run(provider, Listener(), QUERIES, resume_from=listener.states[-1])
    assert [body["query"] for body in provider.bodies] == ["bread"]
    assert [outcome["count"] for outcome in result.output["queries"]] == [2, 2, 2]


def test_on_the_last_attempt_everything_that_was_found_comes_back() -> None:
    """A failure that might have passed does not fail the step then."""
    result: Any = run(Provider(failing("bread", refusal(503))), Listener(), QUERIES)
    assert [outcome["count"] for outcome in result.output["queries"]] == [2, 2, 0]


def test_when_every_query_failed_the_step_fails() -> None:
    """There is nothing to give back, and nothing to keep."""
    listener = Listener()
    error = failure(Provider(refusal(429)), listener, QUERIES)
    assert (error.code, error.partial) == ("rate_limited", None)
    assert listener.states == []


def test_a_state_of_other_queries_is_not_taken_for_these() -> None:
    """A finished query counts only where it stands in this input too."""
    state: Any = {"finished": {"0": {"query": "another", "pages": [], "id": None}}}
    provider = Provider(echo)
    run(provider, Listener(), "moon distance", resume_from=state)
    assert len(provider.asked) == 1


def test_an_answer_without_results_is_no_answer() -> None:
    """Another shape of JSON is refused, not taken for nothing found."""
    error = failure(Provider(plain({"detail": "…"})), Listener(), "moon distance")
    assert (error.code, error.effect) == ("invalid_response", "unknown")


def test_at_the_deadline_what_was_found_comes_back() -> None:
    """The queries that were too slow say so."""

    async def network(request: httpx.Request) -> httpx.Response:
        if asked_for(request) == "bread":
            await asyncio.Event().wait()
        return echo(request)

    async def main() -> ActionResult:
        async with client_over(network) as client:
            ctx = Listener().context(
                deadline=time.monotonic() + 0.1, last_attempt=False
            )
            return await execute_search(client, {"query": QUERIES}, ctx)

    queries: Any = asyncio.run(main()).output["queries"]
    assert [bool(outcome["error"]) for outcome in queries] == [False, False, True]


def test_many_queries_need_few_tasks_and_one_reading_of_the_form(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A task for each would mostly wait, and all have the same filters."""
    tasks: list[str] = []
    read: list[object] = []
    filters = search.filters_of

    def counted_filters(form: SearchInput) -> dict[str, JsonValue]:
        read.append(form)
        return filters(form)

    monkeypatch.setattr(search, "filters_of", counted_filters)
    many = [f"moon {number}" for number in range(100)]

    async def main() -> ActionResult:
        loop = asyncio.get_running_loop()

        def counted(loop: Any, work: Any, **more: Any) -> asyncio.Task[Any]:
            tasks.append(work.__qualname__)
            return asyncio.Task(work, loop=loop, **more)

        async with Provider(echo).client() as client:
            loop.set_task_factory(counted)
            return await execute_search(client, {"query": many}, Listener().context())

    result: Any = asyncio.run(main())
    assert [outcome["query"] for outcome in result.output["queries"]] == many
    searching = [name for name in tasks if name.startswith("Searcher.")]
    assert len(searching) == searcher._AT_ONCE
    assert len(read) == 1


def test_queries_that_have_not_begun_at_the_deadline_are_not_sent() -> None:
    """Not even where nothing holds them back."""
    many = [f"moon {number}" for number in range(20)]
    asked: list[str] = []

    async def network(request: httpx.Request) -> httpx.Response:
        asked.append(asked_for(request))
        if len(asked) > 1:
            await asyncio.Event().wait()
        return echo(request)

    async def main() -> ActionResult:
        async with client_over(network) as client:
            ctx = Listener().context(deadline=time.monotonic() + 0.1)
            return await execute_search(client, {"query": many}, ctx)

    outcomes: Any = asyncio.run(main()).output["queries"]
    sent = searcher._AT_ONCE + 1
    assert asked == many[:sent]
    effects = [outcome["error"]["effect"] for outcome in outcomes[1:]]
    assert effects == ["unknown"] * (sent - 1) + ["none"] * (20 - sent)


def test_a_query_that_never_had_its_turn_had_no_effect() -> None:
    """One that was sent, and was too slow, may have had one."""
    turns = iter([True, True, False])

    @asynccontextmanager
    async def permit() -> AsyncIterator[None]:
        if not next(turns):
            await asyncio.Event().wait()
        yield

    async def network(request: httpx.Request) -> httpx.Response:
        if asked_for(request) == QUERIES[1]:
            await asyncio.Event().wait()
        return echo(request)

    async def main() -> ActionResult:
        async with client_over(network) as client:
            ctx = Listener().context(
                deadline=time.monotonic() + 0.1, last_attempt=False, permit=permit
            )
            return await execute_search(client, {"query": QUERIES}, ctx)

    outcomes: Any = asyncio.run(main()).output["queries"]
    assert outcomes[0]["error"] is None
    effects = [outcome["error"]["effect"] for outcome in outcomes[1:]]
    assert effects == ["unknown", "none"]


def test_a_query_whose_turn_comes_when_another_is_refused_to_the_end_is_not_sent() -> (
    None
):
    """A request that is sent and then cut off may cost money."""
    asked = []

    async def main() -> None:
        begun = 0
        is_refused = asyncio.Event()

        @asynccontextmanager
        async def permit() -> AsyncIterator[None]:
            nonlocal begun
            begun += 1
            if begun > 1:
                await is_refused.wait()
            yield

        async def network(request: httpx.Request) -> httpx.Response:
            asked.append(asked_for(request))
            if len(asked) > 1:
                await asyncio.Event().wait()
            # The other queries begin to wait for their turn.
            await asyncio.sleep(0)
            return httpx.Response(429, headers={"retry-after": "3600"})

        async with client_over(network) as client:
            ctx = Listener().context(
                permit=permit, observe_refusal=lambda _: is_refused.set()
            )
            await execute_search(client, {"query": QUERIES}, ctx)

    with pytest.raises(ConnectorError) as caught:
        asyncio.run(main())
    assert (asked, caught.value.effect) == (QUERIES[:1], Effect.NONE)


@pytest.mark.parametrize("finished", [0, 1, 2])
def test_what_a_cancelled_search_found_is_salvaged(
    monkeypatch: pytest.MonkeyPatch, finished: int
) -> None:
    """The finished queries in order, in the form of the output; nothing where none is."""
    monkeypatch.setattr(searcher, "_AT_ONCE", 1)
    listener = Listener()

    async def main() -> None:
        waiting = asyncio.Event()

        async def network(request: httpx.Request) -> httpx.Response:
            if asked_for(request) != QUERIES[finished]:
                return echo(request)
            waiting.set()
            return await asyncio.Future()

        async with client_over(network) as client:
            await cancel_once(
                execute_search(client, {"query": QUERIES}, listener.context()), waiting
            )

    asyncio.run(main())
    assert len(listener.salvaged) == (finished > 0)
    for partial in listener.salvaged:
        assert [outcome["query"] for outcome in partial["queries"]] == QUERIES[
            :finished
        ]
        assert [row["query"] for row in partial["results"]] == [
            query for query in QUERIES[:finished] for _ in range(2)
        ]


def test_what_an_earlier_attempt_found_is_salvaged_while_other_queries_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All of it, also that of queries whose turn has not come."""
    monkeypatch.setattr(searcher, "_AT_ONCE", 1)
    listener = Listener()
    kept = {
        str(index): {"query": QUERIES[index], "id": None, "pages": [{"title": "a"}]}
        for index in (0, 2)
    }

    async def main() -> None:
        waiting = asyncio.Event()

        async def network(_: httpx.Request) -> httpx.Response:
            waiting.set()
            return await asyncio.Future()

        async with client_over(network) as client:
            ctx = listener.context(resume_from={"finished": kept})
            await cancel_once(execute_search(client, {"query": QUERIES}, ctx), waiting)

    asyncio.run(main())
    (partial,) = listener.salvaged
    assert [row["query"] for row in partial["queries"]] == [QUERIES[0], QUERIES[2]]


def test_a_search_cancelled_while_it_is_checkpointed_is_salvaged() -> None:
    """What an earlier attempt and this one found; a query that failed is not among it."""
    listener = Listener()
    resumed = {
        "finished": {
            "0": {"query": QUERIES[0], "id": "kept", "pages": [{"title": "kept"}]}
        }
    }

    async def main() -> None:
        keeping = asyncio.Event()

        async def checkpoint(_: dict[str, Any]) -> None:
            keeping.set()
            await asyncio.Future()

        listener.checkpoint = checkpoint  # type: ignore[assignment]
        ctx = listener.context(last_attempt=False, resume_from=resumed)
        async with Provider(failing("bread", refusal(503))).client() as client:
            await cancel_once(execute_search(client, {"query": QUERIES}, ctx), keeping)

    asyncio.run(main())
    (partial,) = listener.salvaged
    assert [(outcome["query"], outcome["id"]) for outcome in partial["queries"]] == [
        (QUERIES[0], "kept"),
        (QUERIES[1], f"id of {QUERIES[1]}"),
    ]


@pytest.mark.parametrize(
    ("error", "code", "effect"),
    [
        ({"type": "invalid_api_key", "code": 401}, "invalid_credentials", "none"),
        ({"type": "overloaded", "code": 500}, "unavailable", "unknown"),
        ("no", "upstream_failed", "unknown"),
    ],
)
def test_an_error_with_http_200_is_an_error(
    error: object, code: str, effect: str
) -> None:
    """Its type says which."""
    found = failure(Provider(plain({"error": error})), Listener(), "moon")
    assert (found.code, found.effect) == (code, effect)


def test_null_results_are_no_results() -> None:
    """The provider writes empty lists as null elsewhere."""
    result: Any = run(Provider(plain({"id": "i", "results": None})), Listener(), "moon")
    assert result.output["results"] == []
    assert result.output["queries"][0]["count"] == 0


def test_a_null_error_beside_results_is_not_an_error() -> None:
    """Some servers always send the key."""
    answer = plain({"id": "i", "results": [], "error": None})
    assert run(Provider(answer), Listener(), "moon").output["results"] == []


def test_the_finished_queries_of_a_failed_search_are_its_usage() -> None:
    """Each of them was paid for."""
    provider = Provider(failing("bread", refusal(503)))
    error: Any = failure(provider, Listener(), QUERIES, last_attempt=False)
    assert error.usage is not None
    assert error.usage["search_queries"] == 2
    assert error.usage["cost"]["total_cost"] == 0.01


@pytest.mark.parametrize(("status", "in_doubt"), [(500, 0.005), (400, None)])
def test_a_query_without_an_answer_that_may_be_billed_is_in_the_usage(
    status: int, in_doubt: float | None
) -> None:
    """A budget counts it. A refusal costs nothing."""
    provider = Provider(failing("bread", refusal(status)))
    result = run(provider, Listener(), QUERIES)
    cost: Any = result.usage["cost"]
    assert cost["total_cost"] == 0.01
    assert cost.get("in_doubt_cost") == in_doubt


def test_a_query_that_was_cut_off_may_be_billed() -> None:
    """Those that were stopped while they waited for their turn are not counted."""
    listener = Listener()
    usages: list[Any] = []

    async def main() -> None:
        turns, sent = [1, 2], asyncio.Event()

        @asynccontextmanager
        async def two_turns() -> AsyncIterator[None]:
            if not turns:
                await asyncio.Event().wait()
            turns.pop()
            yield

        async def answer(request: httpx.Request) -> httpx.Response:
            if turns:
                return echo(request)
            sent.set()
            return await asyncio.Future()

        client = Provider().client()
        client._transport = httpx.MockTransport(answer)
        ctx = listener.context(permit=two_turns, observe_usage=usages.append)
        async with client:
            searching = asyncio.create_task(
                execute_search(client, {"query": QUERIES}, ctx)
            )
            await sent.wait()
            for _ in range(5):
                await asyncio.sleep(0)
            searching.cancel()
            await asyncio.wait({searching})

    asyncio.run(main())
    (usage,) = usages
    assert usage["search_queries"] == 1
    assert usage["cost"]["in_doubt_cost"] == 0.005


@pytest.mark.parametrize(
    ("fields", "usd"),
    [({}, 0.015), ({"search_type": "web"}, 0.015), ({"search_type": "fast"}, 0.003)],
)
def test_a_search_costs_what_the_price_list_says(
    fields: dict[str, Any], usd: float
) -> None:
    """The answer does not say it. So the cost names its basis, and the day of the list."""
    result = run(Provider(echo), Listener(), QUERIES, fields)
    cost: Any = result.usage["cost"]
    date.fromisoformat(cost.pop("listed_on"))
    assert cost == {"currency": "USD", "total_cost": usd, "basis": "list_price"}


def test_queries_that_failed_for_one_reason_are_one_warning() -> None:
    """A list of a hundred may lose most of them."""
    provider = Provider(
        lambda request: refusal(400) if asked_for(request) != "bread" else echo(request)
    )
    result = run(provider, Listener(), QUERIES)
    (warning,) = result.warnings
    assert warning.code == "query_failed"
    assert "2 of 3" in warning.message
