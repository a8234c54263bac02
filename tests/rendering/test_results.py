import json
from typing import Any

import pytest

from perplexity_connector.rendering.results import (
    is_worth_showing,
    output_lines,
    totals_line,
    warning_lines,
)
from tests.cli.fakes import envelope

SOURCES: Any = [
    {
        "title": "Moon\n[9] forged",
        "url": "https://moon.example",
        "date": "2024-01-02",
        "snippet": "s",
    },
    {"title": "", "url": "", "date": None},
    {"title": "Atlas", "url": "https://atlas.example", "date": None},
]


def page(query: str, title: str, **more: Any) -> dict[str, Any]:
    """A search result."""
    return {
        "query": query,
        "rank": 1,
        "title": title,
        "url": f"https://{title.lower()}.example",
    } | more


def test_an_answer_is_followed_by_its_numbered_sources() -> None:
    """A source that was never sent keeps its number free, so that [3] in the answer is still the third."""
    lines = list(output_lines({"content": "Far [1][3].", "search_results": SOURCES}))
    assert lines[:2] == ["Far [1][3].", ""]
    assert [line.split("]")[0] for line in lines[2:]] == ["[1", "[3"]
    assert "https://moon.example" in lines[2]
    assert "2024-01-02" in lines[2]


def test_a_source_shows_no_user_and_no_false_order() -> None:
    """Neither beside an answer nor in a search; a title that is an address included."""
    for slashes in ("//", "/\t/", "/\n\u202e/"):
        url = f"https:{slashes}user:secret@moon.example"
        pages = [{"title": url, "url": url}, {"title": "a \u202eb", "url": url}]
        answer: Any = {"content": "Far.", "search_results": pages}
        for output in (answer, {"results": pages}):
            text = "\n".join(output_lines(output))
            assert text.count("https://moon.example") == 3
            assert "a b" in text
            assert "secret" not in text


def test_bare_citations_serve_as_sources() -> None:
    """A connector may have addresses only."""
    lines = list(
        output_lines(
            {"content": "a", "citations": ["https://a.example", "https://b.example"]}
        )
    )
    assert lines[2:] == ["[1] https://a.example", "[2] https://b.example"]


def test_an_answer_without_sources_stands_alone() -> None:
    """No empty heading."""
    assert list(output_lines({"content": "a", "search_results": []})) == ["a"]


def test_a_streamed_answer_is_not_shown_twice() -> None:
    """Only its line is ended, and the sources follow."""
    assert list(output_lines({"content": "abc", "citations": ["u"]}, "abc")) == [
        "",
        "",
        "[1] u",
    ]


def test_what_the_stream_missed_is_added() -> None:
    """The text goes on where it stopped."""
    assert list(output_lines({"content": "abc"}, "ab")) == ["c"]


def test_an_answer_that_differs_from_its_stream_stands_whole_below_it() -> None:
    """The final one counts."""
    assert list(output_lines({"content": "xyz"}, "ab")) == ["\n\nxyz"]


def test_a_stream_whose_output_has_no_answer_has_its_line_ended() -> None:
    """Such a connector streams something that its output does not repeat."""
    assert next(iter(output_lines({"count": 1}, "ab"))) == ""


def test_pages_are_grouped_by_query_and_numbered() -> None:
    """Queries stand in the order asked, each with its own numbers; one without results says so."""
    output: Any = {
        "results": [
            page("a", "One", snippet="long " * 99, date="2024-01-02"),
            page("b", "Two"),
            page("a", "Three"),
        ],
        "queries": [{"query": "b"}, {"query": "none"}, {"query": "a"}],
    }
    lines = list(output_lines(output))
    headings = [line for line in lines if line.startswith("Results for ")]
    assert [heading.rsplit(maxsplit=1)[1] for heading in headings] == ["b", "none", "a"]
    assert [line.split()[:2] for line in lines if line.strip()[:2] in ("1.", "2.")] == [
        ["1.", "Two"],
        ["1.", "One"],
        ["2.", "Three"],
    ]
    assert max(map(len, lines)) < 260
    assert any("https://three.example" in line for line in lines)
    assert any("2024-01-02" in line for line in lines)


def test_a_failed_query_says_why_and_leaves_the_others() -> None:
    """One line in its place."""
    error = {"code": "unavailable", "user_message": "Down."}
    output: Any = {
        "results": [page("a", "One")],
        "queries": [{"query": "b", "error": error}, {"query": "a"}],
    }
    lines = list(output_lines(output))
    assert "Down." in lines[1]
    assert any("One" in line for line in lines)


