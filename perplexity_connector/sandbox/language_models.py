"""The presets and models of the sandbox, their prices, and the list of `GET /v1/models`."""

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from perplexity_connector.sandbox.errors import ApiError, invalid
from perplexity_connector.sandbox.jsontypes import JsonObject, JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A preset of the Agent API.

    `tools` are attached to each of its requests. `marker` is the form of its citation markers.
    `searches` is the number of searches that a run makes; it makes them beside pages that it reads
    only if `searches_beside_pages`. `steps` is the most steps of a run without `max_steps`.
    """

    tools: tuple[str, ...]
    marker: str
    reasoning_tokens: int = 0
    searches: int = 1
    searches_beside_pages: bool = False
    steps: int = 100


_WITH_FETCH = ("web_search", "fetch_url")
_HIGH = Preset(
    tools=_WITH_FETCH,
    marker="[web:{}]",
    reasoning_tokens=96,
    searches=2,
    searches_beside_pages=True,
)
PRESETS = {
    "fast": Preset(tools=("web_search",), marker="[{}]"),
    "low": Preset(tools=_WITH_FETCH, marker="[web:{}]"),
    "medium": Preset(
        tools=_WITH_FETCH,
        marker="[web:{}]",
        reasoning_tokens=24,
        searches_beside_pages=True,
    ),
    "high": _HIGH,
    "xhigh": Preset(
        tools=("web_search", "finance_search", "sandbox"),
        marker="[web:{}]",
        reasoning_tokens=192,
        searches=2,
    ),
}
EFFORTS = {**PRESETS, "wide-research": _HIGH}
"""The words that `effort` takes, also with a version. `preset` takes only `PRESETS`, without one."""
BARE = Preset(
    tools=(),
    marker="[{}]",
    searches=2,
    searches_beside_pages=True,
    steps=1,
)
"""The preset of a model that is requested by its own name. Reported: it has one step."""
PROFILED = PRESETS["low"]
"""The preset of a request that names a profile alone."""

SERVED_BY_PRESETS = "openai/gpt-6-luna"
ANTHROPIC = "anthropic/"
_PIN = re.compile(r"@\d{4}-\d{2}-\d{2}\.\d+$")


def base_name(preset: str) -> str:
    """Return the name of a preset without its pinned version, such as `@2026-10-16.0`."""
    return _PIN.sub("", preset)


@cache
def prices() -> dict[str, dict[str, float]]:
    """Return the recorded prices of each model: USD per million tokens, by kind of token."""
    source = files("perplexity_connector.sandbox").joinpath("models.json")
    found: dict[str, dict[str, float]] = json.loads(source.read_text(encoding="utf-8"))
    return found


def unknown_model(name: str) -> ApiError:
    """Return the 400 for a model or preset that does not exist."""
    message = (
        f"Invalid model '{name}'. Permitted models can be found in the documentation at "
        "https://docs.perplexity.ai/docs/getting-started/models."
    )
    return invalid(message, "invalid_model")


def model_list() -> JsonObject:
    """Return the body of `GET /v1/models`."""
    return {
        "object": "list",
        "data": [_model(name, price) for name, price in prices().items()],
    }


def _model(name: str, price: dict[str, float]) -> JsonValue:
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": name.partition("/")[0],
        "pricing": {**price, "unit": "usd_per_1m_tokens"},
    }
