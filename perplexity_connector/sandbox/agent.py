"""Read the body of `POST /v1/agent`, as strictly as the provider: an unknown field is a 400.

The fields are those of SDK 0.46.1 and `max_tool_calls` (docs/provider.md "Agent request").
"""

import re
from dataclasses import dataclass

from perplexity_connector.sandbox import checks
from perplexity_connector.sandbox.agent_input import addresses_in, last_user_text
from perplexity_connector.sandbox.agent_tools import Tools, WebSearch, read_tools
from perplexity_connector.sandbox.errors import BrokenRuleError, rules_of
from perplexity_connector.sandbox.jsontypes import JsonObject, JsonValue
from perplexity_connector.sandbox.language_models import (
    ANTHROPIC,
    BARE,
    PRESETS,
    PROFILED,
    Preset,
    base_name,
    prices,
    unknown_model,
)
from perplexity_connector.sandbox.prompts import Prompts, read_prompt
from perplexity_connector.sandbox.structured import check_schema

TOP_LEVEL = (
    "background",
    "effort",
    "input",
    "instructions",
    "language_preference",
    "max_output_tokens",
    "max_steps",
    "max_tool_calls",
    "model",
    "models",
    "preset",
    "previous_response_id",
    "profile",
    "prompt_cache_key",
    "reasoning",
    "response_format",
    "service_tier",
    "skills",
    "step_budget_reminder",
    "store",
    "stream",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
)
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
_TIERS = ("auto", "default", "flex", "priority", "fast")
_TOOL_CHOICES = ("none", "auto", "required")
_SKILLS = {
    "builtin": ("name",),
    "inline": ("name", "description", "instructions"),
    "custom": ("id", "version"),
}
_SCHEMA_FIELDS = ("name", "schema", "description", "strict")
_PROFILE_ID = re.compile(r"profile_\w+")
_MANY = 1_000_000
_FEWEST_TOKENS = 16
_MOST_STEPS = 100
_MOST_MODELS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRequest:
    """A request that was accepted.

    `asked_model` is the name of the preset, the profile or the model. `search` is not set in a run
    that does not search. `addresses` are those of the pages that it reads. `previous` is the id of
    the run that it continues. `echo` holds the fields that the answer repeats.
    """

    question: str
    prompts: Prompts
    preset: Preset
    asked_model: str
    search: WebSearch | None
    addresses: list[str]
    schema: JsonObject | None
    max_output_tokens: int | None
    previous: str | None
    stream: bool
    background: bool
    store: bool
    echo: JsonObject


def read_agent_request(body: JsonObject) -> AgentRequest:
    """Return the run that the body requests.

    Raises:
        ApiError: 400, as the provider refuses it.
    """
    checks.refuse_unknown(body, TOP_LEVEL)
    with rules_of("validation failed"):
        return _read(body)


def _read(body: JsonObject) -> AgentRequest:
    question, prompts = read_prompt(last_user_text(body))
    preset, asked_model = _preset_and_name(body)
    tools = read_tools(body, preset)
    addresses = addresses_in(question)[: tools.max_urls]
    searches = preset.searches_beside_pages or not addresses
    calls_tools = _calls_tools(body)
    max_output_tokens = _max_output_tokens(body, asked_model)
    _check_others(body)
    return AgentRequest(
        question=question,
        prompts=prompts,
        preset=preset,
        asked_model=asked_model,
        search=tools.search if searches and calls_tools else None,
        addresses=addresses if calls_tools else [],
        schema=_schema(body),
        max_output_tokens=max_output_tokens,
        previous=checks.read_text(body, "previous_response_id"),
        stream=checks.read_boolean(body, "stream") or False,
        background=checks.read_boolean(body, "background") or False,
        store=checks.read_boolean(body, "store") is not False,
        echo=_echo(body, tools, asked_model),
    )


