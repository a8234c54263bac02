"""Long lists of queries on accounts that may send little: a whole host, a scripted provider, and their own clock."""

import asyncio
import json
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from perplexity_connector.cli.exits import code_of_run
from perplexity_connector.contract import ConnectorError
from perplexity_connector.host import Host
from perplexity_connector.perplexity.actions import turn
from perplexity_connector.perplexity.actions.create_chat_completion import (
    create_chat_completion,
)
from perplexity_connector.perplexity.actions.execute_search import execute_search
from perplexity_connector.perplexity.wire import client, rate_headers
from perplexity_connector.perplexity.wire.httpx_network import HttpxNetwork
from tests.own_clock import OwnClock
from tests.perplexity.actions.wire import (
    SHOWN,
    Listener,
    client_over,
    events,
    plain,
    stream,
)

pytestmark = pytest.mark.usefixtures("real_waits")

SEARCH = ("perplexity", "execute_search")
CONNECTION: dict[str, Any] = {"connection_name": "Mine", "api_key": "pplx-test-good"}


def now() -> float:
    """Return the time on the clock of the running test."""
    return asyncio.get_running_loop().time()


def queries(count: int) -> list[str]:
    """So many different queries."""
    return [f"query {number}" for number in range(count)]


@dataclass(slots=True, kw_only=True)
class Account:
    """A provider that takes `limit` searches in any `period`, and refuses the others.

    `headers` makes the headers of an answer. `refuses` refuses a query in any case.
    """

    limit: int = 1
    period: float = 1.0
    headers: Callable[["Account"], dict[str, str]] = lambda _: {}
    refuses: Callable[[str], bool] = lambda _: False
    taken: deque[float] = field(default_factory=deque[float])
    asked: list[str] = field(default_factory=list[str])

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one search."""
        query = json.loads(request.content)["query"]
        self.asked.append(query)
        while self.taken and self.taken[0] <= now() - self.period:
            self.taken.popleft()
        if len(self.taken) >= self.limit or self.refuses(query):
            answer = plain({"error": {"type": "request_rate_limit_exceeded"}}, 429)
        else:
            self.taken.append(now())
            await asyncio.sleep(0.2)
            page = {"title": query, "url": "https://moon.example", "snippet": ""}
            answer = plain({"id": "i", "results": [page]})
        answer.headers.update(self.headers(self))
        return answer


def with_rate_headers(account: Account) -> dict[str, str]:
    """The headers that a provider with a true limit sends; its reset time is in whole seconds."""
    return {
        "x-ratelimit-limit": str(account.limit),
        "x-ratelimit-remaining": str(account.limit - len(account.taken)),
        "x-ratelimit-reset": str(int(now()) + 1),
    }


def retry_after(seconds: float) -> Callable[[Account], dict[str, str]]:
    """The header of a provider that names a wait."""
    return lambda _: {"retry-after": str(seconds)}


def on(
    account: Account, work: Callable[[Host], Awaitable[Any]], **options: Any
) -> tuple[Any, float]:
    """Return what `work` gives with a host whose provider is that account, and after how many seconds."""

    async def main() -> tuple[Any, float]:
        async with Host(environ={}, **options) as host:
            began = now()
            return await work(host), now() - began

    provider = HttpxNetwork(httpx.MockTransport(account), connect_timeout=5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "network", lambda *_: provider)
        return OwnClock(rate_headers, turn).run(main())


def search(
    account: Account, asked: str | list[str], **options: Any
) -> tuple[Any, float]:
    """Return the envelope of one search, and how long it took."""

    async def work(host: Host) -> Any:
        return await host.run(
            *SEARCH, {"query": asked}, connection=CONNECTION, **options
        )

    return on(account, work)


def outcomes(envelope: Any) -> list[Any]:
    """The errors of the queries; None for one that was answered."""
    return [query["error"] for query in envelope["output"]["queries"]]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("headers", [lambda _: {}, retry_after(1)])
def test_an_account_of_one_search_a_second_answers_a_whole_list(
    seed: int, headers: Any
) -> None:
    """Nothing says so but its refusals; each refused query is sent again by the action, in the same attempt."""
    random.seed(seed)
    account = Account(headers=headers)
    envelope, _ = search(account, queries(12))
    assert envelope["status"] == "succeeded"
    assert outcomes(envelope) == [None] * 12
    assert envelope["attempts"] == 1
    assert len(account.asked) > 12


def test_waiting_for_our_own_limiter_does_not_count_against_the_timeout_of_the_action() -> (
    None
):
    """A hundred queries take longer than its sixty seconds, and not one is missing."""
    envelope, seconds = search(Account(headers=with_rate_headers), queries(100))
    assert seconds > 99
    assert outcomes(envelope) == [None] * 100
    assert code_of_run(envelope) == 0


def test_a_search_that_waits_for_ten_minutes_ends_with_what_it_has() -> None:
    """The queries that were not sent say so, and so do the summary, a warning, and the exit code."""
    account = Account(period=10, headers=retry_after(10))
    asked = queries(100)
    envelope, seconds = search(account, asked)
    assert 590 < seconds < 660
    assert envelope["status"] == "succeeded"
    errors = dict(zip(asked, outcomes(envelope), strict=True))
    unsent = set(asked) - set(account.asked)
    assert unsent
    assert all(errors[query]["effect"] == "none" for query in unsent)
    assert [warning["code"] for warning in envelope["warnings"]][-1] == "query_not_sent"
    found = list(errors.values()).count(None)
    assert envelope["usage"]["search_queries"] == found
    assert f"not sent: {len(unsent)}" in envelope["summary"]
    assert code_of_run(envelope) == 6


def test_the_timeout_of_a_caller_is_exact() -> None:
    """It includes every wait; then the search ends with what it has."""
    account = Account(headers=with_rate_headers)
    envelope, seconds = search(account, queries(100), timeout=20.0)
    assert 15 < seconds <= 20
    assert 10 < outcomes(envelope).count(None) < 25
    codes = {warning["code"] for warning in envelope["warnings"]}
    assert codes == {"query_not_sent"}


def test_a_query_is_sent_five_times_in_one_attempt_and_no_more() -> None:
    """The others were answered meanwhile; the host's last attempt returns them."""
    account = Account(limit=9, refuses=lambda query: query == "query 3")
    envelope, _ = search(account, queries(6), timeout=200.0)
    assert envelope["attempts"] == 4
    assert account.asked.count("query 3") == 5 * 4
    assert len(account.asked) == 5 + 5 * 4
    codes = [error and error["code"] for error in outcomes(envelope)]
    assert codes == [None] * 3 + ["rate_limited"] + [None] * 2
    assert [warning["code"] for warning in envelope["warnings"]] == ["query_failed"]


