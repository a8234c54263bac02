"""Words for the end of a table."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perplexity_connector.rendering.money import usd_words

if TYPE_CHECKING:
    from perplexity_connector.contract import TableFinishedItem


def rows_and_cost(finished: "TableFinishedItem") -> str:
    """Return the rows by state, and the cost."""
    rows = [f"{count} {state}" for state, count in finished["rows"].items() if count]
    return f"{', '.join(rows) or 'no rows'}, {usd_words(finished['cost'])}"


def line_words(numbers: Sequence[int]) -> str:
    """Return line numbers, with each run of neighbours as one range: `lines 2-4, 7`."""
    ranges: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    texts = [str(a) if a == b else f"{a}-{b}" for a, b in ranges]
    return f"{'line' if len(numbers) == 1 else 'lines'} {', '.join(texts)}"
