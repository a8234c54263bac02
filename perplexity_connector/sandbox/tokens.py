"""Cut a text into the pieces of a recorded stream, and calculate the usage of a run."""

import re

from perplexity_connector.sandbox.jsontypes import JsonObject
from perplexity_connector.sandbox.language_models import Price

# A citation marker was recorded in pieces: `.[`, `1`, `]`; and `[web:`, `3`, `]`.
_TOKEN = re.compile(r"\.?\[(?!web:)|\[web:|\s*\w+|\s*[^\w\s]|\s+")
_SEARCH_COST = 0.001


def tokenize(text: str) -> list[str]:
    """Return the pieces of a text; joined, they are the text again."""
    return _TOKEN.findall(text)


def usage(
    *,
    price: Price,
    input_tokens: int,
    output_tokens: int,
    reasoning_tokens: int,
    searches: int,
) -> JsonObject:
    """Return the `usage` of a run, with its cost in USD; without searches, no tool details."""
    tool_cost = round(searches * _SEARCH_COST, 6)
    costs = {
        "input_cost": _cost(input_tokens, price.input),
        "output_cost": _cost(output_tokens, price.output),
        "cache_creation_cost": 0.0,
        "cache_read_cost": 0.0,
        "tool_calls_cost": tool_cost,
    }
    cost: JsonObject = {
        "currency": "USD",
        **costs,
        "total_cost": round(sum(costs.values()), 6),
    }
    used: JsonObject = {
        "input_tokens": input_tokens,
        "input_tokens_details": {
            "cached_tokens": 0,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
        },
        "output_tokens": output_tokens,
        "output_tokens_details": {"reasoning_tokens": reasoning_tokens},
        "total_tokens": input_tokens + output_tokens,
    }
    if searches:
        used["tool_calls_details"] = {
            "search_web": {"invocation": searches, "cost_usd": tool_cost}
        }
        cost["tool_calls_cost_details"] = {"search_web": tool_cost}
    return {**used, "cost": cost}


def _cost(tokens: int, usd_per_million: float) -> float:
    return round(tokens * usd_per_million / 1_000_000, 6)
