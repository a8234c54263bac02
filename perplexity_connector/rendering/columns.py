"""Puts rows of cells under their headers, for the width of a terminal."""

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len

from perplexity_connector.rendering.lines import Kind, Line, Part, text_line

# The last column is below the others if it would be narrower beside them.
_NARROWEST = 24
_GAP = "  "
_BELOW = "    "


def table_lines(
    headers: Sequence[str], rows: Sequence[Sequence[str]], width: int
) -> Iterator[Line]:
    """Yield the headers and the rows. The last cell of a row has all the space that is left.

    The cells have no control characters and no line ends.
    """
    widths = _widths([headers, *rows])
    taken = sum(widths) + len(_GAP) * len(widths)
    has_room = taken + _NARROWEST <= width
    make_lines = _beside if has_room else _below
    if taken > width:
        # Lines that must be broken have no columns.
        widths = [0] * len(widths)
    yield from make_lines(headers, widths, Kind.TITLE)
    for row in rows:
        yield from make_lines(row, widths, Kind.TEXT)


def _widths(rows: Iterable[Sequence[str]]) -> Sequence[int]:
    """Return the width of each column but the last."""
    *columns, _ = zip(*rows, strict=True)
    return [max(map(cell_len, column)) for column in columns]


def _beside(row: Sequence[str], widths: Sequence[int], kind: Kind) -> Iterator[Line]:
    """Yield a row as one line; its last cell goes on below itself."""
    padded = _padded(row, widths)
    if kind is Kind.TITLE:
        yield text_line(padded + row[-1], kind)
    else:
        yield text_line(row[-1], mark=padded)


def _below(row: Sequence[str], widths: Sequence[int], kind: Kind) -> Iterator[Line]:
    """Yield the cells of a row but the last, and that one below."""
    padded = _padded(row, widths).rstrip()
    yield Line([Part(padded, kind)], indent=len(_BELOW))
    if row[-1]:
        yield text_line(row[-1], kind, mark=_BELOW)


def _padded(row: Sequence[str], widths: Sequence[int]) -> str:
    """Return the cells of a row but the last, each as wide as its column."""
    texts = []
    # The last cell has no width.
    for cell, width in zip(row, widths, strict=False):
        spaces = " " * (width - cell_len(cell))
        texts += [cell, spaces, _GAP]
    return "".join(texts)
