"""Sources at the places that their ids name."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_connector.perplexity.wire.sources import (
    Sources,
    collect_sources,
    page,
    result_id,
)
from tests.perplexity.wire.streams import json_values

EMPTY: dict[str, Any] = {
    "title": "",
    "url": "",
    "snippet": "",
    "date": None,
    "last_updated": None,
}
A, B, C = ("https://a.example", "https://b.example", "https://c.example")


def result(number: object, url: str | None = None) -> dict[str, Any]:
    """A result with an id."""
    return {
        "id": number,
        "url": url or f"https://{number}.example",
        "title": f"Page {number}",
    }


def place_by_id(results: Sequence[dict[str, Any]]) -> Sources:
    """The sources of one search."""
    return collect_sources([searched(*results)])


def searched(*results: dict[str, Any]) -> dict[str, Any]:
    """The output item of a search."""
    return {"type": "search_results", "queries": None, "results": list(results)}


def read(*urls: str | None) -> dict[str, Any]:
    """The output item of pages that were read."""
    contents = [{"title": "Page", "url": url, "snippet": "Read."} for url in urls]
    return {"type": "fetch_url_results", "contents": contents}


def figures(*urls: object) -> dict[str, Any]:
    """The output item of figures and their sources."""
    rows = [{"category": "quote", "content": "ABC 100", "sources": list(urls)}]
    return {"type": "finance_results", "tickers": ["ABC"], "results": rows}


def annotated(*urls: object, kind: str = "url_citation") -> dict[str, Any]:
    """A message with annotations."""
    marks = [{"type": kind, "url": url, "title": "Noted"} for url in urls]
    part = {"type": "output_text", "text": "x", "annotations": marks}
    return {"type": "message", "content": [part]}


def listed(*items: dict[str, Any]) -> list[tuple[object, object]]:
    """The address and the kind of each source."""
    return [(entry["url"], entry["kind"]) for entry in collect_sources(items).pages]


def urls(*results: dict[str, Any]) -> list[Any]:
    """The placed pages' addresses."""
    return [found["url"] for found in place_by_id(results).pages]


def codes(*results: dict[str, Any]) -> list[str]:
    """The codes of the warnings."""
    return [warning.code for warning in place_by_id(results).warnings]


def test_sources_stand_by_id_whatever_order_they_come_in() -> None:
    """The source of [n] is the n-th."""
    found = place_by_id([result(3), result(1), result(2)])
    assert [row["url"] for row in found.pages] == [
        "https://1.example",
        "https://2.example",
        "https://3.example",
    ]
    assert found.searched == {1, 2, 3}
    assert list(found.warnings) == []


def test_a_gap_is_an_empty_entry_and_a_warning() -> None:
    """Later sources keep their numbers."""
    found = place_by_id([result(4), result(1)])
    assert list(found.pages)[1:3] == [EMPTY | {"kind": "search"}] * 2
    assert found.pages[3]["url"] == "https://4.example"
    assert found.searched == {1, 4}
    assert [warning.code for warning in found.warnings] == ["source_gap"]


@pytest.mark.parametrize("step", [1, 2, 7, 999])
def test_a_warning_of_many_gaps_is_short(step: int) -> None:
    """A thousand missing numbers are a few ranges and a count."""
    found = place_by_id([result(number) for number in {*range(1, 1001, step), 1000}])
    assert all(len(warning.message) < 150 for warning in found.warnings)
    assert bool(found.warnings) is (step > 1)


def test_the_same_source_twice_is_one_source() -> None:
    """The same number and address again says nothing new."""
    assert urls(result(1), result(2), result(1)) == [
        "https://1.example",
        "https://2.example",
    ]
    assert codes(result(1), result(2), result(1)) == []


def test_of_two_sources_with_one_number_the_first_stays() -> None:
    """Another address under the same number is a warning, told once."""
    rows = [
        result(1, "https://a.example"),
        result(1, "https://b.example"),
        result(1, "https://c.example"),
    ]
    assert urls(*rows) == ["https://a.example"]
    assert codes(*rows) == ["source_duplicate"]


