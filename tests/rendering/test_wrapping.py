"""A text gets line ends between its words, and loses nothing but spaces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from perplexity_connector.rendering.wrapping import Wrapper

WIDTH = 12
WORDS = st.sampled_from(
    [
        "Moon",
        "a",
        "384,400",
        "longer-than-any-line",
        "月は",
        "「遠い」。",
        "달이",
        "e\u0301",
        "\n",
        "\n\n",
    ]
)
SPACES = st.sampled_from(["", " ", "  ", "\u00a0"])
TEXTS = st.lists(st.tuples(WORDS, SPACES)).map(
    lambda pairs: "".join(word + space for word, space in pairs)
)


def wrap(*pieces: str, width: int = WIDTH, column: int = 0, indent: int = 0) -> str:
    """The whole text, from its pieces."""
    wrapper = Wrapper(width, column, indent)
    return "".join([*map(wrapper.feed, pieces), wrapper.end()])


@given(text=TEXTS, cuts=st.lists(st.integers(0, 80)))
def test_pieces_are_broken_as_the_whole_and_only_spaces_change(
    text: str, cuts: list[int]
) -> None:
    """However the text arrives. All of its own line ends stay, and each line fits, or is one word that cannot."""
    places = sorted({0, *cuts, len(text)})
    pieces = [text[a:b] for a, b in zip(places, [*places[1:], None], strict=True)]
    shown = wrap(*pieces)
    assert shown == wrap(text)
    assert "".join(shown.split()) == "".join(text.split())
    own = text.split("\n")
    assert shown.count("\n") >= len(own) - 1
    for line in shown.split("\n"):
        assert cell_len(line.rstrip()) <= WIDTH or _is_one_word(line)


def _is_one_word(line: str) -> bool:
    return len(line.replace("\u00a0", "_").split()) == 1


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("The Moon is far away.", ["The Moon is", "far away."]),
        ("The Moon was far", ["The Moon was", "far"]),
        ("Moon\tMoon", ["Moon\tMoon"]),
        ("Moon\tMoons", ["Moon", "Moons"]),
        ("The Moon was \nfar", ["The Moon was", "far"]),
        ("  - one two three", ["  - one two", "three"]),
        ("月は地球から遠い。星", ["月は地球から", "遠い。星"]),
        ("月は地球から。星", ["月は地球か", "ら。星"]),
        ("月は地球か「ら」星", ["月は地球か", "「ら」星"]),
        ("a b https://moon.example", ["a b", "https://moon.example"]),
        ("```\none two three four\n```\none two three four", [
            "```", "one two three four", "```", "one two", "three four",
        ]),
        ("```a``` two three", ["```a``` two", "three"]),
    ],
)  # fmt: skip
def test_a_line_ends_before_the_word_that_does_not_fit(
    text: str, lines: list[str]
) -> None:
    """By the cells of the screen. Code keeps its lines; Japanese is broken between characters."""
    assert wrap(text).split("\n") == lines


def test_only_the_unfinished_word_is_held_back() -> None:
    """It is shown with what follows it, or at the end."""
    wrapper = Wrapper(80)
    assert [wrapper.feed(piece) for piece in ("Far aw", "ay", " and ", "so\n")] == [
        *("Far", "", " away and", " so\n"),
    ]
    assert wrapper.end() == ""
    assert wrapper.feed("on") + wrapper.end() == "on"


def test_a_word_without_an_end_is_shown_in_parts() -> None:
    """It is not broken there, and after it, words are placed as ever."""
    long = "x" * 2000
    text = f"one {long} two {long}\n{long} three"
    pieces = [text[at : at + 9] for at in range(0, len(text), 9)]
    wrapper = Wrapper(WIDTH)
    shown = [wrapper.feed(piece) for piece in pieces]
    assert "".join(shown) + wrapper.end() == wrap(text)
    assert wrap(text).split("\n") == ["one", long, "two", long, long, "three"]
    assert max(map(len, shown)) < 600


def test_further_lines_are_indented() -> None:
    """So that they are below the text after a number."""
    assert wrap("one two three", column=4, indent=4).split("\n") == [
        "one two",
        "    three",
    ]
