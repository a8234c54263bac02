"""Cut a text into the pieces of a recorded stream, and calculate the usage of a run."""

import re
from dataclasses import dataclass

from perplexity_connector.sandbox.jsontypes import JsonObject, JsonValue

# A citation marker was recorded in pieces: `.[`, `1`, `]`; and `[web:`, `3`, `]`.
_TOKEN = re.compile(r"\.?\[(?!web:)|\[web:|\s*\w+|\s*[^\w\s]|\s+")
_DIGITS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCalls:
    """How often a run called a tool, and the price of one call in USD."""

    name: str
    count: int
    price: float

    @property
    def cost(self) -> float:
        """Return the cost of all calls in USD."""
        return round(self.count * self.price, _DIGITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCounts:
    """The tokens of a run: `cached` are those of its input that it wrote to a cache."""

    input: int
    cached: int
    output: int
    reasoning: int


def tokenize(text: str) -> list[str]:
    """Return the pieces of a text; joined, they are the text again."""
    return _TOKEN.findall(text)


def usage(
    counts: TokenCounts,
    price: dict[str, float],
    tool_calls: list[ToolCalls],
) -> JsonObject:
    """Return the `usage` of a run, with its cost in USD.

    Recorded: the keys are sparse. Without tokens that were written to a cache, or without tool
    calls, their keys are missing.
    """
    costs = {
        "input_cost": _cost(counts.input - counts.cached, price["input"]),
        "output_cost": _cost(counts.output, price["output"]),
    }
    details: JsonObject = {"cached_tokens": 0}
    if counts.cached:
        costs["cache_creation_cost"] = _cost(counts.cached, price["cache_write"])
        details["cache_creation_input_tokens"] = counts.cached
        details["cache_read_input_tokens"] = 0
    used: JsonObject = {
        "input_tokens": counts.input,
        "input_tokens_details": details,
        "output_tokens": counts.output,
        "output_tokens_details": {"reasoning_tokens": counts.reasoning},
        "total_tokens": counts.input + counts.output,
    }
    by_tool = dict[str, JsonValue]()
    if tool_calls:
        costs["tool_calls_cost"] = _rounded(sum(call.cost for call in tool_calls))
        by_tool["tool_calls_cost_details"] = {
            call.name: call.cost for call in tool_calls
        }
        used["tool_calls_details"] = {
            call.name: {"invocation": call.count, "cost_usd": call.cost}
            for call in tool_calls
        }
    total = _rounded(sum(costs.values()))
    return {
        **used,
        "cost": {"currency": "USD", **costs, **by_tool, "total_cost": total},
    }


def _cost(tokens: int, usd_per_million: float) -> float:
    return _rounded(tokens * usd_per_million / 1_000_000)


def _rounded(usd: float) -> float:
    # Recorded: five digits after the point, so that a few tokens cost 0.
    return round(usd, _DIGITS)
