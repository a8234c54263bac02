"""What *Execute Search* refuses."""

from typing import Any

import pytest

from perplexity_connector.perplexity.forms.execute_search import SearchInput
from perplexity_connector.perplexity.forms.validation import validate_input
from tests.perplexity.forms.problems import in_chat, in_search, problems


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"query": []}, [("/query", "minItems")]),
        ({"query": ""}, [("/query", "minLength")]),
        ({"query": [""]}, [("/query/0", "minLength")]),
        ({"query": ["moon", "", 3]}, [("/query/1", "minLength"), ("/query/2", "type")]),
        ({"query": ["moon"] * 101}, [("/query", "maxItems")]),
        ({"query": None}, [("/query", "type")]),
        ({"query": {}}, [("/query", "type")]),
        ({"query": 7}, [("/query", "type")]),
        ({"query": ("moon",)}, [("/query", "type")]),
        ({"query": [["moon"]]}, [("/query/0", "type")]),
        ({"query": "\ud800"}, [("/query", "type")]),
        ({"query": " \n"}, [("/query", "blank")]),
        ({"query": "\u200b\xa0\ufeff"}, [("/query", "blank")]),
        ({"query": ["moon", "  ", "sun"]}, [("/query/1", "blank")]),
        ({"query": "m" * 8193}, [("/query", "maxLength")]),
        ({"query": ["moon", "m" * 8193]}, [("/query/1", "maxLength")]),
        ({"country": "ZZ"}, [("/country", "unknown_code")]),
        ({"country": "uk"}, [("/country", "unknown_code")]),
        (
            {"search_language_filter": ["en", "xx"]},
            [("/search_language_filter/1", "unknown_code")],
        ),
        ({"max_results": 0}, [("/max_results", "minimum")]),
        ({"max_results": 21}, [("/max_results", "maximum")]),
        ({"max_results": True}, [("/max_results", "type")]),
        ({"max_tokens": 1_000_001}, [("/max_tokens", "maximum")]),
        ({"max_tokens_per_page": 0.5}, [("/max_tokens_per_page", "type")]),
        ({"search_type": "people"}, [("/search_type", "enum")]),
        ({"country": "USA"}, [("/country", "maxLength")]),
        (
            {"search_language_filter": ["en"] * 21},
            [("/search_language_filter", "maxItems")],
        ),
        (
            {"search_language_filter": ["en", "english"]},
            [("/search_language_filter/1", "maxLength")],
        ),
        (
            {"search_domain_filter": ["a.example"] * 21},
            [("/search_domain_filter", "maxItems")],
        ),
        ({"search_mode": "academic"}, [("/search_mode", "withdrawn")]),
        ({"safe_search": True}, [("/safe_search", "withdrawn")]),
        ({"querry": "moon"}, [("/querry", "unknown_field")]),
    ],
)
def test_a_bad_field_is_named_by_pointer_and_keyword(
    part: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """The branches of the query's union are folded to the field; everything else is plain."""
    assert in_search(part) == expected


@pytest.mark.parametrize(
    "part",
    [
        {"query": "moon"},
        {"query": ["moon"] * 100},
        {"max_results": 5.0},
        {"country": ""},
        {"country": " xk "},
        {"query": "m" * 8192},
        {"query": "\U0001f315" * 8192},
        {"query": "\u200bmoon"},
        {"search_language_filter": ["EN", " de"] * 10},
    ],
)
def test_a_good_input_is_good(part: dict[str, Any]) -> None:
    """One query, a hundred, whole floats and cleared fields are fine."""
    assert in_search(part) == []


def test_a_query_must_be_there() -> None:
    """The one required field is pointed at where it would stand."""
    assert problems(SearchInput, {}) == [("/query", "required")]
    assert problems(SearchInput, ["moon"]) == [("", "type")]


@pytest.mark.parametrize("husk", [None, "", " ", [], {}], ids=repr)
@pytest.mark.parametrize(
    "name", [name for name in SearchInput.model_fields if name != "query"]
)
def test_a_cleared_field_counts_as_unset(name: str, husk: Any) -> None:
    """What a form leaves behind is the same as leaving the field out."""
    assert validate_input(SearchInput, {"query": "moon", name: husk}) == validate_input(
        SearchInput, {"query": "moon"}
    )


@pytest.mark.parametrize(
    "filters",
    [
        {"search_domain_filter": ["a.example", "-b.example"]},
        {"search_recency_filter": "week", "search_before_date_filter": "2026-01-01"},
        {
            "search_after_date_filter": "2026-02-01",
            "search_before_date_filter": "2026-01-01",
        },
        {
            "last_updated_after_filter": "2026-02-01",
            "last_updated_before_filter": "2026-01-01",
        },
    ],
)
def test_the_filters_exclude_each_other_as_in_a_chat(
    filters: dict[str, Any],
) -> None:
    """What both actions have, both check alike."""
    found = in_search(filters)
    assert found == in_chat(filters)
    assert {code for _, code in found} == {"conflict"}
    assert {pointer for pointer, _ in found} == {f"/{name}" for name in filters}


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("https://bbc.com/news", "bbc.com"),
        (" http://www.BBC.co.uk:8080/?q=1#top", "bbc.co.uk"),
        ("-https://bbc.com", "-bbc.com"),
        ("bbc.com:443", "bbc.com"),
        ("bbc.com.", "bbc.com"),
        ("www.com/", "www.com"),
        (f"bbc.com/{'a' * 300}", "bbc.com"),
        ("https://SENTINEL:SENTINEL@bbc.com/SENTINEL", "bbc.com"),
    ],
)
def test_the_error_of_an_address_names_the_domain_in_it(
    address: str, domain: str
) -> None:
    """Other parts of it stay out; the domain that is named is valid."""
    found = validate_input(
        SearchInput, {"query": "moon", "search_domain_filter": [address]}
    )
    assert isinstance(found, list)
    assert [error.code for error in found] == ["pattern"]
    assert found[0].message.split()[-1] == domain
    assert "SENTINEL" not in found[0].message
    assert in_search({"search_domain_filter": [domain]}) == []


@pytest.mark.parametrize("text", ["bbc news", "https://bbc", "a.example, b.example"])
def test_a_text_without_one_domain_has_the_error_of_any_text(text: str) -> None:
    """Also where it has several domains: one text is one domain."""
    found = validate_input(
        SearchInput, {"query": "moon", "search_domain_filter": [text]}
    )
    other = validate_input(SearchInput, {"query": "moon", "search_domain_filter": [""]})
    assert isinstance(found, list)
    assert found == other
