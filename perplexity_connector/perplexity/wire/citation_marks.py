"""Citation marks in an answer: `[n]` cites source number n.

The `fast` preset writes `[n]`, the others write `[web:n]` (docs/provider.md, "Sources and citation
marks"). A `[web:n]` that has a source becomes the `[n]` of that source. No other text of the
provider is ever changed, and nothing inside a code fence.
"""

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from perplexity_connector.contract.readers import as_text, parts_of
from perplexity_connector.perplexity.wire.json_in_text import objects_in, split_thoughts
from perplexity_connector.perplexity.wire.markdown_code import (
    LINE_END,
    Fences,
    without_code,
)
from perplexity_connector.perplexity.wire.sources import Sources

# Returns the number of the source that `[web:n]` cites, or None.
NumberOf = Callable[[int], int | None]

# `[web:1, web:2]` is two marks. The bound of fifty keeps short the text that a stream holds back.
_WEB_MARK = re.compile(r"\[web:[0-9]{1,6}(?:, ?web:[0-9]{1,6}){0,49}\]")
_START_OF_WEB_MARK = re.compile(
    r"\[(?:web:[0-9]{1,6}, ?){0,49}(?:w(?:e(?:b(?::[0-9]{0,6})?)?)?)?"
)
# Up to three digits, since [2026] is a year.
_MARK = re.compile(rf"{_WEB_MARK.pattern}|\[(?:0|[1-9][0-9]{{0,2}})\]")
_DIGITS = re.compile("[0-9]+")
_DEFINITION = re.compile(r"^ {0,3}(\[[0-9]{1,3}\]):[ \t]*<?https?://\S*", re.MULTILINE)
_ADDRESS = re.compile(r"\b(?:[a-zA-Z][a-zA-Z0-9+.-]{0,20}://|www\.)[^\s<>)]+")
_LINK = re.compile(r"\]\(<?((?:[^()\s<>]|\([^()\s<>]*\))+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Citations:
    """The sources that an answer cites.

    * `cited`: their numbers.
    * `missing`: the marks without a source, as they are written, in order, each once.
    """

    cited: frozenset[int]
    missing: Sequence[str]


class _Mark(NamedTuple):
    """A mark as it is written, and the number of its source, if it has one.

    * `is_glued`: it follows a word without a space, like the `[5]` of `arr[5]`.
    * `is_link`: an address in parentheses follows it.
    """

    written: str
    number: int | None
    is_glued: bool
    is_link: bool


def rewrite_marks(text: str, number_of: NumberOf) -> str:
    """Return the text with every `[web:n]` that has a source written as `[number]`."""
    rewriter = MarkRewriter(number_of)
    return rewriter.feed(text) + rewriter.held


def find_citations(text: str, sources: Sources) -> Citations:
    """Return the citations of an answer, as the provider wrote it. Code has none."""
    prose = without_code(text)
    defined = _DEFINITION.findall(prose) if "]:" in prose else []
    prose = _DEFINITION.sub("", prose) if defined else prose
    marks = list(_marks(prose, sources))
    numbers = {mark.number for mark in marks if mark.number}
    numbers |= sources.numbers_of_addresses(_LINK.findall(prose))
    # `[7]` at the end of an address may be a part of it. So it cites a source, but misses none.
    if "://" in prose or "www." in prose:
        marks = list(_marks(_ADDRESS.sub("`", prose), sources))
    missing = [mark for mark in _without_source(marks) if mark not in defined]
    return Citations(cited=frozenset(numbers), missing=missing)


def find_cited_in_json(written: str, sources: Sources) -> frozenset[int]:
    """Return the numbers of the sources that the texts of a structured answer cite.

    The JSON's own brackets are not marks. Where the answer is not JSON, it is read as a text.
    """
    thoughts, answer = split_thoughts(written)
    texts = [*_texts_around_json(thoughts), *_texts_around_json(answer)]
    return frozenset().union(*(find_citations(text, sources).cited for text in texts))


class MarkRewriter:
    """Do `rewrite_marks` for a text that arrives in pieces.

    * `held`: the end of the text so far, if it may be the start of a mark. It is kept back until
      the next piece decides.
    * `_fences`: the code fences of all whole lines so far.
    * `_line`: the pieces of the current line.
    """

    __slots__ = ("_fences", "_line", "_number_of", "held")

    def __init__(self, number_of: NumberOf) -> None:
        """Begin at the start of a text. `number_of` is asked when a mark is complete."""
        self._number_of = number_of
        self._fences = Fences()
        self._line: list[str] = []
        self.held = ""

    def feed(self, piece: str) -> str:
        """Return the text that can be shown now."""
        text = self.held + piece
        if "[" not in text and "\n" not in text and "\r" not in text:
            self._line.append(text)
            return text
        cut = _hold_from(text)
        self.held = text[cut:]
        return "".join(self._rewrite(text[:cut]))

    def _rewrite(self, text: str) -> Iterator[str]:
        start = 0
        for end in LINE_END.finditer(text):
            yield self._rewrite_in_line(text[start : end.start()])
            yield end[0]
            self._fences.read("".join(self._line))
            self._line.clear()
            start = end.end()
        yield self._rewrite_in_line(text[start:])

    def _rewrite_in_line(self, text: str) -> str:
        self._line.append(text)
        if "[" not in text or self._fences.is_open:
            return text
        # An answer has the same few marks again and again.
        rewritten = functools.cache(self._rewritten)
        return _WEB_MARK.sub(lambda found: rewritten(found[0]), text)

    def _rewritten(self, mark: str) -> str:
        digits = _digits(mark)
        numbers = [self._number_of(int(each)) for each in digits]
        if not any(numbers):
            return mark
        written = [
            f"[{number}]" if number else f"[web:{each}]"
            for each, number in zip(digits, numbers, strict=True)
        ]
        return "".join(written)


def _hold_from(text: str) -> int:
    """Return where the text ends that can be shown: at a possible start of a mark."""
    start = text.rfind("[")
    may_be_mark = start >= 0 and _START_OF_WEB_MARK.fullmatch(text, start)
    return start if may_be_mark else len(text)


def _texts_around_json(written: str) -> Iterator[str]:
    """Yield the texts in the JSON objects of an answer, and all that is around them as one text."""
    outside: list[str] = []
    position = 0
    for found in objects_in(written):
        yield from filter(None, map(as_text, parts_of(found.value)))
        outside.append(written[position : found.start])
        position = found.end
    yield "{}".join([*outside, written[position:]])


def _marks(text: str, sources: Sources) -> Iterator[_Mark]:
    # An answer cites the same few sources again and again.
    cited = functools.cache(lambda mark: list(_cited_numbers(mark, sources)))
    end, is_glued = -1, False
    for match in _MARK.finditer(text):
        if match.start() != end:
            before = text[max(0, match.start() - 1) : match.start()]
            is_glued = before.isalnum() or before == "_"
        end = match.end()
        is_link = text.startswith("(", end)
        for written, number in cited(match[0]):
            yield _Mark(written, number, is_glued, is_link)


def _cited_numbers(mark: str, sources: Sources) -> Iterator[tuple[str, int | None]]:
    if mark.startswith("[web:"):
        for digits in _digits(mark):
            yield f"[web:{digits}]", sources.number_of_web_mark(int(digits))
    else:
        yield mark, sources.number_of_mark(int(mark[1:-1]))


def _without_source(marks: Sequence[_Mark]) -> Sequence[str]:
    """Return the marks that have no source, in order, each once.

    Where no glued mark of an answer has a source, `arr[5]` is text. `[web:5]` never is.
    """
    cites_glued = any(mark.is_glued and mark.number for mark in marks)
    missing = [
        mark.written
        for mark in marks
        if mark.number is None
        and not mark.is_link
        and (cites_glued or not mark.is_glued or mark.written.startswith("[web:"))
    ]
    return list(dict.fromkeys(missing))


def _digits(mark: str) -> Sequence[str]:
    return _DIGITS.findall(mark)
