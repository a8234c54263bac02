"""`POST /search`: lenient towards unknown fields, strict about the ones it knows."""

from dataclasses import dataclass
from itertools import chain, zip_longest

from perplexity_connector.sandbox import checks
from perplexity_connector.sandbox.agent import check_country
from perplexity_connector.sandbox.answer import UNTRUSTED_PAGE
from perplexity_connector.sandbox.corpus import TODAY, Page, pages, rank
from perplexity_connector.sandbox.errors import invalid, query_missing
from perplexity_connector.sandbox.filters import Filters, read_filters
from perplexity_connector.sandbox.jsontypes import JsonObject, JsonValue
from perplexity_connector.sandbox.prompts import Prompt, read_prompts

_MOST_QUERIES = 5
_MANY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """A search that was accepted. `prompts` is what the test words of its queries select. Budgets are in words."""

    queries: list[str]
    prompts: frozenset[Prompt]
    filters: Filters
    max_results: int
    max_tokens: int
    max_tokens_per_page: int
    server_time: bool


def read_search_request(body: JsonObject) -> SearchRequest:
    """What the body asks for.

    Raises:
        ApiError: 400, or 422 when there is no query.
    """
    queries, prompts = read_prompts(_queries(body))
    checks.choice(body, "search_type", ("web", "fast"))
    checks.choice(body, "search_context_size", ("low", "medium", "high"))
    check_country(body)
    return SearchRequest(
        queries=queries,
        prompts=prompts,
        filters=_filters(body),
        max_results=checks.integer(body, "max_results", 1, 20) or 10,
        max_tokens=checks.integer(body, "max_tokens", 1, _MANY) or 10_000,
        max_tokens_per_page=checks.integer(body, "max_tokens_per_page", 1, _MANY)
        or 4096,
        server_time=checks.boolean(body, "display_server_time") or False,
    )


def search(request: SearchRequest, uuid: str) -> JsonObject:
    """The body of the answer. Several queries give one flat list, the best of each first."""
    found = [_found(query, request) for query in request.queries]
    if Prompt.NESTED in request.prompts:
        nested: list[JsonValue] = [
            _shown(hits[: request.max_results], request) for hits in found
        ]
        answer: JsonObject = {"results": nested, "id": uuid}
    else:
        # A dict keeps the first of two equal pages, in order.
        flat = dict.fromkeys(page for page in chain(*zip_longest(*found)) if page)
        answer = {
            "results": _shown(list(flat)[: request.max_results], request),
            "id": uuid,
        }
    if request.server_time:
        answer["server_time"] = f"{TODAY.isoformat()}T12:00:00Z"
    return answer


def _queries(body: JsonObject) -> list[str]:
    query = body.get("query")
    if query is None:
        raise query_missing()
    queries = [query] if isinstance(query, str) else checks.strings(body, "query") or []
    if not 1 <= len(queries) <= _MOST_QUERIES or not all(map(str.strip, queries)):
        message = f"query must be a string, or a list of one to {_MOST_QUERIES}, none of them empty"
        raise invalid(message, "query", "invalid_parameter")
    return queries


def _filters(body: JsonObject) -> Filters:
    languages = checks.strings(body, "search_language_filter") or []
    if not all(len(language) == len("en") for language in languages):
        message = "search_language_filter takes ISO 639-1 codes"
        raise invalid(message, "search_language_filter", "invalid_parameter")
    return read_filters(body, tuple(languages))


def _found(query: str, request: SearchRequest) -> list[Page]:
    if Prompt.EMPTY in request.prompts:
        return []
    found = rank(query, filter(request.filters.allows, pages()))
    if Prompt.HTML_SNIPPET in request.prompts:
        found = [*(page for page in pages() if page.url == UNTRUSTED_PAGE), *found]
    return found


def _shown(found: list[Page], request: SearchRequest) -> list[JsonValue]:
    left, shown = request.max_tokens, list[JsonValue]()
    for page in found:
        kept = page.text.split(" ")[: min(left, request.max_tokens_per_page)]
        left -= len(kept)
        if kept:
            shown.append({**page.found(), "snippet": " ".join(kept)})
    return shown
