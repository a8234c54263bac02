"""An error for people: what went wrong, at which fields, and what helps."""

from collections.abc import Iterator, Sequence

from perplexity_connector.contract import Effect, JsonObject
from perplexity_connector.contract.json import as_list, as_number, as_object, as_text
from perplexity_connector.rendering.text import one_line


def error_lines(error: JsonObject) -> Iterator[str]:
    """An error for people: what went wrong, then each field by its JSON Pointer, or what else helps on one line."""
    fields = [as_object(problem) for problem in as_list(error.get("fields"))]
    yield f"error: {one_line(_words(error, fields))} ({one_line(as_text(error.get('code')))})"
    for problem in fields:
        where = as_text(problem.get("pointer")) or "the input"
        yield f"{one_line(where)}: {one_line(as_text(problem.get('message')))}"
    if hints := " ".join(_hints(error)):
        yield hints


def _words(error: JsonObject, fields: Sequence[JsonObject]) -> str:
    words = (
        as_text(error.get("user_message"))
        or as_text(error.get("message"))
        or "The run failed."
    )
    # A host may sum up the fields in its message; they follow one by one.
    told_below = any(as_text(problem.get("message")) in words for problem in fields)
    return "These values cannot be used." if told_below else words


def _hints(error: JsonObject) -> Iterator[str]:
    if wait := as_number(error.get("retry_after")):
        yield f"Try again in {wait:.0f} s."
    if error.get("effect") == Effect.UNKNOWN:
        yield "The provider may have charged for this run."
    if page := one_line(as_text(error.get("docs_url"))):
        yield f"See {page}."
    if request := one_line(as_text(error.get("request_id"))):
        yield f"Request id: {request}."
