import json

import pytest

from perplexity_connector.rendering.text import clean, json_text, one_line, shortened


def test_terminal_control_characters_are_removed() -> None:
    """No escape sequence of a web page reaches the terminal; line ends and tabs stay."""
    every = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)]))
    assert clean(f"a{every}b") == "a\t\nb"


def test_other_characters_are_kept() -> None:
    """Letters of any script, and a no-break space, are text."""
    assert clean("Mond ☾ 月\u00a0é") == "Mond ☾ 月\u00a0é"


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
