"""Sources at the places that their ids name."""

import pytest

from perplexity_connector.perplexity.wire.sources import page, place_by_id

EMPTY = {"title": "", "url": "", "snippet": "", "date": None, "last_updated": None}


def result(number: object, url: str | None = None) -> dict[str, object]:
    """A result with an id."""
    return {
        "id": number,
        "url": url or f"https://{number}.example",
        "title": f"Page {number}",
    }


def urls(*results: dict[str, object]) -> list[object]:
    """The placed pages' addresses."""
    return [found["url"] for found in place_by_id(results).pages]


def codes(*results: dict[str, object]) -> list[str]:
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
    assert found.numbers == {1, 2, 3}
    assert list(found.warnings) == []


def test_a_gap_is_an_empty_entry_and_a_warning() -> None:
    """Later sources keep their numbers."""
    found = place_by_id([result(4), result(1)])
    assert list(found.pages)[1:3] == [EMPTY, EMPTY]
    assert found.pages[3]["url"] == "https://4.example"
    assert found.numbers == {1, 4}
    assert [warning.code for warning in found.warnings] == ["source_gap"]
    assert "2, 3" in found.warnings[0].message


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
    [None, "1", 0, -1, 1001, 10**30, 1.5, True, [], {}, float("inf"), float("nan")],
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
    assert found.numbers == {1, 2}
    assert list(found.warnings) == []


def test_the_highest_number_is_a_thousand() -> None:
    """Room is made up to there, since a search has at most fifty results."""
    assert len(place_by_id([result(1000)]).pages) == 1000


def test_no_sources_are_no_sources() -> None:
    """An answer without a search has none."""
    found = place_by_id([])
    assert (list(found.pages), found.numbers, list(found.warnings)) == (
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
