"""Citation marks, whole and in pieces."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perplexity_connector.perplexity.wire.citation_marks import (
    MarkRewriter,
    marks_without_source,
    normalize_marks,
)


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
        ("", ""),
    ],
)
def test_only_web_marks_are_rewritten(text: str, plain: str) -> None:
    """`[web:n]` becomes `[n]`; whatever only looks like it is the provider's own text."""
    assert normalize_marks(text) == plain


@pytest.mark.parametrize(
    ("text", "sources", "unbacked"),
    [
        ("A.[1][2]", {1, 2}, []),
        ("A.[3] B.[1] C.[3]", {1}, [3]),
        ("A.[4] B.[3]", set(), [4, 3]),
        ("In [2026] and [1000]", set(), []),
        ("[0] [01]", set(), []),
        ("a link [1](https://example.org)", set(), []),
        ("`a[1]` and ```\nb[2]\n```", set(), []),
        ("```\nb[2] without an end", set(), []),
        ("an odd ` tick [1]", set(), [1]),
        ("two `ticks\n` [1]", set(), [1]),
        ("", {1}, []),
    ],
)
def test_marks_without_a_source_are_found(
    text: str, sources: set[int], unbacked: list[int]
) -> None:
    """Each once, in order; years, links and code are no marks."""
    assert marks_without_source(text, sources) == unbacked


def fed(*pieces: str) -> list[str]:
    """What a rewriter gives out for these pieces."""
    rewriter = MarkRewriter()
    return [rewriter.feed(piece) for piece in pieces]


def test_what_may_be_a_mark_is_held_back_until_it_is_clear() -> None:
    """A mark split over deltas comes out whole; what was none after all comes out as it was."""
    assert fed("Moon.[", "web", ":1", "]!") == ["Moon.", "", "", "[1]!"]
    assert fed("Moon.[", "we", " are]") == ["Moon.", "", "[we are]"]
    assert fed("[web:", "[web:1]") == ["", "[web:[1]"]
    assert fed("[web:123456", "7]") == ["", "[web:1234567]"]


def test_text_without_brackets_is_never_held_back() -> None:
    """A reader sees each word when it comes."""
    assert fed("The", " Moon", "] web:1") == ["The", " Moon", "] web:1"]


tokens = st.sampled_from(
    [
        "[",
        "[w",
        "[web:",
        "[web:1]",
        "web",
        ":",
        "1",
        "23456",
        "7",
        "]",
        "(",
        "`",
        " ",
        "Moon",
        "\n",
        "é",
    ]
)
texts = st.lists(tokens, max_size=20).map("".join)


@given(texts, st.lists(st.integers(0, 60), max_size=10))
@example("[web:1]", [1, 2, 3, 4, 5, 6])
@example("[[web:12]", [1, 2, 7])
def test_however_it_is_cut_a_text_is_rewritten_the_same(
    text: str, places: list[int]
) -> None:
    """Pieces together are the beginning of the whole, and only the start of a possible mark is still held."""
    ends = sorted({place % (len(text) + 1) for place in places} | {0, len(text)})
    rewriter = MarkRewriter()
    pieces = [rewriter.feed(text[start:end]) for start, end in pairwise(ends)]
    whole = normalize_marks(text)
    assert "".join(pieces) + rewriter._held == whole
    assert len(rewriter._held) <= len("[web:123456")
    shown = ""
    for piece in pieces:
        shown += piece
        assert whole.startswith(shown)
        assert piece == normalize_marks(piece)
