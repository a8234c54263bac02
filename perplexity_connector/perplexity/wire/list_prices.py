"""Perplexity's price list, for answers that do not say their cost (docs/provider.md, "Search")."""

from perplexity_connector.contract import JsonValue

# When the list was last read. The output has this date, so that an old price is seen as one.
LISTED_ON = "2026-11-26"
# The provider's default.
SEARCH_TYPE = "web"
_USD_FOR_1000_SEARCHES = {SEARCH_TYPE: 5, "fast": 1}


def price_of_searches(search_type: str | None, searches: int) -> float:
    """Return the list price in USD of so many searches of one type; None is the default."""
    return searches * _USD_FOR_1000_SEARCHES[search_type or SEARCH_TYPE] / 1000


def search_cost(search_type: str | None, searches: int) -> dict[str, JsonValue]:
    """Return the list price of so many searches of one type, as a part of their usage."""
    return {
        "currency": "USD",
        "total_cost": price_of_searches(search_type, searches),
        "basis": "list_price",
        "listed_on": LISTED_ON,
    }
