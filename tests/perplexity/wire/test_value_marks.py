"""Marks at the end of the texts of a structured answer."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_connector.perplexity.forms.author_schema import compile_schema
from perplexity_connector.perplexity.wire.value_marks import without_marks


class Known:
    """Sources 1 to 3; the page `[web:0]` is number 3."""

    def number_of_mark(self, mark: int) -> int | None:
        """The number itself."""
        return mark if 1 <= mark <= 3 else None

    def number_of_web_mark(self, mark: int) -> int | None:
        """The number itself, but of the page."""
        return self.number_of_mark(mark or 3)


def cleaned(value: Any, **schema: Any) -> tuple[Any, Any]:
    """The value without marks, and what was removed."""
    return without_marks(value, compile_schema(schema), Known())


@pytest.mark.parametrize(
    ("text", "kept", "marks"),
    [
        ("Acme Corp [1][2]", "Acme Corp", "[1][2]"),
        ("Acme Corp [1] [2] ", "Acme Corp", "[1] [2]"),
        ("It is far.[1]", "It is far.", "[1]"),
        ("It is far. [web:2]", "It is far.", "[web:2]"),
        ("Is it?[web:0]", "Is it?", "[web:0]"),
        ('He said "far."[1]', 'He said "far."', "[1]"),
        ("(It is far.)[1]", "(It is far.)", "[1]"),
        ("\u9060\u3044\u3002[1]", "\u9060\u3044\u3002", "[1]"),
        ("Acme [web:1, web:2]", "Acme", "[web:1, web:2]"),
        ("Acme [1], [2]", "Acme", "[1], [2]"),
        ("Acme\n[1]", "Acme", "[1]"),
        ("In [2] it is [1]", "In [2] it is", "[1]"),
        ("Part [9] [1]", "Part [9]", "[1]"),
    ],
)
def test_marks_with_a_source_are_removed(text: str, kept: str, marks: str) -> None:
    """After a space or the end of a sentence."""
    assert cleaned(text) == (kept, {"": marks})


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "Acme",
        "Acme ",
        "[1]",
        " [1] [2]",
        "[1], [2]",
        "list[1]",
        "Acme[1][2]",
        "Acme [9]",
        "Acme [9][1]",
        "Acme [0]",
        "Acme [web:9]",
        "Acme [web:1, web:9]",
        "Acme [1] Corp",
        "Acme [1].",
        "Acme [one]",
        "Acme [2026]",
        "Acme [1](https://a.example)",
        "Acme 1]",
        "Acme [9], [1]",
        "]",
        "Acme \\[]",
    ],
)
def test_every_other_text_stays(text: str) -> None:
    """Only marks, glued to a word, without a source, or not at the end."""
    assert cleaned(text) == (text, {})


def test_names_and_other_values_stay() -> None:
    """Only texts lose marks, wherever they are."""
    value: Any = {"a [1]": "a [1]", "b": [1, None, True, ["c [1]"], {"d": {}}]}
    found, marks = cleaned(value)
    assert found == {"a [1]": "a", "b": [1, None, True, ["c"], {"d": {}}]}
    assert marks == {"/a [1]": "[1]", "/b/3/0": "[1]"}


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ({"enum": ["a [1]"]}, "a [1]"),
        ({"minLength": 5}, "a [1]"),
        ({"pattern": r"\]$"}, "a [1]"),
        ({"anyOf": [{"const": "a [1]"}, {"maxLength": 0}]}, "a [1]"),
        ({"uniqueItems": True}, ["a [1]", "a [2]"]),
        ({"contains": {"pattern": r"\]$"}}, ["a [1]"]),
    ],
)
def test_a_text_that_would_not_follow_keeps_its_marks(
    rule: dict[str, Any], value: Any
) -> None:
    """And the others lose theirs."""
    schema = {"properties": {"x": rule, "y": {"type": "string"}}}
    found, marks = cleaned({"x": value, "y": "b [1]", "z": "c [2]"}, **schema)
    assert found == {"x": value, "y": "b", "z": "c"}
    assert marks == {"/y": "[1]", "/z": "[2]"}


def test_where_no_place_is_to_blame_all_marks_stay() -> None:
    """The rule of another value looks at the text."""
    schema = {
        "if": {"properties": {"x": {"const": "a"}}},
        "then": {"properties": {"y": {"const": 2}}},
    }
    value = {"x": "a [1]", "y": 1, "z": "c [1]"}
    assert cleaned(value, **schema) == (value, {})


def test_the_value_itself_is_not_changed() -> None:
    """A new one is made."""
    value = {"x": ["a [1]"]}
    cleaned(value)
    assert value == {"x": ["a [1]"]}


class Watched(str):
    """A text that counts the characters that are copied from it."""

    __slots__ = ("copied",)

    def __getitem__(self, key: Any) -> str:
        """Count the copy."""
        found = super().__getitem__(key)
        self.copied = getattr(self, "copied", 0) + len(found)
        return found


def test_many_marks_are_read_in_linear_time() -> None:
    """No mark needs a copy of the text before it."""
    text = Watched("a. " + "[1]" * 20_000)
    assert cleaned(text) == ("a.", {"": "[1]" * 20_000})
    assert text.copied <= 10 * len(text)


@given(st.text(alphabet="[]web:,012 .a"))
def test_a_text_is_never_emptied_and_only_its_end_goes(text: str) -> None:
    """What is left and what was removed are the text, but for spaces."""
    kept, marks = cleaned(text)
    assert text.startswith(kept)
    assert marks == {} or kept.strip()
    assert "".join((kept + marks.get("", "")).split()) == "".join(text.split())
