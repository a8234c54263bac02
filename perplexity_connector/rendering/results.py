"""Renders the envelope of a run for people.

The shape of the output decides how: an answer with sources, pages that were found, or plain JSON.
"""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.links import without_user
from perplexity_connector.contract.readers import (
    as_list,
    as_number,
    as_object,
    as_objects,
    as_text,
)
from perplexity_connector.rendering.lines import (
    EMPTY,
    Kind,
    Line,
    Part,
    heading,
    json_line,
    text_line,
)
from perplexity_connector.rendering.text import (
    clean,
    line_of,
    link_of,
    one_line,
    shortened,
)

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument

_SNIPPET_LENGTH = 240
_CITATION = re.compile(r"\[(\d{1,4})\]")
_COUNTS = (
    ("prompt_tokens", "in"),
    ("completion_tokens", "out"),
    ("reasoning_tokens", "reasoning"),
)


def output_lines(output: JsonObject, streamed: str = "") -> Iterator[str]:
    """Yield an output line by line, as `output_parts` does, but as plain text."""
    return map(str, output_parts(output, streamed))


def output_parts(
    output: JsonObject, streamed: str = "", *, cited_first: bool = False
) -> Iterator[Line]:
    """Yield an output line by line, with the kinds of its parts.

    `streamed` is the part of the answer that is shown already; it is not repeated. `cited_first`
    moves the sources that the answer does not cite to the end.
    """
    if isinstance(output.get("content"), str):
        content = as_text(output["content"])
        yield text_line(_rest_of_answer(content, streamed))
        yield from _source_lines(output, content if cited_first else "")
        return
    if streamed:
        # Ends the line of the streamed text.
        yield EMPTY
    if _are_pages(output.get("results")):
        yield from _search_lines(output)
    else:
        yield json_line(output)


def is_worth_showing(partial: JsonObject) -> bool:
    """Return whether the partial output of a failed run has anything to read."""
    if isinstance(partial.get("content"), str):
        return bool(as_text(partial["content"]).strip())
    return any(partial.values())


def totals_line(*envelopes: "EnvelopeDocument") -> str:
    """Return the use of one run, or of several together: tokens, cost, seconds, on one line.

    Unknown parts are left out. A cost is "about" so much if a list price is in it.
    """
    usages = [_usage(envelope) for envelope in envelopes]
    milliseconds = sum(envelope["duration_ms"] for envelope in envelopes)
    seconds = f"{milliseconds / 1000:.1f} s"
    return ", ".join([*_token_parts(usages), *_cost_parts(usages), seconds])


def warning_lines(envelope: "EnvelopeDocument") -> Iterator[str]:
    """Yield each warning of a run on one line."""
    for warning in envelope["warnings"]:
        message, code = one_line(warning["message"]), one_line(warning["code"])
        yield f"warning: {message} ({code})"


def _rest_of_answer(content: str, streamed: str) -> str:
    if content.startswith(streamed):
        return clean(content.removeprefix(streamed))
    # The final answer differs from the streamed text. It counts, so it is shown in full.
    return f"\n\n{clean(content)}"


def _source_lines(output: JsonObject, citing: str) -> Iterator[Line]:
    """Yield each source with its number; those that a text cites before the others."""
    sources = _sources(output)
    if sources:
        yield EMPTY
    # An empty source has no line, but keeps its number: [n] in the answer is the n-th source.
    lines = {
        number: Line(parts, f"[{number}] ")
        for number, source in enumerate(sources, start=1)
        if (parts := _source_parts(source))
    }
    marks = map(int, _CITATION.findall(citing))
    cited = lines.keys() & marks
    yield from (lines.pop(number) for number in sorted(cited))
    if cited and lines:
        yield text_line("Also found:", Kind.NOTE)
    yield from lines.values()


def _sources(output: JsonObject) -> Sequence[JsonObject]:
    """Return the pages of an answer, or at least their addresses."""
    if results := as_list(output.get("search_results")):
        return [as_object(result) for result in results]
    citations = as_list(output.get("citations"))
    return [{"url": url} for url in citations]


