"""Citation marks, whole and in pieces."""

from collections.abc import Collection
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perplexity_connector.perplexity.wire import citation_marks
from perplexity_connector.perplexity.wire.citation_marks import (
    MarkRewriter,
    find_citations,
    find_cited_in_json,
    rewrite_marks,
)
from perplexity_connector.perplexity.wire.sources import Sources, collect_sources

FENCED = "A.[web:1]\n```python\nx[web:2]\n```\nB.[web:2]"


def searched(*numbers: int) -> Sources:
    """Search results with these ids."""
    results: Any = [
        {"id": number, "url": f"https://{number}.example"} for number in numbers
    ]
    return collect_sources([{"type": "search_results", "results": results}])


def rewritten(text: str, sources: Sources) -> str:
    """The text with the marks of these sources."""
    return rewrite_marks(text, sources.number_of_web_mark)


def missing(text: str, *numbers: int) -> list[str]:
    """The marks that search results with these ids leave without a source."""
    return list(find_citations(text, searched(*numbers)).missing)


def cited(text: str, *numbers: int) -> Collection[int]:
    """The search results with these ids that the text cites."""
    return find_citations(text, searched(*numbers)).cited


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("The Moon.[web:1]", "The Moon.[1]"),
        ("[web:1][web:23] and [web:4].", "[1][23] and [4]."),
        ("already [1] plain", "already [1] plain"),
        ("[web:]", "[web:]"),
        ("[web:x]", "[web:x]"),
        ("[web:1", "[web:1"),
        ("[web:1234567]", "[web:1234567]"),
        ("[Web:1] [ web:1] [web: 1]", "[Web:1] [ web:1] [web: 1]"),
        ("[web:\u0661]", "[web:\u0661]"),
        ("[[web:1]]", "[[1]]"),
        ("[web:[web:1]]", "[web:[1]]"),
        ("[web:1](https://example.org)", "[1](https://example.org)"),
        ("A.[web:1, web:2]", "A.[1][2]"),
        ("A.[web:4,web:1,web:4]", "A.[4][1][4]"),
        ("A.[web:1, web:x]", "A.[web:1, web:x]"),
        ("A.[web:1, 2]", "A.[web:1, 2]"),
        ("A.[web:01]", "A.[1]"),
        ("", ""),
    ],
)
def test_only_web_marks_are_rewritten(text: str, plain: str) -> None:
    """`[web:n]` becomes `[n]`; anything that only looks like it is the provider's own text."""
    assert rewritten(text, searched(1, 2, 4, 23)) == plain


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("[web:9]", "[web:9]"),
        ("[web:0]", "[web:0]"),
        ("[web:1, web:9]", "[1][web:9]"),
        ("[web:007, web:1]", "[web:007][1]"),
        ("[web:8,web:9]", "[web:8,web:9]"),
    ],
)
def test_a_mark_without_a_source_stays_as_written(text: str, plain: str) -> None:
    """So nobody takes it for the mark of another source."""
    assert rewritten(text, searched(1, 2)) == plain


def test_a_mark_of_a_read_page_becomes_the_number_of_the_page() -> None:
    """Pages are counted from 0 in marks, and from 1 in the list of sources."""
    contents = [{"url": "https://a.example"}, {"url": "https://b.example"}]
    pages = collect_sources([{"type": "fetch_url_results", "contents": contents}])
    assert rewritten("A.[web:0] B.[web:1] C.[web:2]", pages) == "A.[1] B.[2] C.[web:2]"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (FENCED, "A.[1]\n```python\nx[web:2]\n```\nB.[2]"),
        ("~~~\n[web:1]\n~~~\n[web:2]", "~~~\n[web:1]\n~~~\n[2]"),
        ("```\r\n[web:1]\r\n```\r\n[web:2]", "```\r\n[web:1]\r\n```\r\n[2]"),
        ("```\r[web:1]\r```\r[web:2]", "```\r[web:1]\r```\r[2]"),
        ("````\n```\n[web:1]\n````\n[web:2]", "````\n```\n[web:1]\n````\n[2]"),
        ("~~~\n```\n~~~\n[web:2]", "~~~\n```\n~~~\n[2]"),
        ("```\n~~~\n[web:1]", "```\n~~~\n[web:1]"),
        ("```\n``` x\n[web:1]", "```\n``` x\n[web:1]"),
        ("- a\n    ```js\n    [web:1]\n    ```\n[web:2]", "- a\n    ```js\n    [web:1]\n    ```\n[2]"),
        ("1. ```\n   [web:1]\n   ```\n[web:2]", "1. ```\n   [web:1]\n   ```\n[2]"),
        ("> ```\n> [web:1]\n> ```\n[web:2]", "> ```\n> [web:1]\n> ```\n[2]"),
        ("So: ```js\n[web:1]\n```\n[web:2]", "So: ```js\n[web:1]\n```\n[2]"),
        ("Use ``` for code.\n[web:2]", "Use ``` for code.\n[2]"),
        ("So: ```a```\n[web:2]", "So: ```a```\n[2]"),
        ("``` a ```\n[web:2]", "``` a ```\n[2]"),
        ("~~~ a ~~~\n[web:2]", "~~~ a ~~~\n[web:2]"),
        ("``\n[web:2]", "``\n[2]"),
        ("~~\n[web:2]", "~~\n[2]"),
        ("in `[web:1]` and\n\n    [web:2]", "in `[1]` and\n\n    [2]"),
    ],
)  # fmt: skip
def test_marks_in_a_code_fence_stay(text: str, plain: str) -> None:
    """Other code is rewritten, since a stream cannot know it as code."""
    assert rewritten(text, searched(1, 2)) == plain


