"""Dates in the form that Perplexity's filters take."""

from collections.abc import Mapping

from perplexity_connector.contract import JsonValue

DATE_FILTERS = (
    "search_after_date_filter",
    "search_before_date_filter",
    "last_updated_after_filter",
    "last_updated_before_filter",
)


def us_date(iso: str) -> str:
    """Turn `2026-03-09` into `03/09/2026`.

    Requests take MM/DD/YYYY, answers give ISO dates (docs/provider.md, "Search").
    """
    year, month, day = iso.split("-")
    return f"{month}/{day}/{year}"


def with_us_dates(filters: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the filters with their dates as requests take them."""
    return {
        name: us_date(str(value)) if name in DATE_FILTERS else value
        for name, value in filters.items()
    }
