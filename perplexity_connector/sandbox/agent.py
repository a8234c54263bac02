"""Reading the body of `POST /v1/agent`, which the provider does strictly: any unknown field is a 400."""

import re
from dataclasses import dataclass

from perplexity_connector.sandbox import checks
from perplexity_connector.sandbox.errors import invalid
from perplexity_connector.sandbox.filters import FILTER_FIELDS, Filters, read_filters
from perplexity_connector.sandbox.jsontypes import JsonObject, JsonValue
from perplexity_connector.sandbox.language_models import (
    ANTHROPIC,
    BARE,
    PRESETS,
    Preset,
    known_model,
    unknown_model,
)
from perplexity_connector.sandbox.prompts import Prompt, read_prompt

_TOP_LEVEL = (
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
    "prompt_cache_key",
    "reasoning",
    "response_format",
    "store",
    "stream",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
)
_EFFORTS = ("minimal", "low", "medium", "high", "xhigh")
_CONTEXT_SIZES = ("low", "medium", "high")
_PLAIN_TOOLS = ("fetch_url", "people_search", "finance_search", "sandbox")
_WEB_SEARCH = (
    "type",
    "search_context_size",
    "max_results",
    "max_tokens",
    "max_tokens_per_page",
    "user_location",
    "search_type",
    "filters",
)
_LOCATION = ("country", "region", "city", "latitude", "longitude")
_ROLES = ("user", "assistant", "system", "developer")
_PARTS = {"input_text": "text", "output_text": "text", "input_image": "image_url"}
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_MANY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSearch:
    """The `web_search` tool as it will be used."""

    filters: Filters
    max_results: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRequest:
    """A request that was accepted. `asked_model` is the preset's name, or the model's; `echo` goes into the answer."""

    question: str
    prompts: frozenset[Prompt]
    preset: Preset
    asked_model: str
    search: WebSearch | None
    schema: JsonObject | None
    max_output_tokens: int | None
    stream: bool
    background: bool
    store: bool
    echo: JsonObject


def read_agent_request(body: JsonObject) -> AgentRequest:
    """What the body asks for.

    Raises:
        ApiError: 400, as the provider refuses it.
    """
    checks.only(body, _TOP_LEVEL)
    question, prompts = read_prompt(_last_user_text(body))
    preset, asked_model = _model(body)
    tools = _tools(body, preset)
    max_output_tokens = _max_output_tokens(body, asked_model)
    return AgentRequest(
        question=question,
        prompts=prompts,
        preset=preset,
        asked_model=asked_model,
        search=_web_search(body, tools),
        schema=_schema(body),
        max_output_tokens=max_output_tokens,
        stream=checks.boolean(body, "stream") or False,
        background=checks.boolean(body, "background") or False,
        store=checks.boolean(body, "store") is not False,
        echo=_echo(body, tools, max_output_tokens),
    )


def check_country(values: JsonObject) -> str | None:
    """The `country` among the fields: two letters, or a 400."""
    country = checks.text(values, "country")
    if country is not None and not _COUNTRY.fullmatch(country):
        message = "country must be an ISO 3166-1 alpha-2 code"
        raise invalid(message, "country", "invalid_parameter")
    return country


def _last_user_text(body: JsonObject) -> str:
    given = body.get("input")
    turns = [("user", given)] if isinstance(given, str) else _turns(body)
    asked = [text for role, text in turns if role == "user"]
    if not asked or not asked[-1]:
        message = "validation failed: input needs a user message"
        raise invalid(message, "input")
    return asked[-1]


def _turns(body: JsonObject) -> list[tuple[str, str]]:
    return [
        _turn(checks.as_object(item, "input"))
        for item in checks.items(body, "input") or []
    ]


def _turn(item: JsonObject) -> tuple[str, str]:
    checks.only(item, ("type", "role", "content"))
    checks.choice(item, "type", ("message",))
    role = checks.choice(item, "role", _ROLES)
    content = item.get("content")
    if role is None:
        message = "validation failed: role is required"
        raise invalid(message, "role")
    if isinstance(content, str):
        return role, content
    parts = checks.items(item, "content") or []
    return role, "".join(_part(checks.as_object(part, "content")) for part in parts)


def _part(part: JsonObject) -> str:
    kind = checks.choice(part, "type", _PARTS) or "input_text"
    checks.only(part, ("type", _PARTS[kind]))
    content = checks.text(part, _PARTS[kind])
    return content if content and kind != "input_image" else ""


