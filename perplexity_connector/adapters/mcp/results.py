"""A run as a tool's result, and its events as the texts of progress notifications."""

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
from perplexity_connector.rendering.text import clean, line_of, one_line

# The key of `_meta` by which a call asks for the envelope, and under which it then is.
ENVELOPE = "automation-host/envelope"


def tool_result(envelope: JsonObject, *, with_envelope: bool = False) -> CallToolResult:
    """Return a run's result: readable text, and its output as structured content.

    A failed run has no structured content: a client would check it by the output schema. The rest
    of the envelope is in `_meta` only for a client that asked, since some hosts hand all of a
    result to the model.
    """
    output = envelope.get("output")
    succeeded = isinstance(output, Mapping)
    lines = _output_lines(envelope) if succeeded else _error_lines(envelope)
    content = TextContent(text="\n".join(lines))
    result = CallToolResult(content=[content], is_error=not succeeded)
    # Assigned later, since a field that was never set is left out. A null would break the schema.
    if succeeded:
        result.structured_content = output
    if with_envelope:
        rest = {name: value for name, value in envelope.items() if name != "output"}
        result.meta = {ENVELOPE: rest}
    return result


def progress_text(event: JsonObject) -> str:
    """Return an event as text: a piece of the answer, or the state of the search; may be empty."""
    match event.get("type"):
        case EventType.TEXT_DELTA:
            return clean(as_text(event.get("text")))
        case EventType.SEARCH_QUERIES:
            queries = map(as_text, as_list(event.get("queries")))
            return one_line(f"Searching: {'; '.join(queries)}")
        case EventType.SEARCH_RESULTS:
            return f"Found {len(as_list(event.get('results')))} pages"
        case _:
            return line_of(event, "message")


def _output_lines(envelope: JsonObject) -> Iterator[str]:
    yield from output_lines(as_object(envelope["output"]))
    yield from ("", totals_line(envelope))
    yield from warning_lines(envelope)


def _error_lines(envelope: JsonObject) -> Iterator[str]:
    yield from error_lines(as_object(envelope.get("error")))
    yield from warning_lines(envelope)
    partial = as_object(envelope.get("partial"))
    if is_worth_showing(partial):
        yield from ("", "This was received before it failed:", "")
        yield from output_lines(partial)
