"""The one table of model names: which of Perplexity's models a name means today.

Chat completions are served by the Agent API since 2026-09-27. It has presets where the chat API had
models, so each old name means the preset that the migration guide names (docs/provider.md,
"Models"). A name that is not in these tables is sent as it is.

Some other APIs put `perplexity/` before a Sonar name. It is then the same name, except that
`perplexity/sonar` is a model of the provider's own.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from perplexity_connector.contract import Option

# Perplexity refuses a request to one of these without `max_output_tokens`.
NEEDS_MAX_TOKENS = "anthropic/"

PRESETS = ("fast", "low", "medium", "high", "xhigh")
# Has no name as a preset: it is only sent as `effort`.
WIDE_RESEARCH = "wide-research"

ModelKind = Literal["preset", "effort", "profile", "bare"]

ALIASES: Mapping[str, str] = {
    "sonar": "fast",
    "sonar-pro": "low",
    "sonar-reasoning": "medium",
    "sonar-reasoning-pro": "medium",
    "sonar-deep-research": "high",
}

# The tools of each preset (docs/provider.md, "Models").
_TOOLS: Mapping[str, str] = {
    "fast": "web search",
    "low": "web search and the reading of pages",
    "medium": "web search and the reading of pages",
    "high": "web search and the reading of pages",
    "xhigh": "web search, finance search and a sandbox",
}

# Models of autumn 2026, shown when the provider's own list cannot be fetched.
_WELL_KNOWN = ("openai/gpt-5.6-luna", "openai/gpt-6-luna", "perplexity/sonar")

_PIN = re.compile(rf"({'|'.join((*PRESETS, WIDE_RESEARCH))})@\S+")
_PROFILE = "profile_"
_PREFIX = "perplexity/"
_OWN_MODEL = "perplexity/sonar"

# Removed before the chat API was (docs/provider.md, "Models"), the latest first: large models are
# replaced by sonar-pro, small ones by sonar. By the beginning of the name; the first match counts.
_REMOVED: Mapping[str, str] = {
    "r1-1776": "sonar-reasoning-pro",
    "llama-3.1-sonar-large": "sonar-pro",
    "llama-3.1-sonar-huge": "sonar-pro",
    "llama-3.1-sonar-": "sonar",
    "llama-3.1-70b-": "sonar-pro",
    "llama-3.1-8b-": "sonar",
    "llama-3-sonar-large": "sonar-pro",
    "llama-3-sonar-": "sonar",
    "llama-3-70b-": "sonar-pro",
    "llama-3-8b-": "sonar",
    "llama-2-70b-": "sonar-pro",
    "llama-2-": "sonar",
    "sonar-small": "sonar",
    "sonar-medium": "sonar-pro",
    "sonar-large": "sonar-pro",
    "sonar-huge": "sonar-pro",
    "pplx-70b": "sonar-pro",
    "pplx-7b": "sonar",
    "codellama-": "sonar-pro",
    "mixtral-8x": "sonar-pro",
    "mistral-7b": "sonar",
    "openhermes-2": "sonar",
    "replit-code-": "sonar",
}


def preset_of(model: str) -> str | None:
    """Return the preset that a model name means, or None for a name that is sent as it is.

    A name with `perplexity/` before it may have any case.
    """
    if model in PRESETS:
        return model
    name = model.lower()
    if name.startswith(_PREFIX) and name != _OWN_MODEL:
        return ALIASES.get(name.removeprefix(_PREFIX))
    return ALIASES.get(model)


def kind_of(model: str) -> ModelKind:
    """Return how a model name is sent: by which of Perplexity's fields.

    * `preset`: one of the five presets, or a name that means one (`preset_of`).
    * `effort`: wide research, or one version of a preset, such as `fast@2026-10-16.0`.
    * `profile`: the id of the author's own profile.
    * `bare`: any other name, such as `openai/gpt-6-luna`, as a model.
    """
    if preset_of(model):
        return "preset"
    if model == WIDE_RESEARCH or _PIN.fullmatch(model):
        return "effort"
    return "profile" if model.startswith(_PROFILE) else "bare"


def is_bare(model: str) -> bool:
    """Return whether a name is sent as a model, so that it has no tools of its own."""
    return kind_of(model) == "bare"


def effort_of(model: str) -> str | None:
    """Return the preset, or `wide-research`, that a name means in any version; None for any other."""
    if kind_of(model) == "effort":
        return model.partition("@")[0]
    return preset_of(model)


def replacement_for(model: str) -> str | None:
    """Return the name to use instead of a removed model, in any spelling; None for any other."""
    name = model.strip().lower().removeprefix(_PREFIX)
    for removed, replacement in _REMOVED.items():
        if name.startswith(removed):
            return replacement
    return None


def named_options() -> Sequence[Option]:
    """Return the names of the old chat API, each with its preset, and then the presets."""
    aliases = [
        Option(value=name, label=_title(name), description=_alias_description(preset))
        for name, preset in ALIASES.items()
    ]
    presets = [
        Option(
            value=name, label=f"Preset {name}", description=_preset_description(name)
        )
        for name in PRESETS
    ]
    return [*aliases, *presets]


def well_known_options() -> Sequence[Option]:
    """Return a few models by their own names, for when the provider cannot be asked."""
    return [model_option(name) for name in _WELL_KNOWN]


def model_option(name: str, price: str = "") -> Option:
    """Return a model by its own name, described by its price, if known, and its needs."""
    needs = "Needs max_tokens." if name.startswith(NEEDS_MAX_TOKENS) else ""
    description = f"{price} {needs}".strip()
    return Option(value=name, label=name, description=description)


def _title(name: str) -> str:
    return name.replace("-", " ").title()


def _alias_description(preset: str) -> str:
    return f"Served by the preset {preset}, with {_TOOLS[preset]}."


def _preset_description(name: str) -> str:
    tools = _TOOLS[name]
    aliases = ", ".join(alias for alias, preset in ALIASES.items() if preset == name)
    serves = f" It serves {aliases}." if aliases else ""
    return f"{tools[0].upper()}{tools[1:]}.{serves}"