def _preset_and_name(body: JsonObject) -> tuple[Preset, str]:
    # Documented: if both are given, `effort` wins.
    preset = checks.read_text(body, "effort") or checks.read_text(body, "preset")
    names = checks.read_strings(body, "models") or []
    if len(names) > _MOST_MODELS:
        message = f"models must be at most {_MOST_MODELS}"
        raise BrokenRuleError(message)
    model = checks.read_text(body, "model") or next(iter(names), None)
    profile = _profile_id(body)
    if (preset and model) or not (preset or model or profile):
        message = "exactly one of preset and model is required"
        raise BrokenRuleError(message)
    if preset is not None:
        if base_name(preset) not in PRESETS:
            raise unknown_model(preset)
        return PRESETS[base_name(preset)], preset
    if model is None:
        return PROFILED, str(profile)
    for name in (model, *names):
        if name not in prices():
            raise unknown_model(name)
    return BARE, model


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


def _calls_tools(body: JsonObject) -> bool:
    """Return whether the run may call tools."""
    choice = body.get("tool_choice")
    if choice is not None and not isinstance(choice, dict):
        choice = checks.read_choice(body, "tool_choice", _TOOL_CHOICES)
    most_calls = checks.read_integer(body, "max_tool_calls", 0, _MANY)
    return choice != "none" and most_calls != 0


def _max_output_tokens(body: JsonObject, model: str) -> int | None:
    most = checks.read_integer(body, "max_output_tokens", 0, _MANY)
    if most is None and model.startswith(ANTHROPIC):
        message = "max_output_tokens is required when using Anthropic models"
        raise BrokenRuleError(message)
    if most is not None and most < _FEWEST_TOKENS:
        message = f"max_output_tokens must be at least {_FEWEST_TOKENS}"
        raise BrokenRuleError(message)
    return most


def _check_others(body: JsonObject) -> None:
    """Check the fields that neither change the sandbox's answer nor are repeated in it."""
    steps = checks.read_integer(body, "max_steps", -_MANY, _MANY)
    if steps is not None and steps < 1:
        message = "max steps must be at least 1"
        raise BrokenRuleError(message)
    if steps is not None and steps > _MOST_STEPS:
        message = f"max steps must be at most {_MOST_STEPS}"
        raise BrokenRuleError(message)
    checks.read_text(body, "language_preference")
    checks.read_boolean(body, "step_budget_reminder")
    for item in checks.read_list(body, "skills") or []:
        skill = checks.expect_object(item, "skills")
        kind = checks.read_choice(skill, "type", _SKILLS)
        if kind is None:
            message = "type is required"
            raise BrokenRuleError(message)
        checks.refuse_unknown(skill, ("type", *_SKILLS[kind]))


def _schema(body: JsonObject) -> JsonObject | None:
    wanted = checks.read_object(body, "response_format", ("type", "json_schema"))
    if wanted is None:
        return None
    kind = wanted.get("type")
    if kind != "json_schema":
        message = 'response_format.type must be "json_schema"'
        raise BrokenRuleError(message)
    named = checks.read_object(wanted, "json_schema", _SCHEMA_FIELDS)
    if named is None:
        message = 'response_format.json_schema is required when type is "json_schema"'
        raise BrokenRuleError(message)
    for name in ("name", "description"):
        checks.read_text(named, name)
    checks.read_boolean(named, "strict")
    schema = named.get("schema")
    if not isinstance(schema, dict):
        message = "json_schema.schema is required"
        raise BrokenRuleError(message)
    check_schema(schema)
    return schema


def _echo(body: JsonObject, tools: Tools, asked_model: str) -> JsonObject:
    reasoning = checks.read_object(body, "reasoning", ("effort",))
    if reasoning is not None:
        effort = checks.read_choice(reasoning, "effort", _EFFORTS)
        reasoning = {"effort": effort, "summary": None}
    temperature = checks.read_number(body, "temperature", 0, 2)
    top_p = checks.read_number(body, "top_p", 0, 1)
    usual_tier = "fast" if base_name(asked_model) == "fast" else "default"
    return {
        "instructions": checks.read_text(body, "instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "max_tool_calls": body.get("max_tool_calls"),
        "prompt_cache_key": checks.read_text(body, "prompt_cache_key"),
        "reasoning": reasoning,
        "service_tier": checks.read_choice(body, "service_tier", _TIERS) or usual_tier,
        "temperature": 1 if temperature is None else temperature,
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": list[JsonValue](tools.listed),
        "top_p": 1 if top_p is None else top_p,
    }
