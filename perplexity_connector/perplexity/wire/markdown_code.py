"""Find the code in a Markdown text: its fences line by line, and all of its code at once."""

import re
from collections.abc import Iterator, Sequence

LINE_END = re.compile(r"\r\n|[\r\n]")
# The marks of quotes and list items may precede a fence: models put fences into lists.
_FENCE = re.compile(
    r"[ \t]*(?:(?:>|(?:[-*+]|[0-9]{1,9}[.)])[ \t])[ \t]*)*(?P<run>`{3,}(?=[^`]*\Z)|~{3,})"
)
# "Like this: ```python" is not a fence by the rules of Markdown, but models mean one.
_LATE_FENCE = re.compile(r"(?<!`)(?P<run>`{3,})[\w+#.-]*[ \t]*\Z")
_LONG_RUN = re.compile(r"`{3,}")
_FENCE_END = re.compile(r"[ \t>]*(?P<run>`{3,}|~{3,})[ \t]*\Z")
_BACKTICKS = re.compile(r"`+")
_LIST_ITEM = re.compile(r"[ \t]*(?:[-*+]|[0-9]{1,9}[.)])[ \t]")
# In a list, a text belongs to its item up to the second of these depths.
_CODE_INDENT, _CODE_INDENT_IN_LIST = 4, 8


class Fences:
    """Follow the code fences of a text, line by line.

    * `_run`: the backticks or tildes that opened the current fence; empty outside of fences.
    """

    __slots__ = ("_run",)

    def __init__(self) -> None:
        """Begin at the start of a text, outside of fences."""
        self._run = ""

    @property
    def is_open(self) -> bool:
        """Whether the next line is inside a fence."""
        return bool(self._run)

    def read(self, line: str) -> str:
        """Read a line, without its end. Return the part of it that is outside of fences."""
        if self._run:
            end = _FENCE_END.match(line)
            if end and end["run"].startswith(self._run):
                self._run = ""
            return ""
        start = _fence_start(line)
        if start is None:
            return line
        self._run = start["run"]
        return line[: start.start("run")]


def without_code(text: str) -> str:
    """Return a text with a backtick in place of each piece of code.

    Code is in fences, between backticks, or indented.
    """
    paragraphs: list[list[str]] = [[]]
    for line in _prose_lines(text):
        if line:
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    return "\n\n".join(_without_spans("\n".join(lines)) for lines in paragraphs)


def _fence_start(line: str) -> re.Match[str] | None:
    if "`" not in line and "~" not in line:
        return None
    if start := _FENCE.match(line):
        return start
    # Of an even number, the last one ends a piece of code in the line.
    is_odd = len(_LONG_RUN.findall(line)) % 2
    return _LATE_FENCE.search(line) if is_odd else None


def _prose_lines(text: str) -> Iterator[str]:
    """Yield the lines outside of code, and an empty line wherever a paragraph ends."""
    fences = Fences()
    is_in_list, is_after_gap = False, True
    for line in LINE_END.split(text):
        was_open = fences.is_open
        prose = fences.read(line).rstrip()
        indent = _indent(prose)
        is_item = _LIST_ITEM.match(line) is not None
        if is_after_gap and indent == 0 and prose:
            is_in_list = False
        limit = _CODE_INDENT_IN_LIST if is_in_list else _CODE_INDENT
        if is_after_gap and indent >= limit and not (is_in_list and is_item):
            prose = ""
        is_in_list = is_in_list or (is_item and bool(prose))
        is_after_gap = not prose
        yield prose
        if was_open or fences.is_open:
            is_after_gap = True
            yield ""


def _indent(line: str) -> int:
    space = line[: len(line) - len(line.lstrip(" \t"))]
    return len(space.expandtabs(4))


def _without_spans(paragraph: str) -> str:
    if "`" not in paragraph:
        return paragraph
    runs = list(_BACKTICKS.finditer(paragraph))
    ends = _span_ends(runs)
    pieces: list[str] = []
    shown, index = 0, 0
    while index < len(runs):
        end = ends[index]
        if end is not None:
            pieces += [paragraph[shown : runs[index].start()], "`"]
            shown, index = runs[end].end(), end
        index += 1
    return "".join([*pieces, paragraph[shown:]])


def _span_ends(runs: Sequence[re.Match[str]]) -> Sequence[int | None]:
    """Return for each run of backticks the next one of its length, which ends its code."""
    next_of_length: dict[int, int] = {}
    ends: list[int | None] = []
    for index in reversed(range(len(runs))):
        length = len(runs[index][0])
        ends.append(next_of_length.get(length))
        next_of_length[length] = index
    return ends[::-1]