def test_a_single_query_is_repeated_by_the_host_alone() -> None:
    """Its run has four attempts, and each of them sends it once."""
    account = Account(limit=0)
    envelope, _ = search(account, "moon")
    assert (len(account.asked), envelope["attempts"]) == (4, 4)


def test_an_account_that_refuses_everything_is_not_asked_for_every_query() -> None:
    """A provider may block a key that goes on. What was not sent had no effect."""
    account = Account(limit=0)
    envelope, seconds = search(account, queries(100))
    error = envelope["error"]
    assert (error["code"], error["effect"]) == ("rate_limited", "none")
    assert envelope["attempts"] > 1
    assert seconds < 200
    assert len(set(account.asked)) < 15


@pytest.mark.parametrize("timeout", [None, 50.0])
def test_a_wait_of_more_than_two_minutes_is_not_slept_through(
    timeout: float | None,
) -> None:
    """Nothing is sent any more, and what was found is the output."""
    account = Account(limit=1, period=1e9, headers=retry_after(3600))
    envelope, seconds = search(account, queries(20), timeout=timeout)
    assert seconds < 1
    assert len(account.asked) < 5
    assert envelope["status"] == "succeeded"
    assert outcomes(envelope).count(None) == 1
    codes = [warning["code"] for warning in envelope["warnings"]]
    assert codes == ["query_failed", "query_not_sent"]


