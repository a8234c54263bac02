"""The texts and tables that a person sees on the page of a flow run."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.readers import as_list, as_object
from perplexity_connector.rendering.money import usd_words
from perplexity_connector.rendering.results import (
    output_lines,
    totals_line,
    warning_lines,
)
from perplexity_connector.rendering.tables import line_words, rows_and_cost
from perplexity_connector.rendering.text import json_text, one_line, shortened

if TYPE_CHECKING:
    from perplexity_connector.contract import SucceededRun, TableFinishedItem

# Two spaces end a line in Markdown. Without them, the sources become one paragraph.
_END = "  \n"
_CELL = 500
_ROWS = "results"


def answer_text(envelope: "SucceededRun[JsonObject]") -> str | None:
    """Return an answer in Markdown, with its numbered sources; None for rows of results."""
    output = envelope["output"]
    if _ROWS in output:
        return None
    lines = [*output_lines(output), "", totals_line(envelope), *warning_lines(envelope)]
    return _END.join(lines)


def result_rows(output: JsonObject) -> list[dict[str, JsonValue]]:
    """Return the rows of results of an output, or the sources of an answer, with short cells."""
    rows = as_list(output.get(_ROWS)) or as_list(output.get("search_results"))
    return [
        {name: _cell(value) for name, value in as_object(row).items()} for row in rows
    ]


def summary_text(finished: "TableFinishedItem") -> str:
    """Return the end of a chunk in Markdown: rows by state, failures by code, unsure rows, cost."""
    lines = [
        "| rows | |",
        "|---|---|",
        *(
            f"| {state} | {count} |"
            for state, count in finished["rows"].items()
            if count
        ),
        "",
        f"Cost of the job so far: {usd_words(finished['cost'])}",
        "",
        *_trouble(finished),
    ]
    return "\n".join(lines)


def summary_line(finished: "TableFinishedItem") -> str:
    """Return the end of a chunk on one line."""
    words, message = rows_and_cost(finished), one_line(finished["message"] or "")
    return f"{words}. {message}" if message else words


def _trouble(finished: "TableFinishedItem") -> Iterator[str]:
    if finished["message"]:
        yield f"* {one_line(finished['message'])}"
    for code, lines in finished["failed"].items():
        yield f"* failed with `{one_line(code)}`: {line_words(lines)}"
    for row in finished["unsure"]:
        key = f" ({one_line(row['key'])})" if row["key"] else ""
        yield f"* unsure, perhaps paid: line {row['line']}{key}, run `{row['run_id']}`"
    if finished["begun"]:
        runs = ", ".join(f"`{run}`" for run in finished["begun"])
        yield f"* go on at the provider, for the next start: {runs}"


def _cell(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return shortened(value, _CELL)
    if isinstance(value, dict | list):
        return shortened(json_text(value), _CELL)
    return value
