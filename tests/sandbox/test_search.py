from collections.abc import Callable
from typing import Any

import httpx
import pytest

Body = dict[str, Any]
Find = Callable[..., Body]


def urls(answer: Body) -> list[str]:
    """The addresses found, in order."""
    return [result["url"] for result in answer["results"]]


def hosts(answer: Body) -> set[str]:
    """The hosts found."""
    return {url.split("/")[2] for url in urls(answer)}


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("How far away is the Moon?", "https://moon.example/distance"),
        ("jupiter moons", "https://jupiter.example/moons"),
        ("What is workflow automation?", "https://automation.example/basics"),
        ("weather lisbon", "https://weather.example/lisbon"),
    ],
)
def test_a_search_finds_the_page_that_answers(
    find: Find, query: str, best: str
) -> None:
    """The best hit first."""
    assert urls(find(query))[0] == best


def test_a_plural_finds_the_singular(find: Find) -> None:
    """As a reader expects."""
    assert "https://moon.example/distance" in urls(find("moon distances"))


def test_a_result_leaves_out_the_dates_it_does_not_know(find: Find) -> None:
    """`title`, `url` and `snippet` are always there; a date is text, or missing."""
    found = find("library of alexandria moon")["results"]
    assert all({"title", "url", "snippet"} <= set(result) for result in found)
    assert not any(None in result.values() for result in found)
    assert any("date" not in result for result in found)
    assert any("date" in result for result in found)


def test_nothing_found_is_a_normal_answer(find: Find) -> None:
    """200 with an empty list."""
    assert find("xylophone")["results"] == []
    assert find("sandbox:empty moon")["results"] == []


def test_several_queries_give_one_flat_list_without_doubles(find: Find) -> None:
    """The best of each query first."""
    answer = find(["moon distance", "jupiter moons", "lunar distance"], max_results=4)
    assert len(answer["results"]) == 4
    assert len(set(urls(answer))) == 4
    assert "https://jupiter.example/moons" in urls(answer)[:2]


def test_a_test_prompt_nests_the_results(find: Find) -> None:
    """One list for each query, as some of the provider's pages say."""
    answer = find(["sandbox:nested bread", "jupiter moons"], max_results=2)
    assert [len(results) for results in answer["results"]] == [1, 2]


def test_markup_in_a_snippet_can_be_asked_for(find: Find) -> None:
    """Untrusted text, best hit."""
    assert (
        "<img src=x onerror=alert(1)>"
        in find("sandbox:html-snippet moon")["results"][0]["snippet"]
    )


def test_a_snippet_keeps_to_its_budget(find: Find) -> None:
    """A budget for each page, and one for all of them."""
    small = find("moon distance", max_tokens_per_page=3)["results"]
    assert {len(result["snippet"].split()) for result in small} == {3}


def test_the_whole_budget_limits_the_number_of_results_and_wins(find: Find) -> None:
    """Recorded: one token leaves one result, and a hundred are shared by three."""
    assert len(find("moon distance", max_tokens=1)["results"]) == 1
    shared = find("moon distance", max_tokens=12, max_tokens_per_page=10, max_results=3)
    assert [len(one["snippet"].split()) for one in shared["results"]] == [4, 4, 4]


def test_the_servers_time_is_shown_when_asked_for(find: Find) -> None:
    """And only then."""
    assert "server_time" in find("moon", display_server_time=True)
    assert "server_time" not in find("moon")


def test_unknown_fields_are_ignored(find: Find) -> None:
    """Only the Agent API is strict."""
    assert find(
        "moon",
        no_such_field=1,
        country="PT",
        search_type="fast",
        search_context_size="low",
    )["results"]


@pytest.mark.parametrize(
    "fields",
    [
        {"query": []},
        {"query": ""},
        {"query": None},
        {"query": ["moon", ""]},
        {"query": "x" * 8193},
        {"query": ["moon", 1]},
        {"query": 1},
        {"query": list("abcdef")},
        {"max_results": 0},
        {"max_results": 21},
        {"max_tokens": 0},
        {"search_type": "deep"},
        {"search_context_size": "huge"},
        {"country": "Portugal"},
        {"search_language_filter": ["eng"]},
        {"search_recency_filter": "decade"},
        {"display_server_time": "yes"},
        {"query": "sandbox:no-such"},
    ],
)
def test_a_bad_search_is_refused(client: httpx.Client, fields: Body) -> None:
    """400 in the usual envelope, and nothing billed."""
    answer = client.post("/search", json={"query": "moon", **fields})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == 400
    assert client.get("/sandbox/state").json()["billed_searches"] == 0