def test_in_a_later_attempt_a_query_that_is_not_sent_may_have_been_sent_before() -> (
    None
):
    """So its error does not promise that there was not any effect."""
    account = Account(limit=0)

    async def work(host: Host) -> Any:
        state = {"finished": {"0": {"query": "query 0", "id": "i", "pages": []}}}
        options: Any = {"timeout": 15.0, "resume_from": state}
        return await host.run(
            *SEARCH, {"query": queries(30)}, connection=CONNECTION, **options
        )

    envelope, _ = on(account, work, retries=0)
    effects = [error["effect"] for error in outcomes(envelope) if error]
    assert set(effects) == {"none", "unknown"}


def test_a_refused_query_whose_time_is_over_says_that_it_was_refused() -> None:
    """It was sent, and waits to be sent again when the time ends."""
    account = Account(limit=1, period=1e9)
    envelope, _ = search(account, queries(2), timeout=1.5)
    errors = [error for error in outcomes(envelope) if error]
    assert [(error["http_status"], error["effect"]) for error in errors] == [
        (429, "none")
    ]


@dataclass(slots=True)
class Turns:
    """The limit of a host that lets a request wait for so many seconds, and does not count them."""

    seconds: float
    waited: float = 0.0

    @asynccontextmanager
    async def permit(self) -> AsyncIterator[None]:
        """Wait, a second at a time."""
        while self.waited < self.seconds:
            await asyncio.sleep(1)
            self.waited += 1
        yield


@pytest.mark.parametrize("silent", [False, True])
def test_a_chat_has_its_whole_time_after_it_had_to_wait_for_its_turn(
    silent: bool,
) -> None:
    """Its deadline moves by the wait, and by no more."""
    turns = Turns(30)

    async def provider(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(99 if silent else 4)
        return stream(events())

    async def main() -> Any:
        ctx = Listener().context(
            deadline=now() + 5, permit=turns.permit, waited=lambda: turns.waited
        )
        began = now()
        question: Any = {
            "model": "sonar",
            "messages": [{"role": "user", "content": "?"}],
        }
        async with client_over(provider) as perplexity:
            try:
                result = await create_chat_completion(perplexity, question, ctx)
            except ConnectorError as error:
                return error.code, round(now() - began)
            return result.output["content"], round(now() - began)

    found, seconds = OwnClock(turn).run(main())
    assert (found, seconds) == (("timeout", 35) if silent else (SHOWN, 34))


def test_without_a_limiter_a_refused_query_waits_all_the_same() -> None:
    """A plain pluggy host has none."""
    account = Account(headers=retry_after(7))
    began: list[float] = []

    async def main() -> Any:
        began.append(now())
        async with client_over(account) as perplexity:
            ctx = Listener().context()
            return await execute_search(perplexity, {"query": queries(2)}, ctx), now()

    result, ended = OwnClock(turn).run(main())
    assert len(result.output["results"]) == 2
    assert 7 <= ended - began[0] < 8


def test_a_search_that_is_stopped_tells_what_it_has_cost() -> None:
    """The finished queries were paid for."""
    run_id = "run_0123456789abcdef0123456789abcdef"

    async def work(host: Host) -> Any:
        run = host.run(
            *SEARCH, {"query": queries(20)}, connection=CONNECTION, run_id=run_id
        )
        task = asyncio.create_task(run)
        await asyncio.sleep(5)
        assert host.cancel(run_id)
        return await task

    envelope, _ = on(Account(headers=with_rate_headers), work)
    finished = len(envelope["partial"]["queries"])
    assert (envelope["status"], finished > 2) == ("cancelled", True)
    assert envelope["usage"]["search_queries"] == finished
    assert envelope["usage"]["cost"]["total_cost"] == finished * 5 / 1000
