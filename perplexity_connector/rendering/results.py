"""A finished run for people, told from the shape of its output: an answer with sources, found pages, or plain JSON."""

from collections.abc import Iterator, Sequence

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.json import as_list, as_number, as_object, as_text
from perplexity_connector.rendering.text import clean, json_text, one_line, shortened

_SNIPPET = 240
_COUNTS = (
    ("prompt_tokens", "in"),
    ("completion_tokens", "out"),
    ("reasoning_tokens", "reasoning"),
)


def output_lines(output: JsonObject, streamed: str = "") -> Iterator[str]:
    """An output, line by line; of an answer that was streamed already, only what is still missing."""
    if isinstance(output.get("content"), str):
        yield _rest_of_answer(as_text(output["content"]), streamed)
        yield from _sources(output)
        return
    if streamed:
        yield ""
    yield from (
        _found(output)
        if _are_pages(output.get("results"))
        else [json_text(output, indent=2)]
    )


def is_worth_showing(partial: JsonObject) -> bool:
    """Whether what a failed run received holds anything to read."""
    if isinstance(partial.get("content"), str):
        return bool(as_text(partial["content"]).strip())
    return any(partial.values())


def totals_line(envelope: JsonObject) -> str:
    """What a run took, on one line: tokens, cost in USD, seconds; what is not known is left out."""
    usage = as_object(envelope.get("usage")) or as_object(
        as_object(envelope.get("output")).get("usage")
    )
    duration = as_number(envelope.get("duration_ms"))
    took = [] if duration is None else [f"{duration / 1000:.1f} s"]
    return ", ".join([*_tokens(usage), *_cost(usage.get("cost")), *took])


def warning_lines(envelope: JsonObject) -> Iterator[str]:
    """Each warning of a run on one line."""
    for warning in map(as_object, as_list(envelope.get("warnings"))):
        yield f"warning: {one_line(as_text(warning.get('message')))} ({one_line(as_text(warning.get('code')))})"


def _rest_of_answer(content: str, streamed: str) -> str:
    if content.startswith(streamed):
        return clean(content.removeprefix(streamed))
    # The provider took back what it had streamed: the answer that counts stands whole below it.
    return f"\n\n{clean(content)}"


def _sources(output: JsonObject) -> Iterator[str]:
    results = [as_object(result) for result in as_list(output.get("search_results"))]
    sources = results or [{"url": url} for url in as_list(output.get("citations"))]
    if sources:
        yield ""
    for number, source in enumerate(sources, start=1):
        # An empty entry keeps the numbers of those behind it: [n] in the answer is the n-th source.
        if words := _words(source, "title", "url", "date"):
            yield f"[{number}] {'  '.join(words)}"


def _are_pages(results: JsonValue) -> bool:
    return isinstance(results, list) and all(
        "url" in as_object(result) for result in results
    )


def _found(output: JsonObject) -> Iterator[str]:
    pages = [as_object(page) for page in as_list(output.get("results"))]
    outcomes = [as_object(outcome) for outcome in as_list(output.get("queries"))]
    told = [as_text(outcome.get("query")) for outcome in outcomes]
    failures = {
        as_text(outcome.get("query")): as_object(outcome.get("error"))
        for outcome in outcomes
        if outcome.get("error")
    }
    # Dictionary keys keep the order asked, and take in queries that only the results name.
    for number, query in enumerate(
        dict.fromkeys([*told, *(as_text(page.get("query")) for page in pages)])
    ):
        yield from [""] if number else []
        yield from _group(
            query,
            [page for page in pages if as_text(page.get("query")) == query],
            failures.get(query),
        )
    if not told and not pages:
        yield "No results."


def _group(
    query: str, pages: Sequence[JsonObject], failure: JsonObject | None
) -> Iterator[str]:
    if query:
        yield f"Results for {one_line(query)}"
    if failure:
        yield f"    failed: {one_line(as_text(failure.get('user_message')) or as_text(failure.get('message')))}"
    elif not pages:
        yield "    No results."
    for number, page in enumerate(pages, start=1):
        yield f"{number:>3}. {'  '.join(_words(page, 'title', 'date')) or '(no title)'}"
        yield from (
            f"     {line}" for line in (*_words(page, "url"), _snippet(page)) if line
        )


def _snippet(page: JsonObject) -> str:
    return shortened(as_text(page.get("snippet")), _SNIPPET)


def _words(source: JsonObject, *names: str) -> Sequence[str]:
    return [line for name in names if (line := one_line(as_text(source.get(name))))]


def _tokens(usage: JsonObject) -> Iterator[str]:
    parts = [(as_number(usage.get(name)), word) for name, word in _COUNTS]
    told = ", ".join(f"{count:.0f} {word}" for count, word in parts if count)
    total = as_number(usage.get("total_tokens"))
    if total is not None:
        yield f"{total:.0f} tokens" + (f" ({told})" if told else "")


def _cost(cost: JsonValue) -> Iterator[str]:
    total = as_number(as_object(cost).get("total_cost", cost))
    if total is not None:
        digits = f"{total:.6f}".rstrip("0").rstrip(".")
        yield f"{digits} {one_line(as_text(as_object(cost).get('currency'))) or 'USD'}"
