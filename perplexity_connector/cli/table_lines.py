"""The plan and the end of a table as lines for people."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from perplexity_connector.rendering.durations import wait_in_words
from perplexity_connector.rendering.money import price_words
from perplexity_connector.rendering.tables import line_words, rows_and_cost
from perplexity_connector.rendering.text import one_line

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        InvalidLineDocument,
        TableFinishedItem,
        TablePlannedItem,
    )

# Longer lists of invalid lines are cut.
_INVALID = 20


def plan_lines(plan: "TablePlannedItem") -> Iterator[str]:
    """Yield the plan: rows, doubles, done, invalid, price and time."""
    yield f"{_count(plan['rows'], 'row')}: {', '.join(_parts(plan))}"
    if plan["changed"]:
        yield f"Changed, so they run again: {line_words(plan['changed'])}"
    for line in plan["invalid"][:_INVALID]:
        yield _invalid_line(line)
    if (more := len(plan["invalid"]) - _INVALID) > 0:
        yield f"and {more} more invalid lines"
    if plan["runs"]:
        yield _price_line(plan)
    if kept := plan.get("kept_as"):
        yield f"A new job pays for all of it again. The old output becomes {one_line(kept)}."


def summary_line(finished: "TableFinishedItem") -> str:
    """Return the end of a table on one line: rows by state, cost and output."""
    return one_line(f"{rows_and_cost(finished)}: {finished['output']}")


def trouble_lines(
    invalid: "Sequence[InvalidLineDocument]", finished: "TableFinishedItem"
) -> Iterator[str]:
    """Yield all that did not go well: failures by code with their lines, and every unsure row."""
    yield from _reason_lines(finished)
    for code, lines in finished["failed"].items():
        yield f"failed: {one_line(code)}: {line_words(lines)}"
    if invalid:
        yield f"invalid, not run: {line_words([line['line'] for line in invalid])}"
    for row in finished["unsure"]:
        key = f" ({one_line(row['key'])})" if row["key"] else ""
        yield f"unsure: line {row['line']}{key}, {row['run_id']}"
    if finished["unsure"]:
        yield "Unsure rows may have been paid, and their answers are lost. To pay again: --retry unsure"
    if finished["begun"]:
        yield f"These runs go on at the provider: {', '.join(finished['begun'])}"
        yield "To fetch their answers, start the same command again."
    yield from _unsaved_lines(finished)


def _parts(plan: "TablePlannedItem") -> Iterator[str]:
    yield f"{plan['runs']} to run"
    counts = {
        "done": plan["done"],
        "going on": plan["going_on"],
        "invalid": len(plan["invalid"]),
    }
    if plan["doubles"]:
        yield _count(plan["doubles"], "double")
    yield from (f"{count} {word}" for word, count in counts.items() if count)


def _price_line(plan: "TablePlannedItem") -> str:
    price, seconds = plan["price"], plan["seconds"]
    words = price_words(
        price["likely"], price["worst"], is_estimate=price["basis"] == "estimate"
    )
    return (
        words if seconds is None else f"{words}. Time: about {wait_in_words(seconds)}"
    )


def _reason_lines(finished: "TableFinishedItem") -> Iterator[str]:
    cause = f" ({one_line(finished['cause'])})" if finished["cause"] else ""
    message = one_line(finished["message"] or "")
    match finished["reason"]:
        case "budget":
            yield message or "The budget is used up."
        case "failed":
            yield f"error: The job stopped{cause}. {message}".rstrip()
            yield "To go on, start the same command again."
        case "stopped":
            yield f"Stopped. {message}".rstrip()
            yield "To go on, start the same command again."
        case _ if message:
            yield f"warning: {message}"


def _unsaved_lines(finished: "TableFinishedItem") -> Iterator[str]:
    if finished["unsaved"]:
        yield f"error: Some records could not be written. They are in {one_line(finished['unsaved'])}"
    if finished["unsaved_lines"]:
        yield "error: These records could not be written:"
        yield from finished["unsaved_lines"]


def _invalid_line(invalid: "InvalidLineDocument") -> str:
    where = f"line {invalid['line']}"
    if invalid["pointer"]:
        where = f"{where}, {one_line(invalid['pointer'])}"
    return f"{where}: {one_line(invalid['message'])}"


def _count(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
