"""The merged results of several queries."""

import asyncio
from itertools import permutations
from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st

from perplexity_connector.perplexity.actions.execute_search import execute_search
from perplexity_connector.perplexity.actions.merged_results import merged_results
from perplexity_connector.perplexity.actions.searcher import Outcome
from tests.perplexity.actions.test_execute_search import asked_for, failing
from tests.perplexity.actions.wire import Listener, Provider, plain, refusal


def outcome(query: str, addresses: str) -> Outcome:
    """A query that found these one-letter addresses, best first."""
    pages = [
        {"url": address.strip(), "title": f"{address} of {query}"}
        for address in addresses
    ]
    return Outcome(query=query, pages=pages)


def merged(*found: str) -> list[Any]:
    """The rows of queries that found these; the queries are called 0, 1 and so on."""
    return merged_results([outcome(str(n), each) for n, each in enumerate(found)])


def addresses(*found: str) -> str:
    """Their addresses, best first."""
    return "".join(row["url"] for row in merged(*found))


def test_an_address_that_more_queries_found_is_before_a_better_rank_of_one() -> None:
    """Two third places are more than one first place."""
    assert addresses("abc", "dec") == "cadbe"


def test_a_tie_is_decided_by_the_first_query() -> None:
    """Equal ranks of different queries are in the order of the queries."""
    assert addresses("ab", "cd") == "acbd"
    assert addresses("ab", "ba") == "ab"


def test_no_tie_is_decided_by_rounding() -> None:
    """Three addresses that share their ranks over three queries are in the first one's order."""
    for order in permutations("abc"):
        turned = ["".join(order[n:] + order[:n]) for n in range(3)]
        assert addresses(*turned) == "".join(order)


def test_a_row_has_the_page_of_the_first_query_and_the_queries_that_found_it() -> None:
    """Also when a later query ranks it better."""
    assert merged("xa", "a", "y")[0] == {
        "url": "a",
        "title": "a of 0",
        "queries": ["0", "1"],
    }


def test_an_address_counts_once_for_each_query() -> None:
    """Its second place in the same results adds nothing."""
    assert addresses("abb", "c") == "acb"


def test_a_query_that_is_asked_twice_is_named_once() -> None:
    """Its text would say nothing the second time."""
    rows: Any = merged_results([outcome("moon", "a"), outcome("moon", "a")])
    assert [row["queries"] for row in rows] == [["moon"]]


def test_a_page_without_an_address_has_no_row() -> None:
    """There is nothing to merge it by."""
    assert addresses(" a", " ") == "a"


@given(st.lists(st.text("abcde", max_size=6), min_size=1, max_size=5))
def test_every_address_has_one_row(found: list[str]) -> None:
    """None is lost, and none is there twice."""
    assert sorted(addresses(*found)) == sorted(set("".join(found)))


def search(provider: Provider, query: object) -> Any:
    """The output of a search."""
    form: Any = {"query": query}

    async def main() -> Any:
        async with provider.client() as client:
            return await execute_search(client, form, Listener().context())

    return asyncio.run(main()).output


def shared(request: httpx.Request) -> httpx.Response:
    """Find a page of its own, and then one that every query finds."""
    names = [asked_for(request), "shared"]
    rows = [{"title": name, "url": f"https://{name}.example"} for name in names]
    return plain({"results": rows, "id": "1"})


def test_the_output_of_several_queries_has_them_merged() -> None:
    """Beside the results of each query."""
    output = search(Provider(shared), ["moon", "bread"])
    assert [(row["url"], row["queries"]) for row in output["merged"]] == [
        ("https://shared.example", ["moon", "bread"]),
        ("https://moon.example", ["moon"]),
        ("https://bread.example", ["bread"]),
    ]
    assert len(output["results"]) == 4


def test_the_output_of_one_query_has_nothing_merged() -> None:
    """Its results are ranked already."""
    assert search(Provider(shared), "moon")["merged"] is None
    assert search(Provider(shared), ["moon"])["merged"] is None


def test_what_is_left_of_several_queries_is_merged_too() -> None:
    """A reader of `merged` need not know that a query failed."""
    output = search(Provider(failing("bread", refusal(400))), ["moon", "bread"])
    assert [row["queries"] for row in output["merged"]] == [["moon"]]
