"""Renders an error for people."""

from collections.abc import Iterator

from perplexity_connector.contract import Effect, JsonObject
from perplexity_connector.contract.json import as_number, as_objects
from perplexity_connector.rendering.durations import wait_in_words
from perplexity_connector.rendering.text import line_of, link_of


def error_lines(error: JsonObject) -> Iterator[str]:
    """Yield an error record line by line: its message, each wrong field, and one line of hints."""
    message = line_of(error, "user_message") or line_of(error, "message")
    yield f"error: {message or 'The run failed.'} ({line_of(error, 'code')})"
    for field in as_objects(error.get("fields")):
        where = line_of(field, "pointer") or "the input"
        yield f"{where}: {line_of(field, 'message')}"
    if hints := " ".join(_hints(error)):
        yield hints


def _hints(error: JsonObject) -> Iterator[str]:
    seconds = as_number(error.get("retry_after"))
    if seconds:
        yield f"Try again in {wait_in_words(seconds)}."
    if error.get("effect") == Effect.UNKNOWN:
        yield "The provider may have charged for this run."
    if page := link_of(error, "docs_url"):
        yield f"See {page}."
    if request_id := line_of(error, "request_id"):
        yield f"Request id: {request_id}."
