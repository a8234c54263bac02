"""`POST /search`, both ways."""

from collections.abc import Sequence

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.json import as_list, as_object, as_text
from perplexity_connector.perplexity.forms.execute_search import SearchInput
from perplexity_connector.perplexity.wire.dates import us_date
from perplexity_connector.perplexity.wire.sources import page

PATH = "/search"

_DATES = (
    "search_after_date_filter",
    "search_before_date_filter",
    "last_updated_after_filter",
    "last_updated_before_filter",
)


def queries(form: SearchInput) -> Sequence[str]:
    """The queries of a form, one or several, as a list."""
    return [form.query] if isinstance(form.query, str) else form.query


def request_body(form: SearchInput, query: str) -> dict[str, JsonValue]:
    """The request for one query: one query a request, since an answer to several cannot be attributed to them."""
    body: dict[str, JsonValue] = form.model_dump(exclude={"query"}, exclude_none=True)
    dates: dict[str, JsonValue] = {
        name: us_date(str(body[name])) for name in _DATES if name in body
    }
    return {"query": query} | body | dates


def found(answer: JsonValue) -> tuple[Sequence[JsonObject], str | None]:
    """The pages of an answer, best first, and the search's id. Raises `ValueError` for an answer of another shape.

    A nested list of results is understood too: sources contradict each other on it (perplexity_api 4.3).
    """
    results = as_object(answer).get("results")
    if not isinstance(results, list):
        message = "no results in the answer"
        raise ValueError(message)  # noqa: TRY004 - to the caller this is one more unreadable answer
    flat = [
        row
        for entry in results
        for row in (as_list(entry) if isinstance(entry, list) else [entry])
    ]
    return [page(row) for row in flat if isinstance(row, dict)], as_text(
        as_object(answer).get("id")
    ) or None
