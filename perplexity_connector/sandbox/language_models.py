"""The presets and models of the sandbox, their prices, and the list of `GET /v1/models`."""

from dataclasses import asdict, dataclass

from perplexity_connector.sandbox.errors import ApiError, invalid
from perplexity_connector.sandbox.jsontypes import JsonObject, JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A preset of the Agent API.

    `tools` are attached to each of its requests. `marker` is the form of its citation markers.
    `searches` is the number of searches that a run makes.
    """

    tools: tuple[str, ...]
    marker: str
    reasoning_tokens: int = 0
    searches: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """USD per million tokens."""

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
"""The preset of a model that is requested by its own name."""

SERVED_BY_PRESETS = "openai/gpt-6-luna"
ANTHROPIC = "anthropic/"

# A selection: the real list had 52 ids in October 2026, and not all of their prices were recorded.
MODELS = {
    "perplexity/sonar": Price(input=0.25, output=2.5, cache_read=0.0625),
    "openai/gpt-6-luna": Price(input=0.5, output=4.0, cache_read=0.05),
    "openai/gpt-5.6-luna": Price(input=0.4, output=3.2, cache_read=0.04),
    "anthropic/claude-sonnet-4-6": Price(input=3.0, output=15.0, cache_read=0.3),
    "google/gemini-3-flash": Price(input=0.5, output=3.0, cache_read=0.05),
    "xai/grok-4-1-fast": Price(input=0.2, output=0.5, cache_read=0.05),
}


def unknown_model(name: str) -> ApiError:
    """Return the 400 for a model or preset that does not exist."""
    message = (
        f"Invalid model '{name}'. Permitted models can be found in the documentation at "
        "https://docs.perplexity.ai/docs/getting-started/models."
    )
    return invalid(message, kind="invalid_model")


def model_list() -> JsonObject:
    """Return the body of `GET /v1/models`."""
    return {
        "object": "list",
        "data": [_model(name, price) for name, price in MODELS.items()],
    }


def _model(name: str, price: Price) -> JsonValue:
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": name.partition("/")[0],
        "pricing": {**asdict(price), "unit": "usd_per_1m_tokens"},
    }
