"""The models that an author can pick, as options of a form: today's meaning and price of each name.

A price of the provider's own list wins. Without one, the dated facts below serve (docs/provider.md,
"Models"), and otherwise the price is unknown.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from perplexity_connector.contract import Option
from perplexity_connector.perplexity.forms.model_aliases import (
    ALIASES,
    NEEDS_MAX_TOKENS,
    WIDE_RESEARCH,
)

_PRICE_UNKNOWN = "Price unknown."


class _Served(NamedTuple):
    """The model and the tools of a preset, and the prices of the tools in USD."""

    model: str
    tools: str
    calls: str


_SEEN = "October 2026"
_READS = "web search and the reading of pages", "$0.0025 a search, $0.0035 a page"
_PRESETS: Mapping[str, _Served] = {
    "fast": _Served("openai/gpt-6-luna", "web search", "$0.001 a search"),
    "low": _Served("openai/gpt-6-luna", *_READS),
    "medium": _Served("openai/gpt-6-luna", *_READS),
    "high": _Served("openai/gpt-6-sol", *_READS),
    "xhigh": _Served(
        "anthropic/claude-opus-5-5",
        "web search, finance search and a sandbox",
        "$0.0025 a search, $0.005 a finance search, $0.03 a sandbox",
    ),
}
# USD for a million tokens in and out.
PRICES: Mapping[str, tuple[str, str]] = {
    "anthropic/claude-opus-5-5": ("4", "20"),
    "openai/gpt-5.6-luna": ("0.2", "1.2"),
    "openai/gpt-6-luna": ("0.1", "0.5"),
    "openai/gpt-6-sol": ("2", "10"),
    "perplexity/sonar": ("0.25", "2.5"),
}
# Names of which little more than the name is documented.
_OTHERS = (
    Option(
        value=WIDE_RESEARCH,
        label="Wide research",
        description=f"Its model and tools are not documented. {_PRICE_UNKNOWN}",
    ),
    Option(
        value="fast@2026-10-16.0",
        label="Preset fast of 2026-10-16",
        description=f"A fixed version: it stays when the preset fast changes. {_PRICE_UNKNOWN}",
    ),
)

KNOWN_NAMES = (
    *ALIASES,
    *_PRESETS,
    *(option.value for option in _OTHERS),
    *PRICES,
)


def choices(listed: Mapping[str, str] | None) -> Sequence[Option]:
    """Return the names of the old chat API, the presets, pinned versions, and then models.

    `listed` is the provider's own list: the price of each model, "" if it is not known. None: the
    list could not be fetched, and the few models of the dated facts are in its place.
    """
    prices = listed or {}
    named = [*_aliases(prices), *_presets(prices), *_OTHERS]
    names = {option.value for option in named}
    models = dict.fromkeys(PRICES, "") if listed is None else listed
    others = [
        _model(name, price) for name, price in models.items() if name not in names
    ]
    return [*named, *others]


def price_of_tokens(amount_in: str, amount_out: str) -> str:
    """Return the price of a model in words, from USD for a million tokens."""
    return f"${amount_in} in, ${amount_out} out per 1M tokens"


def _aliases(listed: Mapping[str, str]) -> Sequence[Option]:
    return [
        Option(
            value=name,
            label=name.replace("-", " ").title(),
            description=f"Served by the preset {preset}, with {_served(preset, listed)}",
        )
        for name, preset in ALIASES.items()
    ]


def _presets(listed: Mapping[str, str]) -> Sequence[Option]:
    return [
        Option(
            value=name,
            label=f"Preset {name}",
            description=f"With {_served(name, listed)}{_aliases_of(name)}",
        )
        for name in _PRESETS
    ]


def _aliases_of(preset: str) -> str:
    names = ", ".join(name for name, served in ALIASES.items() if served == preset)
    return f" It serves {names}." if names else ""


def _served(preset: str, listed: Mapping[str, str]) -> str:
    model, tools, calls = _PRESETS[preset]
    seen = f"{tools}. {_SEEN}: {model}, {calls}"
    price = listed.get(model)
    return f"{seen}. Now {price}." if price else f"{seen}, {_price_seen(model)}."


def _model(name: str, price: str) -> Option:
    words = f"{price}." if price else _dated_price(name)
    if name.startswith(NEEDS_MAX_TOKENS):
        words += " Needs max_tokens."
    return Option(value=name, label=name, description=words)


def _dated_price(name: str) -> str:
    return f"{_SEEN}: {_price_seen(name)}." if name in PRICES else _PRICE_UNKNOWN


def _price_seen(name: str) -> str:
    return price_of_tokens(*PRICES[name])
