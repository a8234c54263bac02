"""`POST /search`: lenient about unknown fields, strict about known ones."""

from dataclasses import dataclass
from itertools import chain, zip_longest

from perplexity_connector.sandbox import checks
from perplexity_connector.sandbox.budget import Budget, read_budget
from perplexity_connector.sandbox.corpus import TODAY, Page, pages, rank
from perplexity_connector.sandbox.errors import BrokenRuleError, invalid, rules_of
from perplexity_connector.sandbox.filters import (
    Filters,
    check_country,
    read_filters,
)
from perplexity_connector.sandbox.iso_codes import LANGUAGES
from perplexity_connector.sandbox.jsontypes import JsonObject, JsonValue
from perplexity_connector.sandbox.prompts import Prompt, Prompts, read_prompts

_UNTRUSTED_PAGE = "https://untrusted.example/markup"
_MOST_QUERIES = 5
_LONGEST_QUERY = 8192
_MOST_LANGUAGES = 20
_MOST_RESULTS = 20
_SEARCH_TYPES = ("web", "people", "fast")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """A search that was accepted.

    `prompts` are those of all its queries.
    """

    queries: list[str]
    prompts: Prompts
    filters: Filters
    budget: Budget
    server_time: bool


def read_search_request(body: JsonObject) -> SearchRequest:
    """Return the search that the body requests.

    Raises:
        ApiError: 400, as the provider refuses it.
    """
    queries, prompts = read_prompts(_queries(body))
    if (checks.read_text(body, "search_type") or "web") not in _SEARCH_TYPES:
        message = f"search_type must be one of: {', '.join(_SEARCH_TYPES)}"
        raise BrokenRuleError(message)
    checks.read_choice(body, "search_context_size", ("low", "medium", "high"))
    check_country(body)
    return SearchRequest(
        queries=queries,
        prompts=prompts,
        filters=_filters(body),
        budget=read_budget(body, _MOST_RESULTS),
        server_time=checks.read_boolean(body, "display_server_time") or False,
    )


def search(request: SearchRequest, uuid: str) -> JsonObject:
    """Return the body of the answer: one flat list, in which the best of each query leads."""
    filters, prompts = request.filters, request.prompts
    found = [find_pages(query, filters, prompts) for query in request.queries]
    results: JsonValue = _results(_merge(found), request.budget)
    if Prompt.NESTED in prompts:
        results = [_results(hits, request.budget) for hits in found]
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
    with rules_of("query validation"):
        query = body.get("query")
        is_one = isinstance(query, str)
        queries = [str(query)] if is_one else checks.read_strings(body, "query")
        if not queries:
            message = "query is required"
            raise BrokenRuleError(message)
        if len(queries) > _MOST_QUERIES:
            message = f"maximum {_MOST_QUERIES} queries allowed, got {len(queries)}"
            raise BrokenRuleError(message)
        for place, text in enumerate(queries, 1):
            _check_length(place, text)
    return queries


def _check_length(place: int, query: str) -> None:
    # Recorded: a query of spaces alone is long enough, and finds nothing.
    if not 1 <= len(query) <= _LONGEST_QUERY:
        message = (
            f"query {place} length must be between 1 and {_LONGEST_QUERY} characters, "
            f"got {len(query)}"
        )
        raise BrokenRuleError(message)


def _filters(body: JsonObject) -> Filters:
    languages = checks.read_strings(body, "search_language_filter") or []
    kind = "invalid_language_code"
    if len(languages) > _MOST_LANGUAGES:
        message = (
            "Validation error: search_language_filter cannot have more than "
            f"{_MOST_LANGUAGES} languages"
        )
        raise invalid(message, kind)
    for language in languages:
        if language.lower() not in LANGUAGES:
            message = f"Validation error: language must be a valid ISO 639-1 code, got {language}"
            raise invalid(message, kind)
    return read_filters(body, tuple(language.lower() for language in languages))


def _merge(found: list[list[Page]]) -> list[Page]:
    """Return the pages of all queries in turn: each one's best, then each one's second."""
    in_turn = [page for page in chain(*zip_longest(*found)) if page]
    # A dict keeps the first of equal pages, in order.
    return list(dict.fromkeys(in_turn))


def _results(found: list[Page], budget: Budget) -> list[JsonValue]:
    return [page.as_result() for page in budget.cut(found)]
