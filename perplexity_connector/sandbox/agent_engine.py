"""Read the engine of a run: an effort, a preset, a profile, or one or more models by name."""

import re
from dataclasses import dataclass

from perplexity_connector.sandbox import checks
from perplexity_connector.sandbox.errors import BrokenRuleError
from perplexity_connector.sandbox.jsontypes import JsonObject
from perplexity_connector.sandbox.language_models import (
    ANTHROPIC,
    BARE,
    EFFORTS,
    PRESETS,
    PROFILED,
    Preset,
    base_name,
    prices,
    unknown_model,
)

_PROFILE_ID = re.compile(r"profile_\w+")
_MOST_MODELS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The engine of a run, and the preset that it has in the sandbox.

    `name` is that of the effort, the preset, the profile or the first model. `models` are tried in
    their order; an effort, a preset and a profile have none.
    """

    preset: Preset
    name: str
    models: tuple[str, ...] = ()

    @property
    def is_profile(self) -> bool:
        """Return whether a profile was named."""
        return bool(_PROFILE_ID.fullmatch(self.name))

    @property
    def needs_max_output_tokens(self) -> bool:
        """Return whether one of its models has to be given a limit."""
        return any(model.startswith(ANTHROPIC) for model in self.models)


def read_engine(body: JsonObject) -> Engine:
    """Return the engine that the body names.

    Raises:
        ApiError: 400 if there is not exactly one, or if it does not exist.
    """
    preset = _preset_name(body)
    models = _models(body)
    profile = _profile_id(body)
    if (preset and models) or not (preset or models or profile):
        message = "exactly one of preset and model is required"
        raise BrokenRuleError(message)
    if preset is not None:
        return Engine(preset=EFFORTS[base_name(preset)], name=preset)
    if models:
        return Engine(preset=BARE, name=models[0], models=models)
    return Engine(preset=PROFILED, name=str(profile))


def _preset_name(body: JsonObject) -> str | None:
    # Documented: if both are given, `effort` wins.
    effort = checks.read_text(body, "effort")
    preset = checks.read_text(body, "preset")
    if preset is not None and preset not in PRESETS:
        raise unknown_model(preset)
    if effort is not None and base_name(effort) not in EFFORTS:
        raise unknown_model(effort)
    return effort or preset


def _models(body: JsonObject) -> tuple[str, ...]:
    chain = checks.read_strings(body, "models") or []
    if len(chain) > _MOST_MODELS:
        message = f"models must be at most {_MOST_MODELS}"
        raise BrokenRuleError(message)
    model = checks.read_text(body, "model")
    for name in [*chain, *filter(None, [model])]:
        if name not in prices():
            raise unknown_model(name)
    # Documented: if both are given, `models` wins.
    return tuple(chain or filter(None, [model]))


def _profile_id(body: JsonObject) -> str | None:
    profile = checks.read_object(body, "profile", ("id", "type", "version"))
    if profile is None:
        return None
    name = checks.read_text(profile, "id") or ""
    kind = checks.read_choice(profile, "type", ("custom",))
    checks.read_text(profile, "version")
    if kind is None or not _PROFILE_ID.fullmatch(name):
        message = "profile needs the type custom and an id such as profile_1"
        raise BrokenRuleError(message)
    return name