def _source_parts(source: JsonObject) -> Sequence[Part]:
    return _filled(
        Part(_title(source), Kind.TITLE),
        Part(link_of(source, "url"), Kind.ADDRESS),
        Part(line_of(source, "date"), Kind.NOTE),
    )


def _are_pages(results: JsonValue) -> bool:
    return isinstance(results, list) and all(
        "url" in as_object(result) for result in results
    )


def _search_lines(output: JsonObject) -> Iterator[Line]:
    """Yield the pages of each query, in the order of the queries."""
    failures = {
        as_text(outcome.get("query")): as_object(outcome.get("error"))
        for outcome in as_objects(output.get("queries"))
    }
    # A query that only its pages name is last.
    pages_of: dict[str, list[JsonObject]] = {query: [] for query in failures}
    for page in as_objects(output.get("results")):
        query = as_text(page.get("query"))
        pages_of.setdefault(query, []).append(page)
    if not pages_of:
        yield text_line("No results.")
    for number, (query, pages) in enumerate(pages_of.items()):
        if number:
            yield EMPTY
        failure = failures.get(query, {})
        yield from _query_lines(query, pages, failure)


def _query_lines(
    query: str, pages: Sequence[JsonObject], failure: JsonObject
) -> Iterator[Line]:
    if query:
        yield heading(f"Results for {one_line(query)}")
    if failure:
        own, other = line_of(failure, "user_message"), line_of(failure, "message")
        yield text_line(f"failed: {own or other}", mark="    ")
    elif not pages:
        yield text_line("No results.", mark="    ")
    for number, page in enumerate(pages, start=1):
        yield from _page_lines(number, page)


def _page_lines(number: int, page: JsonObject) -> Iterator[Line]:
    title = Part(_title(page), Kind.TITLE)
    date = Part(line_of(page, "date"), Kind.NOTE)
    parts = _filled(title, date) or [Part("(no title)")]
    yield Line(parts, f"{number:>3}. ")
    if url := link_of(page, "url"):
        yield text_line(url, Kind.ADDRESS, mark="     ")
    snippet = as_text(page.get("snippet"))
    if line := shortened(snippet, _SNIPPET_LENGTH):
        yield text_line(line, mark="     ")


def _title(page: JsonObject) -> str:
    title = clean(as_text(page.get("title")))
    # Some pages have their address as their title.
    return one_line(title if " " in title.strip() else without_user(title))


def _filled(*parts: Part) -> Sequence[Part]:
    return [part for part in parts if part.text]


def _usage(envelope: "EnvelopeDocument") -> JsonObject:
    output = envelope["output"] or {}
    return envelope["usage"] or as_object(output.get("usage"))


def _sum(documents: Sequence[JsonObject], name: str) -> float | None:
    """Return the sum of the numbers of that name; None without any."""
    numbers = [as_number(document.get(name)) for document in documents]
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


def _token_parts(usages: Sequence[JsonObject]) -> Iterator[str]:
    total = _sum(usages, "total_tokens")
    if total is None:
        return
    details = ", ".join(
        f"{count:.0f} {word}" for name, word in _COUNTS if (count := _sum(usages, name))
    )
    line = f"{total:.0f} tokens"
    yield f"{line} ({details})" if details else line


def _cost_parts(usages: Sequence[JsonObject]) -> Iterator[str]:
    totals: dict[str, float] = {}
    estimates: set[str] = set()
    for usage in usages:
        cost = usage.get("cost")
        details = as_object(cost)
        total = as_number(details.get("total_cost", cost))
        if total is None:
            continue
        currency = line_of(details, "currency") or "USD"
        totals[currency] = totals.get(currency, 0.0) + total
        if details.get("basis") == "list_price":
            estimates.add(currency)
    for currency, total in totals.items():
        digits = f"{total:.6f}".rstrip("0").rstrip(".")
        about = "about " if currency in estimates else ""
        yield f"{about}{digits} {currency}"
