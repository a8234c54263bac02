"""Perplexity's price list, for answers that do not say their cost (docs/provider.md, "Search")."""

from perplexity_connector.contract import JsonObject

# When the list was last read. The output has this date, so that an old price is seen as one.
LISTED_ON = "2026-11-26"
_DEFAULT_TYPE = "web"
_USD_FOR_1000_SEARCHES = {_DEFAULT_TYPE: 5, "fast": 1}


def search_cost(search_type: str | None, searches: int) -> JsonObject:
    """Return the list price of so many searches of one type; None is the provider's default."""
    price = _USD_FOR_1000_SEARCHES[search_type or _DEFAULT_TYPE]
    return {
        "currency": "USD",
        "total_cost": searches * price / 1000,
        "basis": "list_price",
        "listed_on": LISTED_ON,
    }
