"""Lines of text with the kind of each part, which a terminal can style."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from perplexity_connector.rendering.text import json_text


class Kind(Enum):
    """The kinds of a part. A `VERBATIM` text keeps its lines, as code and JSON must."""

    TEXT = "text"
    TITLE = "title"
    ADDRESS = "address"
    NOTE = "note"
    VERBATIM = "verbatim"


class Part(NamedTuple):
    """A part of a line. Its text has no control characters, apart from line ends and tabs."""

    text: str
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True)
class Line:
    """A line, or a text of several.

    * `parts`: its parts, with two spaces between them.
    * `mark`: the text before them, such as a number.
    * `indent`: if a terminal needs more lines, it indents them by the mark and so many cells.
    """

    parts: Sequence[Part] = ()
    mark: str = ""
    indent: int = 0

    def __str__(self) -> str:
        """Return it as plain text."""
        return self.mark + "  ".join(part.text for part in self.parts)


EMPTY = Line()


def text_line(text: str, kind: Kind = Kind.TEXT, mark: str = "") -> Line:
    """Return a line with one part."""
    return Line((Part(text, kind),), mark)


def heading(text: str) -> Line:
    """Return a title on a line of its own."""
    return text_line(text, Kind.TITLE)


def json_line(value: object) -> Line:
    """Return a value as indented JSON."""
    return text_line(json_text(value, indent=2), Kind.VERBATIM)
