"""`POST /search`: lenient about unknown fields, strict about known ones."""

from dataclasses import dataclass
from itertools import chain, zip_longest

from perplexity_connector.sandbox import checks
from perplexity_connector.sandbox.agent import check_country
from perplexity_connector.sandbox.corpus import TODAY, Page, pages, rank
from perplexity_connector.sandbox.errors import invalid, query_missing
from perplexity_connector.sandbox.filters import Filters, read_filters
from perplexity_connector.sandbox.jsontypes import JsonObject, JsonValue
from perplexity_connector.sandbox.prompts import Prompt, Prompts, read_prompts

_UNTRUSTED_PAGE = "https://untrusted.example/markup"
_MOST_QUERIES = 5
_MANY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """A search that was accepted.

    `prompts` are those of all its queries. `max_tokens` and `max_tokens_per_page` count words.
    """

    queries: list[str]
    prompts: Prompts
    filters: Filters
    max_results: int
    max_tokens: int
    max_tokens_per_page: int
    server_time: bool


def read_search_request(body: JsonObject) -> SearchRequest:
    """Return the search that the body requests.

    Raises:
        ApiError: 400, or 422 if the query is missing.
    """
    queries, prompts = read_prompts(_queries(body))
    checks.read_choice(body, "search_type", ("web", "fast"))
    checks.read_choice(body, "search_context_size", ("low", "medium", "high"))
    check_country(body)
    return SearchRequest(
        queries=queries,
        prompts=prompts,
        filters=_filters(body),
        max_results=checks.read_integer(body, "max_results", 1, 20) or 10,
        max_tokens=checks.read_integer(body, "max_tokens", 1, _MANY) or 10_000,
        max_tokens_per_page=checks.read_integer(body, "max_tokens_per_page", 1, _MANY)
        or 4096,
        server_time=checks.read_boolean(body, "display_server_time") or False,
    )


def search(request: SearchRequest, uuid: str) -> JsonObject:
    """Return the body of the answer: one flat list, in which the best of each query leads."""
    filters, prompts = request.filters, request.prompts
    found = [find_pages(query, filters, prompts) for query in request.queries]
    results = _results(_merge(found), request)
    if Prompt.NESTED in prompts:
        results = [_results(hits, request) for hits in found]
    answer: JsonObject = {"results": results, "id": uuid}
    if request.server_time:
        answer["server_time"] = f"{TODAY.isoformat()}T12:00:00Z"
    return answer


def find_pages(
    query: str,
    filters: Filters,
    prompts: Prompts,
) -> list[Page]:
    """Return the pages for a query, best first."""
    if Prompt.EMPTY in prompts:
        return []
    found = rank(query, filter(filters.allows, pages()))
    if Prompt.HTML_SNIPPET in prompts:
        found = [*(page for page in pages() if page.url == _UNTRUSTED_PAGE), *found]
    return found


def _queries(body: JsonObject) -> list[str]:
    query = body.get("query")
    if query is None:
        raise query_missing()
    queries = (
        [query] if isinstance(query, str) else checks.read_strings(body, "query") or []
    )
    if not 1 <= len(queries) <= _MOST_QUERIES or not all(map(str.strip, queries)):
        message = f"query must be a string, or a list of one to {_MOST_QUERIES}, none of them empty"
        raise invalid(message, "query", "invalid_parameter")
    return queries


def _filters(body: JsonObject) -> Filters:
    languages = checks.read_strings(body, "search_language_filter") or []
    if not all(len(language) == len("en") for language in languages):
        message = "search_language_filter takes ISO 639-1 codes"
        raise invalid(message, "search_language_filter", "invalid_parameter")
    return read_filters(body, tuple(languages))


def _merge(found: list[list[Page]]) -> list[Page]:
    """Return the pages of all queries in turn: each one's best, then each one's second."""
    in_turn = [page for page in chain(*zip_longest(*found)) if page]
    # A dict keeps the first of equal pages, in order.
    return list(dict.fromkeys(in_turn))


def _results(found: list[Page], request: SearchRequest) -> list[JsonValue]:
    words_left = request.max_tokens
    results = list[JsonValue]()
    for page in found[: request.max_results]:
        most = min(words_left, request.max_tokens_per_page)
        kept = page.text.split(" ")[:most]
        words_left -= len(kept)
        if kept:
            results.append({**page.as_result(), "snippet": " ".join(kept)})
    return results
