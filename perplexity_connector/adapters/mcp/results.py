"""What a run gives back, as a tool's result and as the words of a progress notification."""

from collections.abc import Iterator, Mapping

from mcp_types import CallToolResult, TextContent

from perplexity_connector.contract import EventType, JsonObject
from perplexity_connector.contract.json import as_list, as_object, as_text
from perplexity_connector.rendering.errors import error_lines
from perplexity_connector.rendering.results import (
    is_worth_showing,
    output_lines,
    totals_line,
    warning_lines,
)

ENVELOPE = "automation-host/envelope"


def tool_result(envelope: JsonObject) -> CallToolResult:
    """The result of a run: readable text, its output as structured content, the rest of its envelope in `_meta`.

    A failed run has no structured content, since clients hold whatever is there against the output schema.
    """
    output = envelope.get("output")
    succeeded = isinstance(output, Mapping)
    lines = (
        _answer(envelope, output) if isinstance(output, Mapping) else _failure(envelope)
    )
    result = CallToolResult(
        content=[TextContent(text="\n".join(lines))],
        is_error=not succeeded,
        _meta={
            ENVELOPE: {
                name: value for name, value in envelope.items() if name != "output"
            }
        },
    )
    # Set, not given: a field that was never set is left out, where null would be held against the schema.
    if succeeded:
        result.structured_content = output
    return result


def progress_text(event: JsonObject) -> str:
    """An event in words: a piece of the answer as it came, or what is being searched for; empty for nothing to tell."""
    match event.get("type"):
        case EventType.TEXT_DELTA:
            return as_text(event.get("text"))
        case EventType.SEARCH_QUERIES:
            return (
                f"Searching: {'; '.join(map(as_text, as_list(event.get('queries'))))}"
            )
        case EventType.SEARCH_RESULTS:
            return f"Found {len(as_list(event.get('results')))} pages"
        case _:
            return as_text(event.get("message"))


def _answer(envelope: JsonObject, output: JsonObject) -> Iterator[str]:
    yield from output_lines(output)
    yield from ("", totals_line(envelope))
    yield from warning_lines(envelope)


def _failure(envelope: JsonObject) -> Iterator[str]:
    yield from error_lines(as_object(envelope.get("error")))
    yield from warning_lines(envelope)
    partial = as_object(envelope.get("partial"))
    if is_worth_showing(partial):
        yield from (
            "",
            "This was received before it failed:",
            "",
            *output_lines(partial),
        )
