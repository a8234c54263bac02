"""Breaks a text into lines between its words, also while it arrives in pieces."""

import re
from collections.abc import Iterator

from rich.cells import cell_len

# Chinese and Japanese have no spaces: a line can end after each character, apart from these brackets
# and marks. Korean has spaces.
_OPENING = "\u3008\u300a\u300c\u300e\u3010\u3014\uff08\uff3b\uff5b"
_CLOSING = "\u3001\u3002\u3009\u300b\u300d\u300f\u3011\u3015\u30fc"
_CLOSING += "\uff01\uff09\uff0c\uff0e\uff1a\uff1b\uff1f\uff3d\uff5d"
_WIDE = "\u2e80-\u30ff\u31c0-\u9fff\uf900-\ufaff\uff00-\uff60\U00020000-\U0003ffff"
# A no-break space is a part of its word.
_SPACES = r"[^\S\n\u00a0\u2007\u202f]+"
_TOKEN = re.compile(
    rf"\n|{_SPACES}|[{_OPENING}]*(?:(?![{_OPENING}])[{_WIDE}])[{_CLOSING}]*"
    rf"|[{_OPENING}]+|(?:[\u00a0\u2007\u202f]|[^\s{_WIDE}])+"
)
# A backtick after the first ones makes it a span of code.
_FENCE = re.compile(r"`{3,}[^`]*|~{3,}.*")
_TAB = 8
# More of a word is not held back: to look for its end would become slow.
_LONGEST_HELD = 500


class Wrapper:
    """Puts line ends into a text. The spaces at such a place are left out, and nothing else.

    A word that is wider than the screen is not cut. Neither are the lines of a block of code.

    * `width`: the cells of a line.
    * `_indent`: the cells before each line that it begins.
    * `_column`: the cells on the current line.
    * `_gap`: the spaces before the next word.
    * `_unfinished`: the last word or spaces; more of it may come.
    * `_is_within`: whether the next word is the rest of one whose beginning is printed.
    * `_is_new`: whether the current line has no word yet.
    * `_in_code`: whether the line is in a block of code.
    """

    def __init__(self, width: int, column: int = 0, indent: int = 0) -> None:
        """Begin a text at a column."""
        self.width = width
        self._indent = indent
        self._column = column
        self._gap = ""
        self._unfinished = ""
        self._is_within = False
        self._is_new = True
        self._in_code = False

    def feed(self, text: str) -> str:
        """Return the text to print now: all but the last word, which may be unfinished."""
        *tokens, last = _TOKEN.findall(self._unfinished + text) or [""]
        is_held = last != "\n" and len(last) <= _LONGEST_HELD
        self._unfinished = last if is_held else ""
        shown = "".join(self._placed(tokens if is_held else [*tokens, last]))
        if not is_held and not last.isspace():
            self._is_within = True
        return shown

    def end(self) -> str:
        """Return the rest of the text."""
        rest = "".join(self._placed([self._unfinished])) + self._gap
        self._unfinished = self._gap = ""
        return rest

    def _placed(self, tokens: list[str]) -> Iterator[str]:
        for found in tokens:
            if found.isspace():
                self._is_within = False
            if found == "\n":
                yield self._end_line()
            elif found.isspace():
                self._gap += found
            elif found:
                yield self._place(found)

    def _end_line(self) -> str:
        # Spaces beyond the last column would begin a line of their own.
        fits = self._after(self._gap) <= self.width
        gap, self._gap = self._gap if fits else "", ""
        self._column, self._is_new = 0, True
        return f"{gap}\n"

    def _place(self, word: str) -> str:
        if self._is_new and _FENCE.fullmatch(word):
            self._in_code = not self._in_code
        gap, self._gap = self._gap, ""
        cells = cell_len(word)
        column = self._after(gap)
        may_break = not (self._is_new or self._in_code or self._is_within)
        self._is_within = False
        if may_break and column + cells > self.width:
            gap, column = "\n" + " " * self._indent, self._indent
        self._column, self._is_new = column + cells, False
        return gap + word

    def _after(self, gap: str) -> int:
        column = self._column
        for space in gap:
            column += _TAB - column % _TAB if space == "\t" else cell_len(space)
        return column
