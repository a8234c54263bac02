"""Citation marks in an answer: `[n]` cites source number n.

The `fast` preset writes `[n]`, the others write `[web:n]` (docs/provider.md, "Sources and citation
marks"). `[web:n]` becomes `[n]`; no other text of the provider is ever changed.
"""

import re
from collections.abc import Container, Sequence

_WEB_MARK = re.compile(r"\[web:([0-9]{1,6})\]")
_START_OF_WEB_MARK = re.compile(r"\[(?:w(?:e(?:b(?::[0-9]{0,6})?)?)?)?\Z")
# Up to three digits, since [2026] is a year. Not a link such as [1](https://…).
_MARK = re.compile(r"\[([1-9][0-9]{0,2})\](?!\()")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)


def normalize_marks(text: str) -> str:
    """Return the text with every `[web:n]` written `[n]`."""
    return _WEB_MARK.sub(r"[\1]", text)


def marks_without_source(text: str, source_numbers: Container[int]) -> Sequence[int]:
    """Return the cited numbers that have no source, in order, each once. Skip code."""
    cited = dict.fromkeys(int(number) for number in _MARK.findall(_CODE.sub("", text)))
    return [number for number in cited if number not in source_numbers]


class MarkRewriter:
    """Do `normalize_marks` for a text that arrives in pieces.

    `_held` is the end of the text so far, if it may be the start of a mark. It is kept back until
    the next piece decides.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        """Begin at the start of a text."""
        self._held = ""

    def feed(self, piece: str) -> str:
        """Return the text that can be shown now."""
        text = normalize_marks(self._held + piece)
        start = _START_OF_WEB_MARK.search(text)
        cut = start.start() if start else len(text)
        self._held = text[cut:]
        return text[:cut]
