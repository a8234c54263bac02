"""Renders an error for people."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from perplexity_connector.rendering.durations import wait_in_words
from perplexity_connector.rendering.text import link_line, one_line

if TYPE_CHECKING:
    from perplexity_connector.contract import ErrorDocument


def error_lines(error: "ErrorDocument") -> Iterator[str]:
    """Yield an error record line by line: its message, each wrong field, and one line of hints."""
    message = one_line(error["user_message"]) or "The run failed."
    yield f"error: {message} ({error['code']})"
    for field in error["fields"]:
        where = one_line(field["pointer"]) or "the input"
        yield f"{where}: {one_line(field['message'])}"
    if hints := " ".join(_hints(error)):
        yield hints


def hint_line(place: str, message: str) -> str:
    """Return a hint about an input as one line."""
    return f"hint: {one_line(place) or 'the input'}: {one_line(message)}"


def _hints(error: "ErrorDocument") -> Iterator[str]:
    if seconds := error["retry_after"]:
        yield f"Try again in {wait_in_words(seconds)}."
    if error["effect"] == "unknown":
        yield "The provider may have charged for this run."
    if page := link_line(error["docs_url"] or ""):
        yield f"See {page}."
    if request_id := one_line(error["request_id"] or ""):
        yield f"Request id: {request_id}."