@pytest.mark.parametrize(
    "number",
    [
        None,
        "",
        "x",
        "-1",
        "1.0",
        "9" * 5000,
        "\u0661",
        0,
        -1,
        1001,
        10**30,
        1.5,
        True,
        [],
        {},
        float("inf"),
        float("nan"),
    ],
    ids=lambda number: str(number)[:10],
)
def test_an_id_that_is_no_number_of_a_source_counts_as_none(number: object) -> None:
    """Such a source stands after all others, with a warning, and makes no room for itself."""
    assert urls(result(number, "https://odd.example"), result(1)) == [
        "https://1.example",
        "https://odd.example",
    ]
    assert codes(result(number, "https://odd.example"), result(1)) == [
        "source_unnumbered"
    ]


def test_a_whole_float_is_a_number() -> None:
    """JSON does not tell 2.0 from 2."""
    assert urls(result(2.0, "https://b.example"), result(1)) == [
        "https://1.example",
        "https://b.example",
    ]


def test_sources_that_all_have_no_number_stand_as_they_came() -> None:
    """Then the order is all there is, and nothing to warn of."""
    found = place_by_id([{"url": "https://b.example"}, {"url": "https://a.example"}])
    assert [row["url"] for row in found.pages] == [
        "https://b.example",
        "https://a.example",
    ]
    assert found.searched == {1, 2}
    assert list(found.warnings) == []


def test_an_id_written_as_text_is_a_number() -> None:
    """Some gateways write numbers as text."""
    assert urls(result("3", C), result(" 1 ", A), result("02", B)) == [A, B, C]
    assert codes(result("3", C), result("1", A), result(2, B)) == []
    assert result_id({"id": "3"}) == result_id({"id": 3}) == 3
    assert result_id({"id": "three"}) is None
    assert result_id({}) is None


@pytest.mark.parametrize("url", [None, "", 7])
def test_a_result_without_an_address_keeps_its_place(url: object) -> None:
    """Later sources keep their numbers, a mark to it has a source, and a warning names it."""
    bare = {"id": 2, "title": "Page 2", "url": url, "snippet": "Text"}
    found = place_by_id([result(1, A), bare, result(3, C)])
    assert [entry["url"] for entry in found.pages] == [A, "", C]
    assert found.pages[1]["title"] == "Page 2"
    assert found.number_of_mark(2) == found.number_of_web_mark(2) == 2
    assert [warning.code for warning in found.warnings] == ["source_without_address"]


def test_one_address_may_have_several_ids() -> None:
    """Search results keep all their ids."""
    assert urls(result(1, A), result(2, A), result(3, B)) == [A, A, B]
    assert codes(result(1, A), result(2, A), result(3, B)) == []


def test_other_sources_follow_the_last_search_result() -> None:
    """Pages that were read, sources of figures and annotations, no address twice."""
    items = [
        annotated(B, "https://note.example"),
        figures(A, "https://fin.example", "https://fin.example", None, ""),
        read(B, C),
        read(C, "https://deep.example"),
        searched(result(2, B), result(1, A)),
    ]
    assert listed(*items) == [
        (A, "search"),
        (B, "search"),
        (C, "page"),
        ("https://deep.example", "page"),
        ("https://fin.example", "finance"),
        ("https://note.example", "annotation"),
    ]
    found = collect_sources(items)
    assert list(found.read) == [2, 3, 3, 4]
    assert found.annotated == {2, 6}
    assert list(found.warnings) == []


def test_an_address_with_several_ids_is_its_first_number() -> None:
    """A page that the search found twice is not a third source."""
    found = collect_sources([searched(result(2, A), result(1, A)), read(A)])
    assert len(found.pages) == 2
    assert list(found.read) == [1]


def test_a_read_page_without_an_address_keeps_its_place() -> None:
    """The pages after it are still counted right."""
    found = collect_sources([read(A, None, B)])
    assert [entry["url"] for entry in found.pages] == [A, "", B]
    assert [found.number_of_web_mark(mark) for mark in range(4)] == [1, 2, 3, None]
    assert [warning.code for warning in found.warnings] == ["source_without_address"]


def test_annotations_that_cite_no_address_are_not_sources() -> None:
    """Other types and empty addresses add nothing."""
    assert listed(annotated(A, kind="file_citation"), annotated(None, "")) == []
    assert listed({"type": "message", "content": None}, {"type": "image"}) == []