@pytest.mark.parametrize(
    ("text", "sources", "unbacked"),
    [
        ("A.[1][2]", {1, 2}, []),
        ("A.[3] B.[1] C.[3]", {1}, ["[3]"]),
        ("A.[4] B.[3]", set(), ["[4]", "[3]"]),
        ("A.[web:4] B.[4] C.[web:4]", {1}, ["[web:4]", "[4]"]),
        ("A.[web:1, web:8, web:9]", {1}, ["[web:8]", "[web:9]"]),
        ("In [2026] and [1000]", set(), []),
        ("[01]", set(), []),
        ("[0]", {1}, ["[0]"]),
        ("[web:0]", {1}, ["[web:0]"]),
        ("a link [1](https://example.org)", set(), []),
        ("`a[1]` and ```\nb[2]\n```", set(), []),
        ("```\nb[2] without an end", set(), []),
        ("an odd ` tick [1]", set(), ["[1]"]),
        ("two `ticks\n` [1]", set(), ["[1]"]),
        ("", {1}, []),
    ],
)
def test_marks_without_a_source_are_found(
    text: str, sources: set[int], unbacked: list[str]
) -> None:
    """Each once, in order, as written; years, links and code are no marks."""
    assert missing(text, *sources) == unbacked


@pytest.mark.parametrize(
    "text",
    [
        "see https://a.example/list[7] there",
        "see https://a.example/?f[7]=1&g[7]=2",
        "see www.a.example/x[7]",
        "[a link](https://a.example/x[7])",
        "<https://a.example/[7]>",
        "code `x [7]` in a line",
        "code ``x ` [7]`` in a line",
        "code `over\ntwo [7] lines`",
        "```\nx [7]\n```",
        "~~~\nx [7]\n~~~",
        "~~~~ python\n~~~\nx [7]\n~~~~",
        "Like so:\n\n    x = [7]\n\n    y = [7]\n\nDone.",
        "\tx = [7]",
        "    x = [7]",
        "1. One\n\n        x = [7]",
        "> ```\n> x [7]\n> ```",
        "[7]: https://a.example/x",
        "  [7]: <https://a.example/x>",
        "As known.[7]\n\n[7]: https://a.example/x",
        "arr[5] and arr[5][6] and snake_[7]",
    ],
)
def test_code_addresses_and_definitions_are_no_false_alarm(text: str) -> None:
    """Such brackets are not citations, whether or not there are sources."""
    assert missing(text) == []
    assert missing(text, 1) == []
    assert cited(text, 1) == set()


@pytest.mark.parametrize(
    "text",
    [
        "```\nx\n```\nFar.[7]",
        "`x` Far.[7] `y`",
        "``x` Far.[7]",
        "`x\n\nFar.[7] y`",
        "- One\n    - Two.[7]",
        "- One\n\n    - Two.[7]",
        "- One\n\n    Two.[7]",
        "* One\n\n        - Two.[7]",
        "One\n    Two.[7]",
        "- One\n\nText\n\n  Two.[7]",
        "Text.[7] ```js\nx\n```",
        "```js\nx\n```\nText ```y```.[7]",
        "[Moon](https://a.example)[7]",
        "([Moon](https://a.example/x))[7]",
        "[7]: the Moon book",
    ],
)
def test_marks_beside_code_are_not_overlooked(text: str) -> None:
    """Lists are not code, and code ends."""
    assert missing(text) == ["[7]"]
    assert cited(text, 7) == {7}


