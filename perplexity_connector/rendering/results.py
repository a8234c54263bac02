"""Renders the envelope of a run for people.

The shape of the output decides how: an answer with sources, pages that were found, or plain JSON.
"""

from collections.abc import Iterator, Sequence

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.json import (
    as_list,
    as_number,
    as_object,
    as_objects,
    as_text,
)
from perplexity_connector.contract.links import without_user
from perplexity_connector.rendering.text import (
    clean,
    json_text,
    line_of,
    link_of,
    one_line,
    shortened,
)

_SNIPPET_LENGTH = 240
_COUNTS = (
    ("prompt_tokens", "in"),
    ("completion_tokens", "out"),
    ("reasoning_tokens", "reasoning"),
)


def output_lines(output: JsonObject, streamed: str = "") -> Iterator[str]:
    """Yield an output line by line.

    `streamed` is the part of the answer that is shown already; it is not repeated.
    """
    if isinstance(output.get("content"), str):
        yield _rest_of_answer(as_text(output["content"]), streamed)
        yield from _source_lines(output)
        return
    if streamed:
        # Ends the line of the streamed text.
        yield ""
    if _are_pages(output.get("results")):
        yield from _search_lines(output)
    else:
        yield json_text(output, indent=2)


def is_worth_showing(partial: JsonObject) -> bool:
    """Return whether the partial output of a failed run has anything to read."""
    if isinstance(partial.get("content"), str):
        return bool(as_text(partial["content"]).strip())
    return any(partial.values())


def totals_line(envelope: JsonObject) -> str:
    """Return what a run used, on one line: tokens, cost, seconds. Unknown parts are left out."""
    output = as_object(envelope.get("output"))
    usage = as_object(envelope.get("usage")) or as_object(output.get("usage"))
    parts = list(_token_parts(usage))
    parts += _cost_parts(usage.get("cost"))
    milliseconds = as_number(envelope.get("duration_ms"))
    if milliseconds is not None:
        parts.append(f"{milliseconds / 1000:.1f} s")
    return ", ".join(parts)


def warning_lines(envelope: JsonObject) -> Iterator[str]:
    """Yield each warning of a run on one line."""
    for warning in as_objects(envelope.get("warnings")):
        message, code = line_of(warning, "message"), line_of(warning, "code")
        yield f"warning: {message} ({code})"


def _rest_of_answer(content: str, streamed: str) -> str:
    if content.startswith(streamed):
        return clean(content.removeprefix(streamed))
    # The final answer differs from the streamed text. It counts, so it is shown in full.
    return f"\n\n{clean(content)}"


def _source_lines(output: JsonObject) -> Iterator[str]:
    results = as_list(output.get("search_results"))
    sources = [as_object(result) for result in results]
    if not sources:
        citations = as_list(output.get("citations"))
        sources = [{"url": url} for url in citations]
    if sources:
        yield ""
    for number, source in enumerate(sources, start=1):
        # An empty source has no line, but keeps its number: [n] in the answer is the n-th source.
        if texts := _joined(
            _title(source), link_of(source, "url"), line_of(source, "date")
        ):
            yield f"[{number}] {texts}"


def _are_pages(results: JsonValue) -> bool:
    return isinstance(results, list) and all(
        "url" in as_object(result) for result in results
    )


def _search_lines(output: JsonObject) -> Iterator[str]:
    # In the order asked. A query that only its pages name is last.
    pages_of: dict[str, list[JsonObject]] = {}
    failures: dict[str, JsonObject] = {}
    for outcome in as_objects(output.get("queries")):
        query = as_text(outcome.get("query"))
        pages_of[query] = []
        if outcome.get("error"):
            failures[query] = as_object(outcome["error"])
    for page in as_objects(output.get("results")):
        query = as_text(page.get("query"))
        pages_of.setdefault(query, []).append(page)
    if not pages_of:
        yield "No results."
    for number, (query, pages) in enumerate(pages_of.items()):
        if number:
            yield ""
        yield from _query_lines(query, pages, failures.get(query, {}))


def _query_lines(
    query: str, pages: Sequence[JsonObject], failure: JsonObject
) -> Iterator[str]:
    if query:
        yield f"Results for {one_line(query)}"
    if failure:
        message = line_of(failure, "user_message") or line_of(failure, "message")
        yield f"    failed: {message}"
    elif not pages:
        yield "    No results."
    for number, page in enumerate(pages, start=1):
        title = _joined(_title(page), line_of(page, "date"))
        yield f"{number:>3}. {title or '(no title)'}"
        if url := link_of(page, "url"):
            yield f"     {url}"
        snippet = as_text(page.get("snippet"))
        if line := shortened(snippet, _SNIPPET_LENGTH):
            yield f"     {line}"


def _title(page: JsonObject) -> str:
    title = line_of(page, "title")
    # Some pages have their address as their title.
    return title if " " in title else without_user(title)


def _joined(*texts: str) -> str:
    return "  ".join(filter(None, texts))


def _token_parts(usage: JsonObject) -> Iterator[str]:
    total = as_number(usage.get("total_tokens"))
    if total is None:
        return
    counts = []
    for name, word in _COUNTS:
        if count := as_number(usage.get(name)):
            counts.append(f"{count:.0f} {word}")
    details = ", ".join(counts)
    line = f"{total:.0f} tokens"
    yield f"{line} ({details})" if details else line


def _cost_parts(cost: JsonValue) -> Iterator[str]:
    details = as_object(cost)
    total = as_number(details.get("total_cost", cost))
    if total is not None:
        digits = f"{total:.6f}".rstrip("0").rstrip(".")
        currency = line_of(details, "currency") or "USD"
        yield f"{digits} {currency}"
