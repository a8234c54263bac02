"""The one table of model names: which of Perplexity's models a name means today.

Chat completions are served by the Agent API since 2026-09-27. It has presets where the chat API had
models, so each old name means the preset that the migration guide names (docs/provider.md,
"Models"). A name that is not in these tables is sent as it is.

Some other APIs put `perplexity/` before a Sonar name. It is then the same name, except that
`perplexity/sonar` is a model of the provider's own.
"""

from collections.abc import Mapping

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


def replacement_for(model: str) -> str | None:
    """Return the name to use instead of a removed model, in any spelling; None for any other."""
    name = model.strip().lower().removeprefix(_PREFIX)
    for removed, replacement in _REMOVED.items():
        if name.startswith(removed):
            return replacement
    return None
