"""Citation marks in an answer: `[n]` stands for the n-th source.

The `fast` preset writes `[n]`, the others write `[web:n]` (recorded, perplexity_api 8.2). Turning the second into the
first is the only thing that is ever rewritten in a provider's text.
"""

import re
from collections.abc import Container, Sequence

_WEB_MARK = re.compile(r"\[web:([0-9]{1,6})\]")
_START_OF_WEB_MARK = re.compile(r"\[(?:w(?:e(?:b(?::[0-9]{0,6})?)?)?)?\Z")
# Up to three digits, since [2026] is a year, and no link such as [1](https://…).
_MARK = re.compile(r"\[([1-9][0-9]{0,2})\](?!\()")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)


def plain_marks(text: str) -> str:
    """The text with every `[web:n]` written `[n]`."""
    return _WEB_MARK.sub(r"[\1]", text)


def unbacked_marks(text: str, sources: Container[int]) -> Sequence[int]:
    """The numbers cited in a text that no source has, in order, each once. Code is not looked into."""
    cited = dict.fromkeys(int(number) for number in _MARK.findall(_CODE.sub("", text)))
    return [number for number in cited if number not in sources]


class MarkRewriter:
    """`plain_marks` for a text in pieces: what may be the start of a mark is held back until it is clear."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        """Begin at the start of a text."""
        self._held = ""

    def feed(self, piece: str) -> str:
        """What can be shown now."""
        text = plain_marks(self._held + piece)
        start = _START_OF_WEB_MARK.search(text)
        cut = start.start() if start else len(text)
        self._held = text[cut:]
        return text[:cut]
