"""The one table of model names: which of Perplexity's models a name means today.

Chat completions are served by the Agent API since 2026-09-27. It has presets where the chat API had
models, so each old name means the preset that the migration guide names (docs/provider.md,
"Models"). A name that is not in these tables is sent as it is.

Some other APIs put `perplexity/` before a Sonar name. It is then the same name, except that
`perplexity/sonar` is a model of the provider's own.
"""

import re
from collections.abc import Mapping
from typing import Literal

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
# Hardly any model has been removed, and each run asks.
_REMOVED_NAMES = tuple(_REMOVED)


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
    if not name.startswith(_REMOVED_NAMES):
        return None
    replacements = [
        replacement
        for removed, replacement in _REMOVED.items()
        if name.startswith(removed)
    ]
    return replacements[0]
