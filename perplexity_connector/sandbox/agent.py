"""Read the body of `POST /v1/agent`, as strictly as the provider: an unknown field is a 400.

The fields are those of SDK 0.46.1 and `max_tool_calls` (docs/provider.md "Agent request").
"""

from dataclasses import dataclass

from perplexity_connector.sandbox import checks
from perplexity_connector.sandbox.agent_course import Course, read_course
from perplexity_connector.sandbox.agent_engine import Engine, read_engine
from perplexity_connector.sandbox.agent_input import read_turns
from perplexity_connector.sandbox.agent_tools import Tools, read_tools
from perplexity_connector.sandbox.errors import BrokenRuleError, rules_of
from perplexity_connector.sandbox.jsontypes import JsonObject, JsonValue
from perplexity_connector.sandbox.language_models import base_name
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
_REASONING_TOKENS = {
    "none": 0,
    "minimal": 8,
    "low": 24,
    "medium": 48,
    "high": 96,
    "xhigh": 192,
}
_TIERS = ("auto", "default", "flex", "priority", "fast")
_SKILLS = {
    "builtin": ("name",),
    "inline": ("name", "description", "instructions"),
    "custom": ("id", "version"),
}
_SCHEMA_FIELDS = ("name", "schema", "description", "strict")
_MANY = 1_000_000
_FEWEST_TOKENS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRequest:
    """A request that was accepted.

    `images` are those of all its messages. `previous` is the id of the run that it continues. `echo`
    holds the fields that the answer repeats.
    """

    question: str
    images: list[str]
    prompts: Prompts
    engine: Engine
    course: Course
    reasoning_tokens: int
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
    turns = read_turns(body)
    asked = [turn.text for turn in turns if turn.role == "user"]
    question, prompts = read_prompt(asked[-1])
    engine = read_engine(body)
    tools = read_tools(body, engine.preset)
    effort = _reasoning_effort(body)
    _check_others(body)
    return AgentRequest(
        question=question,
        images=[image for turn in turns for image in turn.images],
        prompts=prompts,
        engine=engine,
        course=read_course(body, engine, tools, question, prompts),
        reasoning_tokens=_REASONING_TOKENS.get(
            effort or "", engine.preset.reasoning_tokens
        ),
        schema=_schema(body),
        max_output_tokens=_max_output_tokens(body, engine),
        previous=checks.read_text(body, "previous_response_id"),
        stream=checks.read_boolean(body, "stream") or False,
        background=checks.read_boolean(body, "background") or False,
        store=checks.read_boolean(body, "store") is not False,
        echo=_echo(body, engine, tools),
    )


def _max_output_tokens(body: JsonObject, engine: Engine) -> int | None:
    most = checks.read_integer(body, "max_output_tokens", 0, _MANY)
    if most is None and engine.needs_max_output_tokens:
        message = "max_output_tokens is required when using Anthropic models"
        raise BrokenRuleError(message)
    if most is not None and most < _FEWEST_TOKENS:
        message = f"max_output_tokens must be at least {_FEWEST_TOKENS}"
        raise BrokenRuleError(message)
    return most


def _check_others(body: JsonObject) -> None:
    """Check the fields that neither change the sandbox's answer nor are repeated in it."""
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


def _reasoning_effort(body: JsonObject) -> str | None:
    reasoning = checks.read_object(body, "reasoning", ("effort",)) or {}
    return checks.read_choice(reasoning, "effort", _REASONING_TOKENS)


def _echo(body: JsonObject, engine: Engine, tools: Tools) -> JsonObject:
    reasoning: JsonObject | None = None
    if body.get("reasoning") is not None:
        reasoning = {"effort": _reasoning_effort(body), "summary": None}
    temperature = checks.read_number(body, "temperature", 0, 2)
    top_p = checks.read_number(body, "top_p", 0, 1)
    usual_tier = "fast" if base_name(engine.name) == "fast" else "default"
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
