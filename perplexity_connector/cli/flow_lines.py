"""The parts of a flow as lines for people: its price, kept outputs, skipped steps, and items."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from perplexity_connector.rendering.errors import error_lines
from perplexity_connector.rendering.lines import EMPTY, Line, heading
from perplexity_connector.rendering.money import price_words
from perplexity_connector.rendering.results import output_parts, warning_lines
from perplexity_connector.rendering.text import one_line

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        EnvelopeDocument,
        ErrorDocument,
        FlowPriceDocument,
        JsonObject,
        KeptStepDocument,
        StepSkippedItem,
    )
    from perplexity_connector.host.ledger.flow_entries import KnownFlow


def price_line(price: "FlowPriceDocument") -> str:
    """Return the price of a flow, or of a part of it."""
    is_estimate = price["basis"] == "estimate"
    return price_words(price["likely"], price["worst"], is_estimate=is_estimate)


def resume_lines(flow: "KnownFlow") -> Iterator[str]:
    """Yield how to go on with a flow, and how to pay again for a step whose answer is lost."""
    sandbox = " --sandbox" if flow.is_sandbox else ""
    command = f"perplexity-connector run-flow --resume {flow.flow_id}{sandbox}"
    yield f"To go on with it: {command}"
    if any(step.run_state == "unsure" for step in flow.steps):
        yield f"A run may have been paid, and its answer is lost. To pay again: {command} --retry unsure"


def kept_line(kept: "KeptStepDocument") -> str:
    """Return that the kept output of a step is used, and whether it is stale."""
    line = f"{one_line(kept['step'])}: the kept output is used."
    if kept["stale"]:
        return f"{line} It is stale: the step, or a value that it takes, has changed since."
    return line


def skipped_line(item: "StepSkippedItem") -> str:
    """Return why a step is skipped."""
    step, missing = one_line(item["step"]), one_line(item["missing"])
    return (
        f"{step}: skipped, because it takes a value of {missing}, which has no output."
    )


def item_lines(index: int, output: "JsonObject") -> Iterator[Line]:
    """Yield the output of an item under its index."""
    yield from (heading(f"item {index}"), EMPTY, *output_parts(output))


def item_error_lines(index: int, error: "ErrorDocument") -> Iterator[str]:
    """Yield why an item failed."""
    return (f"item {index}: {line}" for line in error_lines(error))


def item_warning_lines(index: int, envelope: "EnvelopeDocument") -> Iterator[str]:
    """Yield the warnings of an item."""
    return (f"item {index}: {line}" for line in warning_lines(envelope))