def test_code_after_a_list_is_code_again() -> None:
    """The list ends with the first text that is not indented."""
    assert missing("- One\n\nText:\n\n    x = [7]") == []


def test_a_glued_mark_is_text_only_where_no_glued_mark_has_a_source() -> None:
    """Some answers put their marks right after the word, without a full stop."""
    assert missing("arr[5] is read.[1]", 1) == []
    assert missing("The Moon[1] and arr[5]", 1) == ["[5]"]
    assert missing("The Moon[1][5]", 1) == ["[5]"]
    assert missing("The Moon[web:1] and Mars[5]", 1) == ["[5]"]
    assert missing("Mars[web:5]", 1) == ["[web:5]"]
    assert cited("arr[1]", 1) == {1}


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("A.[1] B.[web:3]", {1, 3}),
        ("A.[web:1, web:2] B.[9]", {1, 2}),
        ("Moon[2]", {2}),
        ("See https://moon.example[2].", {2}),
        ("See [2](https://elsewhere.example)", {2}),
        ("See [the Moon](https://3.example).", {3}),
        ("See [the Moon](<https://3.example>).", {3}),
        ("See [the Moon](https://elsewhere.example).", set()),
        ("`[1]` and\n```\n[2] [x](https://3.example)\n```", set()),
        ("[1]: https://1.example", set()),
        ("Nothing.", set()),
    ],
)
def test_the_cited_sources_are_found(text: str, numbers: set[int]) -> None:
    """By mark, and by a link to a source's address; never in code."""
    assert cited(text, 1, 2, 3) == numbers


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ('{"a": "Far.[1]", "b": [{"c": ["x [web:3]"]}]}', {1, 3}),
        ('{"a": [1], "b": [[2]], "[3]": null}', set()),
        ('```json\n{"a": "Far.[1]"}\n```', {1}),
        ('Here: {"a": "b"} [2]', {2}),
        ('{"a": "Far.[1]"', {1}),
        ('{"a": "\\ud800[2]"}', {2}),
        ('{"a": "`[2]`"}', set()),
        ('```json\n{"a": "x"}\n```\n[1][2]', {1, 2}),
        ('According to [1]:\n{"a": "x"}', {1}),
        ('By [1]: {"a": [2]} and {"a": "c [3]"}', {1, 3}),
        ('<think>use {a}</think>{"b": [1], "a": "x"}', set()),
        ('<think>{"a": [1]} or {"a"</think>{"b": [1], "a": "x [2]"}', {2}),
        ('The set {x} is: {"b": [2], "a": "x"}', set()),
        ('{"a": "x [1]", "a": "y [2]", "b": NaN}', {1, 2}),
        ("[1]", {1}),
        ("", set()),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", set()),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_structured_answer_cites_in_its_texts(text: str, numbers: set[int]) -> None:
    """The brackets of its lists are not marks; where it cannot be read, it is a text."""
    assert find_cited_in_json(text, searched(1, 2, 3)) == numbers


def test_a_mark_is_looked_up_once_however_often_it_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An answer cites the same few sources again and again."""
    asked: list[int] = []
    number_of = Sources.number_of_web_mark

    def watched(self: Sources, mark: int) -> int | None:
        asked.append(mark)
        return number_of(self, mark)

    monkeypatch.setattr(Sources, "number_of_web_mark", watched)
    text, sources = "A.[web:1] B.[web:2][web:1] " * 20, searched(1, 2)
    assert rewritten(text, sources) == "A.[1] B.[2][1] " * 20
    assert asked == [1, 2]
    assert find_citations(text, sources).cited == {1, 2}
    assert asked == [1, 2] * 2


@pytest.mark.parametrize("text", ["A.[1] B [web:2]", "A `x` [1]", "[1]: no"])
def test_a_pattern_for_addresses_runs_only_where_one_may_be(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks at each word, and most answers have no address."""
    monkeypatch.setattr(citation_marks, "_ADDRESS", None)
    assert cited(text, 1, 2)


@pytest.mark.parametrize("end", ["", " `", "a ` b", " \t"])
def test_a_long_line_of_backticks_takes_linear_time(end: str) -> None:
    """If each backtick looked at all that follow, a test would take hours."""
    text = "`" * 1_000_000 + end + "\n[1]"
    assert cited(text, 1) == (set() if not end.strip() else {1})


def fed(*pieces: str) -> list[str]:
    """What a rewriter gives out for these pieces."""
    rewriter = MarkRewriter(searched(1, 2).number_of_web_mark)
    return [rewriter.feed(piece) for piece in pieces]