def test_without_search_results_web_marks_count_the_read_pages_from_zero() -> None:
    """`[web:1]` is the second page; `[1]` is the first source, as everywhere."""
    found = collect_sources([searched(), read(A, B), figures(C)])
    assert [found.number_of_web_mark(mark) for mark in range(4)] == [1, 2, None, None]
    assert [found.number_of_mark(mark) for mark in range(5)] == [None, 1, 2, 3, None]


def test_beside_search_results_marks_from_one_are_their_ids_alone() -> None:
    """A number that only a page has is not the page's mark."""
    found = collect_sources([searched(result(1, A), result(3, C)), read(B)])
    assert [entry["url"] for entry in found.pages] == [A, "", C, B]
    for number_of in (found.number_of_web_mark, found.number_of_mark):
        assert [number_of(mark) for mark in range(1, 6)] == [1, None, 3, None, None]
    assert found.number_of_web_mark(0) == 4
    assert found.number_of_mark(0) is None


def test_mark_zero_is_the_first_page_even_if_the_search_found_it() -> None:
    """Then it has the number of the search result; without a page it has none."""
    both = [searched(result(1, A), result(2, B)), read(B, C)]
    assert collect_sources(both).number_of_web_mark(0) == 2
    assert collect_sources(both[:1]).number_of_web_mark(0) is None
    assert collect_sources([]).number_of_web_mark(0) is None


def test_an_answer_is_grounded_if_a_source_has_an_address() -> None:
    """An empty place, or a result without an address, is not enough."""
    assert not collect_sources([]).is_grounded
    assert not place_by_id([result(1) | {"url": None}]).is_grounded
    assert place_by_id([result(9)]).is_grounded
    for item in (read(A), figures(A), annotated(A)):
        assert collect_sources([item]).is_grounded


def test_sources_are_found_by_address() -> None:
    """All numbers that an address has."""
    found = place_by_id([result(1, A), result(2, B), result(3, A)])
    assert found.numbers_of_addresses([A, C]) == {1, 3}
    assert found.numbers_of_addresses([]) == set()


@given(st.lists(json_values, max_size=3))
def test_any_items_at_all_are_collected(rows: list[Any]) -> None:
    """Odd items are skipped, every source has all keys, and every number is a place."""
    odd = [row for row in rows if isinstance(row, dict)]
    items = [
        *odd,
        {"type": "search_results", "results": rows},
        {"type": "fetch_url_results", "contents": rows},
        {"type": "finance_results", "results": [{"sources": rows}, *odd]},
        {"type": "message", "content": [{"annotations": rows}, *odd]},
    ]
    found = collect_sources(items)
    assert all(entry.keys() == {*EMPTY, "kind"} for entry in found.pages)
    numbers = {*found.searched, *found.read, *found.annotated}
    assert numbers <= set(range(1, len(found.pages) + 1))


def test_the_highest_number_is_a_thousand() -> None:
    """Room is made up to there, since a search has at most fifty results."""
    assert len(place_by_id([result(1000)]).pages) == 1000


def test_no_sources_are_no_sources() -> None:
    """An answer without a search has none."""
    found = place_by_id([])
    assert (list(found.pages), found.searched, list(found.warnings)) == (
        [],
        frozenset(),
        [],
    )


def test_a_page_has_every_key_whatever_the_provider_left_out() -> None:
    """Texts are empty and dates null where they are missing, null or no text."""
    assert page({}) == EMPTY
    odd = {
        "title": None,
        "url": 7,
        "snippet": ["x"],
        "date": "",
        "last_updated": 20260101,
        "source": "web",
    }
    assert page(odd) == EMPTY
    whole = {
        "title": "T",
        "url": "u",
        "snippet": "s",
        "date": "2026-01-02",
        "last_updated": "2026-03-04",
    }
    assert page(whole | {"id": 1, "source": "web"}) == whole


def test_no_source_has_a_user_or_a_password_in_its_address() -> None:
    """In all kinds of items; two addresses that differ in it alone are one source."""
    secret = "https://user:secret@{}.example".format
    found = collect_sources(
        [
            searched(result(1, secret("a"))),
            read(secret("b"), B),
            figures(secret("c")),
            annotated(C, secret("d")),
        ]
    )
    assert [entry["url"] for entry in found.pages] == [A, B, C, "https://d.example"]
    assert found.numbers_of_addresses([secret("b")]) == {2}
    assert page({"url": secret("a")})["url"] == A
