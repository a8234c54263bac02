"""Remove citation marks from the texts of a structured answer: `"Acme Corp [1][2]"`.

Only marks at the end of a text that have a source. A text is never left empty, and the answer still
follows the author's schema.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple, Protocol, TypeAlias

from perplexity_connector.contract import JsonValue
from perplexity_connector.contract.json import Tokens, pointer_of
from perplexity_connector.perplexity.forms.author_schema import AuthorSchema

MARK = r"\[(?:web:)?[0-9]{1,6}(?:, ?web:[0-9]{1,6}){0,49}\]"
_MARK = re.compile(MARK)
_DIGITS = re.compile("[0-9]+")
# Also those of Chinese and Japanese.
_ENDS_OF_SENTENCES = (".", "!", "?", "\u2026", "\u3002", "\uff01", "\uff1f")
_CLOSING = "\"'\u201d\u2019\xbb)"
_SEPARATORS = ("],", "];")


class Numbers(Protocol):
    """The numbers of an answer's sources."""

    def number_of_mark(self, mark: int) -> int | None:
        """Return the number of the source that `[mark]` cites, if it has one."""
        ...

    def number_of_web_mark(self, mark: int) -> int | None:
        """Return the number of the source that `[web:mark]` cites, if it has one."""
        ...


class _Cut(NamedTuple):
    """A text in two parts."""

    kept: str
    marks: str


# By the path of the text.
_Cuts: TypeAlias = Mapping[Tokens, _Cut]


def without_marks(
    value: JsonValue, check: AuthorSchema, numbers: Numbers
) -> tuple[JsonValue, Mapping[str, str]]:
    """Return the value of an answer without marks, and the removed marks by JSON Pointer."""
    cuts = dict(_find_cuts(value, (), numbers))
    cleaned = _apply(cuts, value, ())
    if not check.accepts(cleaned):
        broken = set(check.broken_places(cleaned))
        cuts = {path: cut for path, cut in cuts.items() if not _is_in(path, broken)}
        cleaned = _apply(cuts, value, ())
        if not check.accepts(cleaned):
            return value, {}
    return cleaned, {pointer_of(path): cut.marks for path, cut in cuts.items()}


def _find_cuts(
    value: JsonValue, path: Tokens, numbers: Numbers
) -> Iterator[tuple[Tokens, _Cut]]:
    if isinstance(value, str):
        end = _start_of_marks(value, numbers)
        cut = _Cut(kept=value[:end], marks=value[end:].strip())
        if cut.kept and cut.marks:
            yield path, cut
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _find_cuts(part, (*path, name), numbers)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _find_cuts(part, (*path, str(index)), numbers)


def _apply(cuts: _Cuts, value: JsonValue, path: Tokens) -> JsonValue:
    if isinstance(value, dict):
        return {name: _apply(cuts, part, (*path, name)) for name, part in value.items()}
    if isinstance(value, list):
        return [
            _apply(cuts, part, (*path, str(index))) for index, part in enumerate(value)
        ]
    return cuts[path].kept if path in cuts else value


def _is_in(path: Tokens, places: Collection[Tokens]) -> bool:
    return any(path[:length] in places for length in range(len(path) + 1))


def _start_of_marks(text: str, numbers: Numbers) -> int:
    """Return where the marks at the end of a text begin.

    Before them are a space or the end of a sentence: `list[1]` has none.
    """
    found = end = _end_of_word(text, len(text))
    while (start := text.rfind("[", 0, end)) >= 0:
        if not _has_sources(text[start:end], numbers):
            break
        end = _end_of_word(text, start)
        if text.endswith(_SEPARATORS, 0, end):
            end -= 1
        elif end < start or _ends_sentence(text[max(0, end - 4) : end]):
            found = end
    return found


def _end_of_word(text: str, end: int) -> int:
    while end and text[end - 1].isspace():
        end -= 1
    return end


def _ends_sentence(text: str) -> bool:
    return text.rstrip(_CLOSING).endswith(_ENDS_OF_SENTENCES)


def _has_sources(mark: str, numbers: Numbers) -> bool:
    if not _MARK.fullmatch(mark):
        return False
    is_web = "web:" in mark
    number_of = numbers.number_of_web_mark if is_web else numbers.number_of_mark
    return all(number_of(int(digits)) for digits in _DIGITS.findall(mark))
