"""Which of Perplexity's models a name stands for: the one table of models, open at the end.

Chat completions are served by the Agent API since 2026-09-27. It has presets where the chat API had models, so each
old name stands for the preset that the migration guide names. A name that is not here goes through as it is.
"""

from collections.abc import Mapping, Sequence

from perplexity_connector.contract import Option

# Perplexity refuses a request to one of these without `max_output_tokens`.
NEEDS_MAX_TOKENS = "anthropic/"

PRESETS = ("fast", "low", "medium", "high", "xhigh")

ALIASES: Mapping[str, str] = {
    "sonar": "fast",
    "sonar-pro": "low",
    "sonar-reasoning": "medium",
    "sonar-reasoning-pro": "medium",
    "sonar-deep-research": "high",
}

# What each preset has at hand (perplexity_api 8.2).
_TOOLS: Mapping[str, str] = {
    "fast": "web search",
    "low": "web search and the reading of pages",
    "medium": "web search and the reading of pages",
    "high": "web search and the reading of pages",
    "xhigh": "web search, finance search and a sandbox",
}

# Seen on the wire in autumn 2026; the whole list is asked for, and these stand in where it cannot be.
_WELL_KNOWN = ("openai/gpt-5.6-luna", "openai/gpt-6-luna", "perplexity/sonar")

# Gone before the chat API was: r1-1776 on 2025-08-01, the llama-3.1 family on 2025-02-22.
_REMOVED: Mapping[str, str] = {
    "r1-1776": "sonar-reasoning-pro",
    "llama-3.1-sonar-small-128k": "sonar",
    "llama-3.1-sonar-large-128k": "sonar-pro",
    "llama-3.1-sonar-huge-128k": "sonar-pro",
    "llama-3.1-sonar-": "sonar",
}


def preset_of(model: str) -> str | None:
    """The preset that a model name stands for, or None for a name that goes to the provider as it is."""
    return model if model in PRESETS else ALIASES.get(model)


def replacement_for(model: str) -> str | None:
    """The name to use instead of a model that was removed long ago, however it is written; None for any other.

    Other routes to Perplexity put its name before the model's.
    """
    name = model.strip().lower().removeprefix("perplexity/")
    return next(
        (better for removed, better in _REMOVED.items() if name.startswith(removed)),
        None,
    )


def named_options() -> Sequence[Option]:
    """The names of the old chat API, with what each stands for today, and then the presets."""
    aliases = [
        Option(
            value=name,
            label=_title(name),
            description=f"Served by the preset {preset}, with {_TOOLS[preset]}.",
        )
        for name, preset in ALIASES.items()
    ]
    return [
        *aliases,
        *(
            Option(value=name, label=f"Preset {name}", description=_preset(name))
            for name in PRESETS
        ),
    ]


def well_known_options() -> Sequence[Option]:
    """A few models by their own names, for when nobody can be asked."""
    return [described_model(name) for name in _WELL_KNOWN]


def described_model(name: str, price: str = "") -> Option:
    """A model by its own name, with its price where that is known, and what it needs."""
    needs = "Needs max_tokens." if name.startswith(NEEDS_MAX_TOKENS) else ""
    return Option(
        value=name, label=name, description=" ".join(filter(None, (price, needs)))
    )


def _title(name: str) -> str:
    return name.replace("-", " ").title()


def _preset(name: str) -> str:
    tools = _TOOLS[name]
    serves = ", ".join(alias for alias, preset in ALIASES.items() if preset == name)
    return f"{tools[0].upper()}{tools[1:]}." + (
        f" It serves {serves}." if serves else ""
    )