def test_what_may_be_a_mark_is_held_back_until_it_is_clear() -> None:
    """A mark split over deltas comes out whole; what was none after all comes out as it was."""
    assert fed("Moon.[", "web", ":1", "]!") == ["Moon.", "", "", "[1]!"]
    assert fed("Moon.[web:1,", " we", "b:2", "]!") == ["Moon.", "", "", "[1][2]!"]
    assert fed("Moon.[", "we", " are]") == ["Moon.", "", "[we are]"]
    assert fed("[web:", "[web:1]") == ["", "[web:[1]"]
    assert fed("[web:123456", "7]") == ["", "[web:1234567]"]
    assert fed("[web:1", "\n", "]") == ["", "[web:1\n", "]"]


def test_text_without_brackets_is_never_held_back() -> None:
    """A reader sees each word when it comes."""
    assert fed("The", " Moon", "] web:1") == ["The", " Moon", "] web:1"]


def test_a_very_long_mark_is_not_held_back_without_end() -> None:
    """Fifty at once are a mark; more are text, and are shown."""
    members = ["web:1"] * 50
    assert fed(f"[{', '.join(members)}]") == ["[1]" * 50]
    pieces = fed("[", *["web:1, "] * 60, "]")
    assert "".join(pieces) == "[" + "web:1, " * 60 + "]"
    assert pieces[-1] == "]"


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_a_fence_cut_over_deltas_is_a_fence(size: int) -> None:
    """Its backticks, its line and its marks may all be split."""
    pieces = [FENCED[at : at + size] for at in range(0, len(FENCED), size)]
    assert "".join(fed(*pieces)) == "A.[1]\n```python\nx[web:2]\n```\nB.[2]"


tokens = st.sampled_from(
    [
        "[",
        "[w",
        "[web:",
        "[web:1]",
        "[web:0]",
        "[web:2, web:9]",
        "[web:1,",
        "web",
        "web:2",
        ":",
        ", ",
        "1",
        "23456",
        "7",
        "]",
        "(",
        "`",
        "``",
        "```",
        "~",
        "~~~",
        " ",
        "    ",
        "\t",
        "- ",
        "> ",
        "Moon",
        "\n",
        "\n\n",
        "\r",
        "\r\n",
        "[7]: https://7.example",
        "é",
    ]
)
texts = st.lists(tokens, max_size=20).map("".join)


@given(texts, st.lists(st.integers(0, 60), max_size=10))
@example("[web:1]", [1, 2, 3, 4, 5, 6])
@example("[[web:12]", [1, 2, 7])
@example(FENCED, list(range(60)))
def test_however_it_is_cut_a_text_is_rewritten_the_same(
    text: str, places: list[int]
) -> None:
    """Pieces together are the beginning of the whole, and only the start of a possible mark is still held."""
    ends = sorted({place % (len(text) + 1) for place in places} | {0, len(text)})
    number_of = searched(1, 2, 23456).number_of_web_mark
    rewriter = MarkRewriter(number_of)
    pieces = [rewriter.feed(text[start:end]) for start, end in pairwise(ends)]
    whole = rewrite_marks(text, number_of)
    assert "".join(pieces) + rewriter.held == whole
    assert len(rewriter.held) <= 50 * len("web:123456, ")
    shown = ""
    for piece in pieces:
        shown += piece
        assert whole.startswith(shown)


@given(texts | st.text(), st.sets(st.integers(1, 9)))
def test_any_text_at_all_has_citations(text: str, numbers: set[int]) -> None:
    """Nothing raises; cited numbers have a source, and missing marks are in the text."""
    sources = searched(*numbers)
    found = find_citations(text, sources)
    assert found.cited <= sources.searched
    assert find_cited_in_json(text, sources) <= sources.searched
    for mark in found.missing:
        assert mark[1:-1] in text


@pytest.mark.parametrize(
    "unit",
    ["[web:1]", "[web:1, ", "`", "``` ", "\n```\n", "[7]", "](", "](a(",
     "    x\n\n", "- ", "a", "> ", " ", "www.", "a://b[7]", "{", '"'],
)  # fmt: skip
def test_a_long_text_takes_no_longer_than_its_length(unit: str) -> None:
    """Twenty thousand of anything are read within the time of a test, and say the same as twenty."""
    text, short = unit * 20_000, unit * 20
    sources = searched(1)
    found, expected = find_citations(text, sources), find_citations(short, sources)
    assert (found.cited, set(found.missing)) == (expected.cited, set(expected.missing))
    number_of = sources.number_of_web_mark
    assert rewrite_marks(text, number_of) == rewrite_marks(short, number_of) * 1000
    assert find_cited_in_json(text, sources) == find_cited_in_json(short, sources)
