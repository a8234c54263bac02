"""A run as a tool's result, and its events as the texts of progress notifications."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mcp_types import CallToolResult, TextContent

from perplexity_connector.rendering.errors import error_lines
from perplexity_connector.rendering.results import (
    is_worth_showing,
    output_lines,
    totals_line,
    warning_lines,
)
from perplexity_connector.rendering.text import clean, one_line

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        CancelledRun,
        EnvelopeDocument,
        EventDocument,
        FailedRun,
        JsonObject,
        SucceededRun,
    )

# The key of `_meta` by which a call asks for the envelope, and under which it then is.
ENVELOPE = "automation-host/envelope"


def tool_result(
    envelope: "EnvelopeDocument", *, with_envelope: bool = False
) -> CallToolResult:
    """Return a run's result: readable text, and its output as structured content.

    A failed run has no structured content: a client would check it by the output schema. The rest
    of the envelope is in `_meta` only for a client that asked, since some hosts hand all of a
    result to the model.
    """
    if envelope["status"] == "succeeded":
        result = CallToolResult(content=[_text(_output_lines(envelope))])
        # Assigned later, since a field that was never set is left out. A null would break the schema.
        result.structured_content = envelope["output"]
    else:
        result = CallToolResult(content=[_text(_error_lines(envelope))], is_error=True)
    if with_envelope:
        rest = {name: value for name, value in envelope.items() if name != "output"}
        result.meta = {ENVELOPE: rest}
    return result


def progress_text(event: "EventDocument") -> str:
    """Return an event as text: a piece of the answer, or the state of the search; may be empty."""
    if event["type"] == "text.delta":
        return clean(event["text"])
    if event["type"] == "search.queries":
        return one_line(f"Searching: {'; '.join(event['queries'])}")
    if event["type"] == "search.results":
        return f"Found {len(event['results'])} pages"
    return one_line(event["message"])


def _text(lines: Iterator[str]) -> TextContent:
    return TextContent(text="\n".join(lines))


def _output_lines(envelope: "SucceededRun[JsonObject]") -> Iterator[str]:
    yield from output_lines(envelope["output"])
    yield from ("", totals_line(envelope))
    yield from warning_lines(envelope)


def _error_lines(envelope: "FailedRun | CancelledRun") -> Iterator[str]:
    yield from error_lines(envelope["error"])
    yield from warning_lines(envelope)
    partial = envelope["partial"]
    if partial and is_worth_showing(partial):
        yield from ("", "This was received before it failed:", "")
        yield from output_lines(partial)
