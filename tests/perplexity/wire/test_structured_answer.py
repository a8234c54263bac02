"""From the text of a structured answer to its value."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perplexity_connector.perplexity.wire import json_in_text
from perplexity_connector.perplexity.wire import structured_answer as room
from perplexity_connector.perplexity.wire.structured_answer import (
    StructuredAnswer,
    structured_answer,
)

SCHEMA = {
    "type": "object",
    "properties": {"km": {"type": "number"}, "note": {"type": "string"}},
    "required": ["km"],
}
GOOD = {"km": 1}


class Known:
    """Sources 1 to 3; the page `[web:0]` is number 3."""

    def number_of_mark(self, mark: int) -> int | None:
        """The number itself."""
        return mark if 1 <= mark <= 3 else None

    def number_of_web_mark(self, mark: int) -> int | None:
        """The number itself, but of the page."""
        return self.number_of_mark(mark or 3)


def read(*texts: str, schema: dict[str, Any] = SCHEMA) -> StructuredAnswer:
    """The value of these texts."""
    return structured_answer(schema, texts, Known())


def codes(answer: StructuredAnswer) -> Sequence[str]:
    """The codes of its warnings."""
    return [warning.code for warning in answer.warnings]


@pytest.mark.parametrize(
    "text", ['{"km": 1}', ' {"km":\t1}\n', '{"km": 1, "more": []}']
)
def test_plain_json_is_its_value(text: str) -> None:
    """Spaces around it are JSON too."""
    answer = read(text)
    assert answer.parsed == json.loads(text)
    assert answer.warnings == []


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"km": 1}\n```',
        '```\n{"km": 1}```',
        '~~~json\n{"km": 1}\n~~~\n',
        'Here it is:\n\n```json\n{"km": 1}\n```\nSources: [1] and [2].',
        'The answer is {"km": 1}',
        'The answer:\n{"km": 1}\n',
        '<think>\nMaybe {"km": 2}?\n</think>\n\n{"km": 1}',
        '<think>Maybe ```{"km": 2}```</think>```json\n{"km": 1}\n```',
        '{"km": 1}[1][2]',
        '{"km": 1} [web:1] [web:9]\n',
        '{"km": 1}[web:1, web:2]',
        '```json\n{"km": 1}\n```[1]',
        'First {"km": 3}, then {"km": 1}',
        '```json\n{"km": 3}\n```\nBetter:\n```json\n{"km": 1}\n```',
        r'As \frac{a}{b} and {name} and {"so on"} say: {"km": 1}',
        '\ufeff{"km": 1}',
        'Draft: {"km": NaN} {"km": 1}',
        'Draft: {"km": 3, "km": 4} {"km": 1}',
        'Draft: {"km": 1' + "0" * 400 + '} {"km": 1}',
        'Draft: {"km": 1' + "0" * 5000 + '} {"km": 1}',
        'Draft: {"km": Infinity, {"km": 1}',
        'Draft: {"km": {"a": 1, "a": 2}, so {"km": 1}',
        'Draft: {"km": "\\ud800"} {"km": 1}',
        'Draft: {"km": ' + "[" * 100_000 + '"}"' + "]" * 100_000 + '} {"km": 1}',
    ],
    ids=lambda text: text[:30],
)
def test_json_inside_other_text_is_unwrapped(text: str) -> None:
    """In a fence, after prose, after thoughts, before marks; the last one is the answer."""
    answer = read(text)
    assert answer.parsed == GOOD
    assert codes(answer) == ["json_unwrapped"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "I cannot answer.",
        '{"km": "far"}',
        '{"km": 1',
        '{"km": 1}}',
        '{"km": 1} is wrong, since I do not know.',
        '```json\n{"km": 1',
        '{"more": {"km": 1}',
        '{"more": {"km": 1}, "text": "cut [',
        '<think>{"km": 1}</think>',
        '<think>{"km": 1}</think> No.',
        '{"km": 1, "km": 1}',
        '{"km": 1, "more": {"a": 1, "a": 2}}',
        'So: {"km": 1, "km": 1}',
        '{"km": NaN}',
        '{"km": -Infinity}',
        '{"km": 1e999}',
        '{"km": 1' + "0" * 400 + "}",
        '{"km": 1' + "0" * 5000 + "}",
        '{"km": 1, "note": "\\ud800"}',
        '{"km": 1, "note": "a\nb"}',
        "{'km': 1}",
        '{"km": 1,}',
    ],
    ids=lambda text: text[:30],
)
def test_everything_else_is_a_mismatch(text: str) -> None:
    """A part of an object that was cut is not the answer, and a name given twice has no one value."""
    answer = read(text)
    assert answer.parsed is None
    assert codes(answer) == ["schema_mismatch"]


def nested(levels: int) -> str:
    """An object with lists inside each other; `levels` counts both."""
    return '{"km": 1, "x": ' + "[" * (levels - 1) + "]" * (levels - 1) + "}"


def test_an_answer_may_have_ninety_levels() -> None:
    """The output around it has some too, and a host accepts a hundred."""
    assert read(nested(90)).parsed == json.loads(nested(90))


@pytest.mark.parametrize("levels", [91, 500, 100_000])
@pytest.mark.parametrize("frame", ["{}", "So: {}", "```json\n{}\n```"])
def test_an_answer_that_is_too_deep_is_no_failure(levels: int, frame: str) -> None:
    """Whether it follows the schema or not; the text is in `content`."""
    answer = read(frame.replace("{}", nested(levels)))
    assert answer.parsed is None
    assert codes(answer) == ["answer_too_deep"]


def test_the_first_text_with_a_value_counts() -> None:
    """The likeliest is first; one that has no value does not hide the others."""
    assert read('{"km": 2}', '{"km": 1}').parsed == {"km": 2}
    assert read("Done.", '{"km": 1}').parsed == GOOD
    assert codes(read("Done.", "Done.")) == ["schema_mismatch"]
    assert codes(read(nested(91), "Done.")) == ["answer_too_deep"]
    assert read(nested(91), '{"km": 1}').parsed == GOOD


def test_a_pattern_that_is_not_checked_is_named() -> None:
    """The author should know; a mismatch has nothing to add."""
    schema = {**SCHEMA, "properties": {"note": {"pattern": "^(?!x)"}}}
    answer = read('{"km": 1, "note": "x"}', schema=schema)
    assert answer.parsed == {"km": 1, "note": "x"}
    assert codes(answer) == ["pattern_unchecked"]
    assert "^(?!x)" in answer.warnings[0].message
    assert codes(read("{}", schema=schema)) == ["schema_mismatch"]


def test_all_that_was_done_is_said() -> None:
    """Unwrapped, without marks, and with a pattern that was not checked."""
    schema = {**SCHEMA, "properties": {"note": {"pattern": "^(?!x)"}}}
    answer = read('So: {"km": 1, "note": "a [1]"}', schema=schema)
    assert answer.parsed == {"km": 1, "note": "a"}
    assert codes(answer) == ["json_unwrapped", "marks_removed", "pattern_unchecked"]


def test_the_warning_names_each_place_and_its_marks() -> None:
    """As a JSON Pointer."""
    text = '{"km": 1, "a/b": ["x [2]", {"c": "y. [1][web:0]"}]}'
    answer = read(text)
    assert answer.parsed == {"km": 1, "a/b": ["x", {"c": "y."}]}
    (warning,) = answer.warnings
    assert "/a~1b/0 [2]" in warning.message
    assert "/a~1b/1/c [1][web:0]" in warning.message


def test_a_warning_stays_short() -> None:
    """Of many places, the first ones are named, and the number of the others."""
    notes = [f"{number} [1]" for number in range(130)]
    (warning,) = read(json.dumps({"km": 1, "notes": notes})).warnings
    assert "/notes/99 [1]" in warning.message
    assert "/notes/100" not in warning.message
    assert "30" in warning.message


@pytest.mark.parametrize(
    "piece",
    [
        '{"a":1,}\n',
        "{",
        '{"a":',
        '{"',
        '{"a": "',
        "{}",
        "{} ",
        "[1]",
        " ",
        '{"a": 1}',
        "```",
        "\\",
    ],
)
def test_a_long_text_is_read_in_linear_time(
    piece: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No part is decoded more than twice, as a whole and from the first brace; no lines are counted."""

    class Counter:
        """Counts what it decodes."""

        read = 0

        def decode(self, text: str) -> object:
            """Count the whole text."""
            self.read += len(text)
            return real.decode(text)

        def raw_decode(self, text: str, start: int) -> tuple[object, int]:
            """Count up to the end or the error."""
            try:
                value, end = real.raw_decode(text, start)
            except json.JSONDecodeError as error:
                self.read += error.pos - start + error.lineno - 1
                raise
            self.read += end - start
            return value, end

    real, counter = json_in_text.DECODER, Counter()
    monkeypatch.setattr(json_in_text, "DECODER", counter)
    monkeypatch.setattr(room, "DECODER", counter)
    text = "So: " + piece * 20_000
    read(text)
    assert counter.read <= 2 * len(text)


def test_many_flawed_objects_hide_nothing() -> None:
    """The answer is behind them."""
    assert read('{"a": 1,}\n' * 2000 + '{"km": 1}').parsed == GOOD


@pytest.mark.parametrize("end", ["", '"', '"' + '\\"' * 400_000, "\\"])
def test_a_deep_object_that_was_cut_is_too_deep(end: str) -> None:
    """Its end is the text's; if each quotation mark were a start, a test would take hours."""
    answer = read("So: " + '{"a":' * 100_000 + "[" + end)
    assert codes(answer) == ["answer_too_deep"]


@given(st.text() | st.text(alphabet='{}[]":,0123 \\abk`~<think>/m\n'))
def test_no_text_raises(text: str) -> None:
    """And the value is null or follows the schema."""
    found = read(text.encode("utf-8", "replace").decode()).parsed
    assert found is None or isinstance(found, dict)
