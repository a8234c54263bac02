"""`POST /search`, both ways."""

import json
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from perplexity_connector.perplexity.forms.execute_search import SearchInput
from perplexity_connector.perplexity.wire.search import (
    PATH,
    filters_of,
    pages_from_answer,
    queries,
    request_body,
)
from tests.paths import SCHEMAS
from tests.perplexity.wire.streams import json_values

OUTPUT = Draft202012Validator(
    json.loads(
        (SCHEMAS / "execute_search.v1.output.schema.json").read_text(encoding="utf-8")
    )
)
SET: dict[str, Any] = {
    "max_results": 5,
    "max_tokens": 1000,
    "max_tokens_per_page": 100,
    "search_context_size": "low",
    "search_type": "fast",
    "country": "us",
    "search_domain_filter": ["moon.example"],
    "search_language_filter": ["EN"],
    "search_recency_filter": "week",
    "search_after_date_filter": "2026-03-09",
    "search_before_date_filter": "2026-03-10",
    "last_updated_after_filter": "2026-03-11",
    "last_updated_before_filter": "2026-03-12",
}
SENT: Any = SET | {
    "country": "US",
    "search_language_filter": ["en"],
    "search_after_date_filter": "03/09/2026",
    "search_before_date_filter": "03/10/2026",
    "last_updated_after_filter": "03/11/2026",
    "last_updated_before_filter": "03/12/2026",
}


def body(**values: Any) -> dict[str, Any]:
    """The request for one query and these fields."""
    return dict(
        request_body(
            filters_of(SearchInput.model_validate({"query": "moon"} | values)), "moon"
        )
    )


def test_the_table_above_knows_every_optional_field() -> None:
    """Whoever adds a field says here what it sends."""
    assert SearchInput.model_fields.keys() - {"query"} == SET.keys()


@pytest.mark.parametrize("name", SET)
def test_every_optional_field_reaches_the_wire_alone(name: str) -> None:
    """Under its own name, dates as MM/DD/YYYY, and with nothing beside it."""
    assert body(**{name: SET[name]}) == {"query": "moon", name: SENT[name]}


def test_nothing_unset_is_sent() -> None:
    """A bare query is a bare request."""
    assert body() == {"query": "moon"}
    assert PATH == "/search"


def test_each_query_is_a_request_of_its_own() -> None:
    """An answer to several queries could not be attributed to them."""
    form = SearchInput.model_validate({"query": ["moon", "sun"], "max_results": 2})
    assert list(queries(form)) == ["moon", "sun"]
    assert [request_body(filters_of(form), query) for query in queries(form)] == [
        {"query": "moon", "max_results": 2},
        {"query": "sun", "max_results": 2},
    ]
    assert list(queries(SearchInput.model_validate({"query": "moon"}))) == ["moon"]


A: dict[str, Any] = {
    "title": "A",
    "url": "https://a.example",
    "snippet": "s",
    "date": None,
}
PAGE_A: dict[str, Any] = {
    "title": "A",
    "url": "https://a.example",
    "snippet": "s",
    "date": None,
    "last_updated": None,
}
B: dict[str, Any] = {
    "title": "B",
    "url": "https://b.example",
    "snippet": "",
    "date": "2026-01-02",
    "last_updated": "2026-02-03",
}


def test_the_pages_come_in_the_providers_order() -> None:
    """Missing and null dates are the same thing."""
    assert pages_from_answer({"results": [A, B], "id": "abc"}) == ([PAGE_A, B], "abc")


def test_a_nested_list_of_results_is_understood_too() -> None:
    """Sources contradict each other on the shape, so both are read."""
    assert pages_from_answer({"results": [[A], [B], []], "id": "abc"}) == (
        [PAGE_A, B],
        "abc",
    )


def test_no_results_are_a_normal_answer() -> None:
    """An id that is missing or no text is none."""
    assert pages_from_answer({"results": []}) == ([], None)
    assert pages_from_answer({"results": [], "id": 7}) == ([], None)


def test_null_results_are_no_results() -> None:
    """The provider writes empty lists as null elsewhere."""
    assert pages_from_answer({"results": None, "id": "i"}) == ([], "i")


def test_what_is_no_page_is_passed_over() -> None:
    """One odd entry does not take the others with it."""
    assert pages_from_answer({"results": [None, A, "x", [B, 3]]}) == ([PAGE_A, B], None)


@pytest.mark.parametrize(
    "answer",
    [None, [], "x", {}, {"results": {"a": 1}}, {"error": {}}],
)
def test_an_answer_of_another_shape_is_a_value_error(answer: Any) -> None:
    """Without a list of results there is no answer."""
    with pytest.raises(ValueError):  # noqa: PT011 - the type is the promise
        pages_from_answer(answer)


@given(json_values)
def test_whatever_comes_back_fits_the_output_schema(answer: Any) -> None:
    """Any JSON at all is either refused or becomes rows that the published schema accepts."""
    for document in (
        answer,
        {"results": answer, "id": answer},
        {"results": [answer, [answer]]},
    ):
        try:
            pages, found_id = pages_from_answer(document)
        except ValueError:
            continue
        output = {
            "results": [
                {"query": "moon", "rank": rank, **page}
                for rank, page in enumerate(pages, start=1)
            ],
            "queries": [
                {"query": "moon", "count": len(pages), "id": found_id, "error": None}
            ],
            "merged": None,
        }
        json.dumps(output, ensure_ascii=False, allow_nan=False).encode()
        assert list(OUTPUT.iter_errors(output)) == []