def _model(body: JsonObject) -> tuple[Preset, str]:
    preset = checks.text(body, "preset") or checks.text(body, "effort")
    names = checks.strings(body, "models") or []
    model = checks.text(body, "model") or next(iter(names), None)
    if (preset is None) == (model is None):
        message = "validation failed: exactly one of preset and model is required"
        raise invalid(message, "model")
    if preset is not None:
        return _preset(preset), preset
    for name in (str(model), *names):
        known_model(name)
    return BARE, str(model)


def _preset(name: str) -> Preset:
    if name not in PRESETS:
        raise unknown_model(name)
    return PRESETS[name]


def _max_output_tokens(body: JsonObject, model: str) -> int | None:
    most = checks.integer(body, "max_output_tokens", 16, _MANY)
    if most is None and model.startswith(ANTHROPIC):
        message = "validation failed: max_output_tokens is required when using Anthropic models"
        raise invalid(message)
    return most


def _tools(body: JsonObject, preset: Preset) -> dict[str, JsonObject]:
    """The tools that will be attached: those of the preset, each overridden by the entry of the same type."""
    tools: dict[str, JsonObject] = {name: {"type": name} for name in preset.tools}
    for item in checks.items(body, "tools") or []:
        tool = _tool(checks.as_object(item, "tools"))
        tools[str(tool["type"])] = tool
    return tools


def _tool(tool: JsonObject) -> JsonObject:
    kind = checks.choice(tool, "type", ("web_search", *_PLAIN_TOOLS))
    if kind is None:
        message = "validation failed: type is required"
        raise invalid(message, "type")
    checks.only(tool, _WEB_SEARCH if kind == "web_search" else ("type",))
    checks.choice(tool, "search_context_size", _CONTEXT_SIZES)
    checks.choice(tool, "search_type", ("web", "fast"))
    for name in ("max_tokens", "max_tokens_per_page"):
        checks.integer(tool, name, 1, _MANY)
    _check_location(checks.mapping(tool, "user_location", _LOCATION) or {})
    return tool


def _check_location(location: JsonObject) -> None:
    country = check_country(location)
    for name in ("region", "city"):
        checks.text(location, name)
    latitude = checks.number(location, "latitude", -90, 90)
    longitude = checks.number(location, "longitude", -180, 180)
    placed = (latitude is not None) + (longitude is not None)
    if placed == 1 or (placed and country is None):
        message = "latitude and longitude must be given together, and with a country"
        raise invalid(message, "user_location", "invalid_parameter")


def _web_search(body: JsonObject, tools: dict[str, JsonObject]) -> WebSearch | None:
    most_calls = checks.integer(body, "max_tool_calls", 0, _MANY)
    tool = tools.get("web_search")
    if tool is None:
        return None
    search = WebSearch(
        filters=read_filters(checks.mapping(tool, "filters", FILTER_FIELDS) or {}),
        max_results=checks.integer(tool, "max_results", 1, 50) or 10,
    )
    return None if most_calls == 0 else search


def _schema(body: JsonObject) -> JsonObject | None:
    wanted = checks.mapping(body, "response_format", ("type", "json_schema"))
    if wanted is None:
        return None
    named = checks.mapping(
        wanted, "json_schema", ("name", "schema", "description", "strict")
    )
    schema = named.get("schema") if named else None
    if wanted.get("type") != "json_schema" or not isinstance(schema, dict):
        message = "validation failed: response_format must be json_schema with a schema"
        raise invalid(message, "response_format")
    return schema


def _echo(
    body: JsonObject, tools: dict[str, JsonObject], max_output_tokens: int | None
) -> JsonObject:
    checks.integer(body, "max_steps", 1, 100)
    for name in ("language_preference", "prompt_cache_key"):
        checks.text(body, name)
    reasoning = checks.mapping(body, "reasoning", ("effort",))
    checks.choice(reasoning or {}, "effort", _EFFORTS)
    temperature = checks.number(body, "temperature", 0, 2)
    top_p = checks.number(body, "top_p", 0, 1)
    attached: list[JsonValue] = [*tools.values()]
    return {
        "instructions": checks.text(body, "instructions"),
        "max_output_tokens": max_output_tokens,
        "metadata": {},
        "parallel_tool_calls": True,
        "previous_response_id": checks.text(body, "previous_response_id"),
        "reasoning": reasoning,
        "temperature": 1 if temperature is None else temperature,
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": attached,
        "top_p": 1 if top_p is None else top_p,
    }
