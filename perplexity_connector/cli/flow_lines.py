"""The parts of a flow as lines for people: its price, kept outputs, and items."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.readers import as_list, as_object
from perplexity_connector.rendering.money import price_words
from perplexity_connector.rendering.results import output_lines
from perplexity_connector.rendering.text import one_line

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        FlowPriceDocument,
        KeptStepDocument,
        StepSkippedItem,
    )


def price_line(price: "FlowPriceDocument") -> str:
    """Return the price of a flow, or of a part of it."""
    is_estimate = price["basis"] == "estimate"
    return price_words(price["likely"], price["worst"], is_estimate=is_estimate)


def kept_line(kept: "KeptStepDocument") -> str:
    """Return that the kept output of a step is used, and whether it is stale."""
    line = f"{one_line(kept['step'])}: the kept output is used."
    if kept["stale"]:
        return f"{line} It is stale: the step, or a value that it takes, has changed since."
    return line


def skipped_line(item: "StepSkippedItem") -> str:
    """Return why a step is skipped."""
    step, missing = one_line(item["step"]), one_line(item["missing"])
    return f"{step}: skipped, because it takes a value of {missing}, which has no output."


def each_lines(output: JsonObject) -> Iterator[str]:
    """Yield the outputs of the items of a step; one that failed has none."""
    for index, item in enumerate(as_list(output.get("items"))):
        if item is not None:
            yield from item_lines(index, as_object(item))


def item_lines(index: int, output: JsonObject) -> Iterator[str]:
    """Yield the output of one item under its index."""
    yield from (f"item {index}", *output_lines(output), "")
