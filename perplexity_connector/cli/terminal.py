"""Prints lines on stdout as a terminal can show them; elsewhere as they are.

* With --plain, a terminal gets the same text as a pipe.
* A terminal without styles (NO_COLOR, TERM=dumb) gets lines that end between words, and tables.
* Any other terminal also gets bold titles, and addresses to click.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING
from urllib.parse import quote

import typer

from perplexity_connector.contract.links import without_user
from perplexity_connector.rendering.lines import Kind, Line

if TYPE_CHECKING:
    from perplexity_connector.rendering.wrapping import Wrapper

_is_plain = ContextVar("_is_plain", default=False)
_WEB = re.compile(r"https?://[^/?#\s]", re.IGNORECASE)
# The characters that an address has as they are. Another one could end the sequence of a link.
_IN_ADDRESS = ":/?#[]@!$&'()*+,;=%"


def use_plain(plain: bool) -> None:
    """Choose whether this command prints plain text on a terminal too."""
    _is_plain.set(plain)


def is_plain() -> bool:
    """Return whether this command prints plain text on a terminal too."""
    return _is_plain.get()


def is_dumb() -> bool:
    """Return whether the terminal has no styles, and cannot wipe a line."""
    return os.environ.get("TERM") == "dumb"


def is_screen() -> bool:
    """Return whether stdout is a terminal that may get more than plain text."""
    return sys.stdout.isatty() and not is_plain()


def columns() -> int:
    """Return the width of the terminal."""
    return shutil.get_terminal_size().columns


def new_wrapper(column: int = 0, indent: int = 0) -> "Wrapper":
    """Return a wrapper for a text on this terminal that begins at a column."""
    from perplexity_connector.rendering.wrapping import Wrapper  # noqa: PLC0415 - only a terminal needs it

    return Wrapper(columns(), column, column + indent)


def print_page(lines: Iterable[Line | str]) -> None:
    """Print lines. A terminal shows a `Line` with styles, and ends it between words.

    A `str` is printed as it is, so that a command in it can be copied.
    """
    on_screen = is_screen()
    for line in lines:
        if on_screen and isinstance(line, Line):
            typer.echo(_shown(line))
        else:
            typer.echo(str(line))


def print_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], piped: Iterable[str]
) -> None:
    """Print rows of cells under their headers on a terminal; elsewhere the lines of `piped`.

    The cells have no control characters and no line ends. Without a row, nothing is printed.
    """
    if not is_screen():
        print_page(piped)
    elif rows:
        from perplexity_connector.rendering.columns import table_lines  # noqa: PLC0415 - only a terminal needs it

        print_page(table_lines(headers, rows, columns()))


def _shown(line: Line) -> str:
    """Return a line with its styles and line ends."""
    wrapper = new_wrapper(_cells(line.mark), line.indent)
    texts = [line.mark]
    for number, part in enumerate(line.parts):
        if part.kind is Kind.VERBATIM:
            return str(line)
        gap = "  " if number else ""
        text = wrapper.feed(gap + part.text) + wrapper.end()
        words = text.lstrip()
        texts += [text.removesuffix(words), _styled(words, part.kind)]
    return "".join(texts)


def _cells(text: str) -> int:
    from rich.cells import cell_len  # noqa: PLC0415 - only a terminal needs it

    return cell_len(text)


def _styled(text: str, kind: Kind) -> str:
    if kind is Kind.TEXT or os.environ.get("NO_COLOR") or is_dumb():
        return text
    if kind is Kind.TITLE:
        return typer.style(text, bold=True)
    dim = typer.style(text, dim=True)
    return _linked(dim, text) if kind is Kind.ADDRESS else dim


def _linked(shown: str, address: str) -> str:
    """Return a text that leads to an address of the web (OSC 8). Another address stays a text."""
    if not _WEB.match(address):
        return shown
    target = quote(without_user(address), safe=_IN_ADDRESS)
    return f"\x1b]8;;{target}\x1b\\{shown}\x1b]8;;\x1b\\"
