"""Renders an error for people."""

from collections.abc import Iterator

from perplexity_connector.contract import Effect, JsonObject
from perplexity_connector.contract.json import as_number, as_objects, as_text
from perplexity_connector.rendering.text import one_line


def error_lines(error: JsonObject) -> Iterator[str]:
    """Yield an error record line by line: its message, each wrong field, and one line of hints."""
    message = (
        as_text(error.get("user_message"))
        or as_text(error.get("message"))
        or "The run failed."
    )
    code = as_text(error.get("code"))
    yield f"error: {one_line(message)} ({one_line(code)})"
    for field in as_objects(error.get("fields")):
        where = as_text(field.get("pointer")) or "the input"
        yield f"{one_line(where)}: {one_line(as_text(field.get('message')))}"
    if hints := " ".join(_hints(error)):
        yield hints


def _hints(error: JsonObject) -> Iterator[str]:
    seconds = as_number(error.get("retry_after"))
    if seconds:
        yield f"Try again in {seconds:.0f} s."
    if error.get("effect") == Effect.UNKNOWN:
        yield "The provider may have charged for this run."
    if page := one_line(as_text(error.get("docs_url"))):
        yield f"See {page}."
    if request_id := one_line(as_text(error.get("request_id"))):
        yield f"Request id: {request_id}."
