"""Read the body of `POST /v1/agent`, as strictly as the provider: an unknown field is a 400."""

import re
from dataclasses import dataclass

from perplexity_connector.sandbox import checks
from perplexity_connector.sandbox.errors import invalid
from perplexity_connector.sandbox.filters import FILTER_FIELDS, Filters, read_filters
from perplexity_connector.sandbox.jsontypes import JsonObject, JsonValue
from perplexity_connector.sandbox.language_models import (
    ANTHROPIC,
    BARE,
    MODELS,
    PRESETS,
    Preset,
    unknown_model,
)
from perplexity_connector.sandbox.prompts import Prompts, read_prompt

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
    """The settings of the `web_search` tool."""

    filters: Filters
    max_results: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRequest:
    """A request that was accepted.

    `asked_model` is the name of the preset or the model. A run that does not
    search has no `search`. `echo` holds the fields that the answer repeats.
    """

    question: str
    prompts: Prompts
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
    """Return the run that the body requests.

    Raises:
        ApiError: 400, as the provider refuses it.
    """
    checks.refuse_unknown(body, _TOP_LEVEL)
    question, prompts = read_prompt(_last_user_text(body))
    preset, asked_model = _preset_and_name(body)
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
        stream=checks.read_boolean(body, "stream") or False,
        background=checks.read_boolean(body, "background") or False,
        store=checks.read_boolean(body, "store") is not False,
        echo=_echo(body, tools, max_output_tokens),
    )


def check_country(values: JsonObject) -> str | None:
    """Return the field `country`. Anything but two letters is a 400."""
    country = checks.read_text(values, "country")
    if country is not None and not _COUNTRY.fullmatch(country):
        message = "country must be an ISO 3166-1 alpha-2 code"
        raise invalid(message, "country", "invalid_parameter")
    return country


def _last_user_text(body: JsonObject) -> str:
    text = body.get("input")
    if not isinstance(text, str):
        text = ""
        for item in checks.read_list(body, "input") or []:
            role, content = _turn(checks.expect_object(item, "input"))
            text = content if role == "user" else text
    if not text:
        message = "validation failed: input needs a user message"
        raise invalid(message, "input")
    return text


def _turn(item: JsonObject) -> tuple[str, str]:
    """Return the role and the text of a message."""
    checks.refuse_unknown(item, ("type", "role", "content"))
    checks.read_choice(item, "type", ("message",))
    role = checks.read_choice(item, "role", _ROLES)
    if role is None:
        message = "validation failed: role is required"
        raise invalid(message, "role")
    content = item.get("content")
    if isinstance(content, str):
        return role, content
    parts = checks.read_list(item, "content") or []
    texts = [_part_text(checks.expect_object(part, "content")) for part in parts]
    return role, "".join(texts)


def _part_text(part: JsonObject) -> str:
    kind = checks.read_choice(part, "type", _PARTS) or "input_text"
    checks.refuse_unknown(part, ("type", _PARTS[kind]))
    content = checks.read_text(part, _PARTS[kind])
    return content if content and kind != "input_image" else ""


def _preset_and_name(body: JsonObject) -> tuple[Preset, str]:
    preset = checks.read_text(body, "preset") or checks.read_text(body, "effort")
    names = checks.read_strings(body, "models") or []
    model = checks.read_text(body, "model") or next(iter(names), None)
    if (preset is None) == (model is None):
        message = "validation failed: exactly one of preset and model is required"
        raise invalid(message, "model")
    if preset is not None:
        if preset not in PRESETS:
            raise unknown_model(preset)
        return PRESETS[preset], preset
    for name in (str(model), *names):
        if name not in MODELS:
            raise unknown_model(name)
    return BARE, str(model)


def _max_output_tokens(body: JsonObject, model: str) -> int | None:
    most = checks.read_integer(body, "max_output_tokens", 16, _MANY)
    if most is None and model.startswith(ANTHROPIC):
        message = "validation failed: max_output_tokens is required when using Anthropic models"
        raise invalid(message)
    return most


def _tools(body: JsonObject, preset: Preset) -> dict[str, JsonObject]:
    """Return the preset's tools and the request's, by type. The request's replace the preset's."""
    tools: dict[str, JsonObject] = {name: {"type": name} for name in preset.tools}
    for item in checks.read_list(body, "tools") or []:
        tool = _checked_tool(checks.expect_object(item, "tools"))
        tools[str(tool["type"])] = tool
    return tools


def _checked_tool(tool: JsonObject) -> JsonObject:
    kind = checks.read_choice(tool, "type", ("web_search", *_PLAIN_TOOLS))
    if kind is None:
        message = "validation failed: type is required"
        raise invalid(message, "type")
    checks.refuse_unknown(tool, _WEB_SEARCH if kind == "web_search" else ("type",))
    checks.read_choice(tool, "search_context_size", _CONTEXT_SIZES)
    checks.read_choice(tool, "search_type", ("web", "fast"))
    for name in ("max_tokens", "max_tokens_per_page"):
        checks.read_integer(tool, name, 1, _MANY)
    _check_location(checks.read_object(tool, "user_location", _LOCATION) or {})
    return tool


def _check_location(location: JsonObject) -> None:
    country = check_country(location)
    for name in ("region", "city"):
        checks.read_text(location, name)
    latitude = checks.read_number(location, "latitude", -90, 90)
    longitude = checks.read_number(location, "longitude", -180, 180)
    given = (latitude is not None) + (longitude is not None)
    if given == 1 or (given and country is None):
        message = "latitude and longitude must be given together, and with a country"
        raise invalid(message, "user_location", "invalid_parameter")


def _web_search(body: JsonObject, tools: dict[str, JsonObject]) -> WebSearch | None:
    most_calls = checks.read_integer(body, "max_tool_calls", 0, _MANY)
    tool = tools.get("web_search")
    if tool is None:
        return None
    values = checks.read_object(tool, "filters", FILTER_FIELDS)
    filters = read_filters(values or {})
    max_results = checks.read_integer(tool, "max_results", 1, 50) or 10
    if most_calls == 0:
        return None
    return WebSearch(filters=filters, max_results=max_results)


def _schema(body: JsonObject) -> JsonObject | None:
    wanted = checks.read_object(body, "response_format", ("type", "json_schema"))
    if wanted is None:
        return None
    fields = ("name", "schema", "description", "strict")
    named = checks.read_object(wanted, "json_schema", fields) or {}
    schema = named.get("schema")
    if wanted.get("type") != "json_schema" or not isinstance(schema, dict):
        message = "validation failed: response_format must be json_schema with a schema"
        raise invalid(message, "response_format")
    return schema


def _echo(
    body: JsonObject, tools: dict[str, JsonObject], max_output_tokens: int | None
) -> JsonObject:
    checks.read_integer(body, "max_steps", 1, 100)
    for name in ("language_preference", "prompt_cache_key"):
        checks.read_text(body, name)
    reasoning = checks.read_object(body, "reasoning", ("effort",))
    checks.read_choice(reasoning or {}, "effort", _EFFORTS)
    temperature = checks.read_number(body, "temperature", 0, 2)
    top_p = checks.read_number(body, "top_p", 0, 1)
    return {
        "instructions": checks.read_text(body, "instructions"),
        "max_output_tokens": max_output_tokens,
        "metadata": {},
        "parallel_tool_calls": True,
        "previous_response_id": checks.read_text(body, "previous_response_id"),
        "reasoning": reasoning,
        "temperature": 1 if temperature is None else temperature,
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": list[JsonValue](tools.values()),
        "top_p": 1 if top_p is None else top_p,
    }
