import json
import sys
import unicodedata

import pytest

from perplexity_connector.rendering.text import (
    clean,
    json_text,
    link_of,
    one_line,
    shortened,
)


def test_terminal_control_characters_are_removed() -> None:
    """No escape sequence of a web page reaches the terminal; line ends and tabs stay."""
    every = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)]))
    assert clean(f"a{every}b") == "a\t\nb"


BIDIRECTIONAL = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
REORDERING = [
    character
    for character in map(chr, range(sys.maxunicode + 1))
    if unicodedata.bidirectional(character) in BIDIRECTIONAL
] + list("\u061c\u200e\u200f\u206a\u206f\ufff9\ufffb")


@pytest.mark.parametrize("character", REORDERING, ids=ascii)
def test_what_reorders_a_text_is_removed_from_it(character: str) -> None:
    """A title cannot show another address than its own; as JSON nothing is lost."""
    assert clean(f"moon{character}moc.live") == "moonmoc.live"
    assert one_line(f"{character} a ") == "a"
    assert character not in json_text(character)
    assert json.loads(json_text(character)) == character


def test_other_characters_are_kept() -> None:
    """Letters of any script, a no-break space and what joins letters and pictures are text."""
    text = "Mond ☾ 月\u00a0é \u0645\u06cc\u200c\u062e 👩\u200d🚀 שלום"
    assert clean(text) == text


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://user:secret@a.example/x", "https://a.example/x"),
        ("http\x1bs://user@a.example", "https://a.example"),
        ("https://a.\u202eexample", "https://a.example"),
    ],
)
def test_an_address_is_shown_without_a_user(address: str, shown: str) -> None:
    """On one line, without controls."""
    assert link_of({"url": address}, "url") == shown


def test_a_title_cannot_forge_a_line_of_its_own() -> None:
    """White space of any kind becomes a single space."""
    assert one_line(" a\r\n[2] \x1b[31mb\u2028c ") == "a [2] [31mb c"


@pytest.mark.parametrize(
    ("text", "shown"), [("12345", "12345"), ("123456", "1234…"), ("123 456", "123…")]
)
def test_a_long_text_is_cut_at_the_limit(text: str, shown: str) -> None:
    """The ellipsis counts, and no space stands before it."""
    assert shortened(text, 5) == shown


def test_json_escapes_what_a_terminal_would_obey_and_loses_nothing() -> None:
    """Controls, line separators and lone surrogates stand as escapes; other characters stand as they are."""
    value = {"é": "\x1b\x7f\x9b\u2028\ud800 ☾"}
    text = json_text(value)
    assert text == '{"é": "\\u001b\\u007f\\u009b\\u2028\\ud800 ☾"}'
    assert json.loads(text) == value
