"""Which of Perplexity's models a name stands for: the one table of models, open at the end.

Chat completions are served by the Agent API since 2026-09-27. It has presets where the chat API had models, so each
old name stands for the preset that the migration guide names. A name that is not here goes through as it is.
"""

from collections.abc import Mapping

PRESETS = ("fast", "low", "medium", "high", "xhigh")

ALIASES: Mapping[str, str] = {
    "sonar": "fast",
    "sonar-pro": "low",
    "sonar-reasoning": "medium",
    "sonar-reasoning-pro": "medium",
    "sonar-deep-research": "high",
}

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
    """The name to use instead of a model that was removed long ago; None for any other."""
    return next((better for removed, better in _REMOVED.items() if model.startswith(removed)), None)
