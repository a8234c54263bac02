"""The presets and models that the sandbox knows, their prices, and what `GET /v1/models` lists."""

from dataclasses import dataclass

from perplexity_connector.sandbox.errors import invalid
from perplexity_connector.sandbox.jsontypes import JsonObject, JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A preset: the tools attached to it, how it writes a citation marker, and how long it thinks (tokens)."""

    tools: tuple[str, ...]
    marker: str
    reasoning_tokens: int = 0
    searches: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """USD for a million tokens."""

    input: float
    output: float
    cache_read: float


_WITH_FETCH = ("web_search", "fetch_url")
PRESETS = {
    "fast": Preset(tools=("web_search",), marker="[{}]"),
    "low": Preset(tools=_WITH_FETCH, marker="[web:{}]"),
    "medium": Preset(tools=_WITH_FETCH, marker="[web:{}]", reasoning_tokens=24),
    "high": Preset(
        tools=_WITH_FETCH, marker="[web:{}]", reasoning_tokens=96, searches=2
    ),
    "xhigh": Preset(
        tools=("web_search", "finance_search", "sandbox"),
        marker="[web:{}]",
        reasoning_tokens=192,
        searches=2,
    ),
}
BARE = Preset(tools=(), marker="[{}]")
"""What a model has that was asked for by its own name."""

SERVED_BY_PRESETS = "openai/gpt-6-luna"
ANTHROPIC = "anthropic/"

# Representative: the real list had 52 ids in October 2026, whose prices were not all recorded.
MODELS = {
    "perplexity/sonar": Price(input=0.25, output=2.5, cache_read=0.0625),
    "openai/gpt-6-luna": Price(input=0.5, output=4.0, cache_read=0.05),
    "openai/gpt-5.6-luna": Price(input=0.4, output=3.2, cache_read=0.04),
    "anthropic/claude-sonnet-4-6": Price(input=3.0, output=15.0, cache_read=0.3),
    "google/gemini-3-flash": Price(input=0.5, output=3.0, cache_read=0.05),
    "xai/grok-4-1-fast": Price(input=0.2, output=0.5, cache_read=0.05),
}


def known_model(name: str) -> str:
    """The name, if there is such a model."""
    if name not in MODELS:
        raise unknown_model(name)
    return name


def unknown_model(name: str) -> Exception:
    """The 400 for a model or preset that does not exist."""
    message = (
        f"Invalid model '{name}'. Permitted models can be found in the documentation at "
        "https://docs.perplexity.ai/docs/getting-started/models."
    )
    return invalid(message, kind="invalid_model")


def model_list() -> JsonObject:
    """The body of `GET /v1/models`."""
    return {
        "object": "list",
        "data": [_listed(name, price) for name, price in MODELS.items()],
    }


def _listed(name: str, price: Price) -> JsonValue:
    pricing: JsonObject = {
        "input": price.input,
        "output": price.output,
        "cache_read": price.cache_read,
        "unit": "usd_per_1m_tokens",
    }
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": name.partition("/")[0],
        "pricing": pricing,
    }
