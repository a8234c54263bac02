"""Rows of cells under their headers."""

import pytest
from rich.cells import cell_len

from perplexity_connector.rendering.columns import table_lines

HEADERS = ("Name", "Kind", "Words")
ROWS = [("月", "moon", "Far away."), ("Ganymede", "moon of Jupiter", "Farther.")]


@pytest.mark.parametrize("width", [80, 200])
def test_cells_are_below_their_headers(width: int) -> None:
    """Each begins in the column of its header, also after wide characters."""
    header, *rows = map(str, table_lines(HEADERS, ROWS, width))
    for line, row in zip(rows, ROWS, strict=True):
        for title, cell in zip(HEADERS, row, strict=True):
            before, _, _ = line.partition(cell)
            assert cell_len(before) == header.index(title)


def test_without_room_the_last_cell_has_lines_of_its_own() -> None:
    """Indented, below the others; nothing is lost."""
    lines = [str(line) for line in table_lines(HEADERS, ROWS, 40)]
    assert len(lines) == 2 * (1 + len(ROWS))
    assert [line.split() for line in lines[1::2]] == [
        ["Words"],
        ["Far", "away."],
        ["Farther."],
    ]
    assert all(line.startswith(" ") for line in lines[1::2])


def test_lines_that_must_be_broken_have_no_columns() -> None:
    """Their gaps would only make them longer."""
    lines = [str(line) for line in table_lines(HEADERS, ROWS, 20)]
    assert lines[2] == "月  moon"
