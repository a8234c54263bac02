"""Map a search form to `POST /search`, and its answer back (docs/provider.md, "Search")."""

from collections.abc import Mapping, Sequence

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.readers import as_object, as_objects, as_text
from perplexity_connector.perplexity.forms.execute_search import SearchInput
from perplexity_connector.perplexity.wire.dates import with_us_dates
from perplexity_connector.perplexity.wire.list_prices import (
    price_of_searches,
    search_cost,
)
from perplexity_connector.perplexity.wire.sources import page

PATH = "/search"


def queries(form: SearchInput) -> Sequence[str]:
    """Return the queries of a form, one or several, as a list."""
    return [form.query] if isinstance(form.query, str) else form.query


def filters_of(form: SearchInput) -> dict[str, JsonValue]:
    """Return all of a request but its query. The requests of a form have the same."""
    return with_us_dates(form.model_dump(exclude={"query"}, exclude_none=True))


def request_body(filters: Mapping[str, JsonValue], query: str) -> dict[str, JsonValue]:
    """Return the request for one query.

    Each query has its own request, because the answer to several does not say which is whose.
    """
    return {"query": query, **filters}


def usage(form: SearchInput, searches: int, in_doubt: int = 0) -> dict[str, JsonValue]:
    """Return the usage of so many searches; their cost is the list price.

    `in_doubt` is how many more may have been billed, although they have no answer.
    """
    cost = search_cost(form.search_type, searches)
    if in_doubt:
        cost["in_doubt_cost"] = price_of_searches(form.search_type, in_doubt)
    return {"search_queries": searches, "cost": cost}


def pages_from_answer(answer: JsonValue) -> tuple[Sequence[JsonObject], str | None]:
    """Return the pages of an answer, best first, and the search's id.

    A nested list of results is read too: the documentation has both forms. Null means no results:
    the provider writes other empty lists as null. Raises `ValueError` for an answer of another
    shape.
    """
    document = as_object(answer)
    results = document.get("results", "missing")
    if results is None:
        results = []
    if not isinstance(results, list):
        message = "no results in the answer"
        raise ValueError(message)  # noqa: TRY004 - to the caller this is one more unreadable answer
    rows: list[JsonValue] = []
    for entry in results:
        rows += entry if isinstance(entry, list) else [entry]
    return [page(row) for row in as_objects(rows)], as_text(document.get("id")) or None