@pytest.mark.parametrize("query", [" ", "\t\n", ["  "], [" ", "   "]])
def test_a_blank_query_finds_nothing_and_is_billed(
    find: Find, client: httpx.Client, query: str | list[str]
) -> None:
    """200 with an id and no results."""
    answer = find(query)
    assert (answer["results"], set(answer)) == ([], {"id", "results"})
    assert client.get("/sandbox/state").json()["billed_searches"] == 1


def test_the_longest_query_has_8192_characters(find: Find) -> None:
    """Characters, not bytes; a test word counts as any other."""
    assert find("ü" * 8187 + " moon")["results"]


@pytest.mark.parametrize("kind", ["web", "fast", "people"])
def test_there_are_three_types_of_search(find: Find, kind: str) -> None:
    """The answer does not say which one it was."""
    assert set(find("moon", search_type=kind)) == {"id", "results"}


@pytest.mark.parametrize(
    ("domains", "allowed", "denied"),
    [
        (["moon.example"], {"moon.example"}, set()),
        (["ATLAS.example"], {"en.atlas.example"}, {"moon.example"}),
        ([".example"], {"moon.example"}, set()),
        (
            ["-atlas.example", "-moon.example"],
            {"observatory.example"},
            {"en.atlas.example", "moon.example"},
        ),
        (["on.example"], set(), {"moon.example"}),
        (["moon.example", "-moon.example"], {"moon.example"}, {"en.atlas.example"}),
        (["moon.example", "-atlas.example"], {"moon.example"}, {"en.atlas.example"}),
    ],
)
def test_a_domain_filter_takes_subdomains_along(
    find: Find, domains: list[str], allowed: set[str], denied: set[str]
) -> None:
    """A domain means itself and its subdomains; where some are allowed, denied ones do not count."""
    found = hosts(find("moon", search_domain_filter=domains))
    assert allowed <= found
    assert not denied & found


@pytest.mark.parametrize(
    "domain",
    ["https://a.example", "example", "a b.example"],
)
def test_a_bad_domain_filter_is_refused(client: httpx.Client, domain: str) -> None:
    """With a scheme, without a dot, with a space."""
    answer = client.post(
        "/search", json={"query": "moon", "search_domain_filter": [domain]}
    )
    assert (answer.status_code, answer.json()["error"]["type"]) == (
        400,
        "invalid_search_domain_filter",
    )


def test_a_language_filter_acts(find: Find) -> None:
    """Pages of that language alone, in any case; twenty languages are allowed."""
    query = "Mond Lune Luna moon"
    for languages in (["de"], ["DE"], ["de"] * 20):
        found = find(query, search_language_filter=languages)
        assert hosts(found) == {"de.atlas.example"}


def test_recency_counts_back_from_the_sandboxs_day(find: Find) -> None:
    """2026-11-23. What has no date is never recent."""
    counts = [
        len(
            find(
                "moon jupiter weather city bread",
                max_results=20,
                search_recency_filter=span,
            )["results"]
        )
        for span in ("hour", "day", "week", "month", "year")
    ]
    assert counts == sorted(counts)
    assert counts[0] < counts[1] < counts[2] < counts[4]


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("search_after_date_filter", "11/22/2026", True),
        ("search_after_date_filter", "11/23/2026", False),
        ("search_before_date_filter", "11/22/2026", True),
        ("search_before_date_filter", "11/21/2026", False),
        ("last_updated_after_filter", "11/23/2026", True),
        ("last_updated_after_filter", "11/24/2026", False),
        ("last_updated_before_filter", "11/23/2026", True),
        ("last_updated_before_filter", "1/1/2026", False),
    ],
)
def test_a_date_filter_acts_and_its_bound_is_included(
    find: Find, field: str, value: str, kept: bool
) -> None:
    """On the publication date, or on the last change."""
    news = "https://orbit-news.example/2026/jupiter-moons"
    assert (news in urls(find("jupiter moons", **{field: value}))) is kept


@pytest.mark.parametrize(
    "value", ["2026-11-23", "13/01/2026", "02/30/2026", "11/23/26", "today"]
)
def test_a_date_in_another_form_is_refused(client: httpx.Client, value: str) -> None:
    """MM/DD/YYYY alone: no ISO date, which the agent's tool takes."""
    answer = client.post(
        "/search", json={"query": "moon", "last_updated_before_filter": value}
    )
    assert (answer.status_code, answer.json()["error"]["type"]) == (
        400,
        "invalid_request",
    )
    assert "last_updated_before_filter" in answer.json()["error"]["message"]


def test_recency_excludes_publication_dates_but_not_the_others(
    client: httpx.Client, find: Find
) -> None:
    """Recorded by others: 400 for the first pair."""
    both = {
        "query": "moon",
        "search_recency_filter": "week",
        "search_after_date_filter": "1/1/2026",
    }
    assert client.post("/search", json=both).status_code == 400
    assert find(
        "moon", search_recency_filter="week", last_updated_after_filter="1/1/2026"
    )["results"]