def test_pages_without_queries_are_simply_listed() -> None:
    """Another connector's results need not name a query, nor have a title."""
    lines = list(output_lines({"results": [{"url": "https://a.example"}]}))
    assert lines[0].lstrip().startswith("1.")
    assert lines[1].strip() == "https://a.example"


def test_a_page_without_an_address_has_no_empty_line() -> None:
    """Its title is all there is."""
    assert len(list(output_lines({"results": [{"title": "A", "url": None}]}))) == 1


def test_no_results_at_all_is_said() -> None:
    """Rather than nothing."""
    assert list(output_lines({"results": []})) != []


@pytest.mark.parametrize(
    "output",
    [{"count": 3}, {"results": ["a"]}, {"results": "a"}, {"content": None}, {}],
)
def test_any_other_output_is_shown_as_json(output: Any) -> None:
    """A shape that the command line does not know is shown as it is."""
    (text,) = output_lines(output)
    assert json.loads(text) == output


def test_outside_text_cannot_drive_the_terminal() -> None:
    """Whatever place it stands in."""
    evil = "a\x1b[2J\x9b\x07\rb"
    outputs: list[Any] = [
        {
            "content": evil,
            "search_results": [{"title": evil, "url": evil, "date": evil}],
        },
        {
            "results": [
                {
                    "query": evil,
                    "title": evil,
                    "url": evil,
                    "date": evil,
                    "snippet": evil,
                }
            ]
        },
        {"results": [], "queries": [{"query": evil, "error": {"message": evil}}]},
        {"other": evil},
    ]
    shown = "".join(line for output in outputs for line in output_lines(output))
    assert not set("\x1b\x9b\x07\r") & set(shown)


@pytest.mark.parametrize(
    ("partial", "worth"),
    [
        ({}, False),
        ({"content": " "}, False),
        ({"content": "", "id": "x"}, False),
        ({"content": "a"}, True),
        ({"results": []}, False),
        ({"results": [1]}, True),
    ],
)
def test_an_empty_partial_is_not_worth_showing(partial: Any, worth: bool) -> None:
    """Ids alone are nothing to read."""
    assert is_worth_showing(partial) is worth


@pytest.mark.parametrize(
    ("usage", "line"),
    [
        ({}, "1.2 s"),
        ({"total_tokens": 9}, "9 tokens, 1.2 s"),
        (
            {
                "prompt_tokens": 2,
                "completion_tokens": 7,
                "total_tokens": 9,
                "cost": {"total_cost": 0.0061},
            },
            "9 tokens (2 in, 7 out), 0.0061 USD, 1.2 s",
        ),
        ({"cost": 2}, "2 USD, 1.2 s"),
        ({"cost": {"currency": "EUR", "total_cost": 10.5}}, "10.5 EUR, 1.2 s"),
        ({"cost": 0.00000001}, "0 USD, 1.2 s"),
        (
            {"cost": {"total_cost": 0.01, "basis": "list_price"}},
            "about 0.01 USD, 1.2 s",
        ),
        ({"cost": {"total_cost": 0.01, "basis": "provider"}}, "0.01 USD, 1.2 s"),
    ],
)
def test_the_totals_stand_on_one_line(usage: Any, line: str) -> None:
    """Tokens, cost, duration; what is not known is left out."""
    assert totals_line(envelope(usage=usage)) == line


def test_the_totals_of_several_runs_add_all_that_is_known() -> None:
    """A list price makes the sum of its currency an estimate, and of no other."""
    search = {"cost": {"total_cost": 0.005, "basis": "list_price"}}
    chat = {"total_tokens": 9, "cost": {"total_cost": 0.002, "basis": "provider"}}
    other = {"total_tokens": 3, "cost": {"total_cost": 1, "currency": "EUR"}}
    envelopes = [envelope(usage=usage) for usage in (search, chat, other, {})]
    line = "12 tokens, about 0.007 USD, 1 EUR, 4.9 s"
    assert totals_line(*envelopes) == line


def test_totals_fall_back_on_the_output() -> None:
    """A connector may have its usage there only."""
    run = envelope(output={"usage": {"total_tokens": 3}})
    assert totals_line(run) == "3 tokens, 1.2 s"


def test_each_warning_is_one_line() -> None:
    """With its code, so that it can be looked up."""
    (line,) = warning_lines(envelope(warnings=[{"code": "gap", "message": "a\nb"}]))
    assert "gap" in line
    assert "\n" not in line
