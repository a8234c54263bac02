"""Read the `tools` of a run, with the fields that SDK 0.46.1 has for each kind of tool."""

from dataclasses import dataclass

from perplexity_connector.sandbox import checks
from perplexity_connector.sandbox.budget import Budget, read_budget
from perplexity_connector.sandbox.errors import BrokenRuleError, invalid, rules_of
from perplexity_connector.sandbox.filters import (
    FILTER_FIELDS,
    Filters,
    check_country,
    read_filters,
)
from perplexity_connector.sandbox.jsontypes import JsonObject
from perplexity_connector.sandbox.language_models import Preset

_FIELDS: dict[str, tuple[str, ...]] = {
    "web_search": (
        "search_context_size",
        "max_results",
        "max_tokens",
        "max_tokens_per_page",
        "user_location",
        "search_type",
        "filters",
    ),
    "fetch_url": ("max_urls",),
    "finance_search": (),
    "image_search": ("filters", "max_results"),
    "people_search": (),
    "sandbox": (),
    "function": ("name", "description", "parameters", "strict"),
    "mcp": (
        "server_label",
        "server_url",
        "allowed_tools",
        "authorization",
        "defer_loading",
        "headers",
        "require_approval",
    ),
    "connector": (
        "id",
        "server_label",
        "server_description",
        "allowed_tools",
        "require_approval",
    ),
}
KINDS = tuple(_FIELDS)
_REQUIRED = {
    "function": ("name",),
    "mcp": ("server_label", "server_url"),
    "connector": ("id", "server_label"),
}
_IMAGE_FILTERS = ("domain_filter", "format_filter", "safe_search")
_LOCATION = ("country", "region", "city", "latitude", "longitude")
_CONTEXT_SIZES = ("low", "medium", "high")
_MANY = 1_000_000
_MOST_RESULTS = 50
_USUAL_URLS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSearch:
    """The settings of the `web_search` tool. A fast search is cheaper."""

    filters: Filters
    budget: Budget
    is_fast: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The tools of a run: those of the request, then the others of its preset.

    `kinds` are the types of all of them. A run reads at most `max_urls` pages.
    """

    listed: list[JsonObject]
    kinds: frozenset[str]
    search: WebSearch
    max_urls: int


def read_tools(body: JsonObject, preset: Preset) -> Tools:
    """Return the tools; one of the request replaces that of the preset.

    Raises:
        ApiError: 400 for an unknown tool or field, and for a value that breaks its rule.
    """
    tools: dict[str, JsonObject] = {}
    given: set[str] = set()
    items = checks.read_list(body, "tools") or []
    search = _read_search({})
    urls = _USUAL_URLS
    for place, item in enumerate(items):
        tool = checks.expect_object(item, "tools")
        with rules_of(f"tools[{place}]"):
            kind = _checked_kind(tool)
            given.add(kind)
            if kind == "web_search":
                search = _read_search(tool)
            elif kind == "fetch_url":
                urls = checks.read_integer(tool, "max_urls", 1, _MANY) or _USUAL_URLS
        # Several functions are several tools; of the others there is one of each kind.
        tools[f"{kind} {tool.get('name')} {tool.get('server_label')}"] = tool
    rest: list[JsonObject] = [
        {"type": name} for name in preset.tools if name not in given
    ]
    kinds = given.union(preset.tools)
    return Tools(
        listed=[*tools.values(), *rest],
        kinds=frozenset(kinds),
        search=search,
        max_urls=urls if "fetch_url" in kinds else 0,
    )


def _checked_kind(tool: JsonObject) -> str:
    kind = checks.read_choice(tool, "type", _FIELDS)
    if kind is None:
        message = "type is required"
        raise BrokenRuleError(message)
    checks.refuse_unknown(tool, ("type", *_FIELDS[kind]))
    for name in _REQUIRED.get(kind, ()):
        if not checks.read_text(tool, name):
            message = f"{name} is required"
            raise BrokenRuleError(message)
    if kind == "image_search":
        checks.read_object(tool, "filters", _IMAGE_FILTERS)
        checks.read_integer(tool, "max_results", 1, _MANY)
    return kind


def _read_search(tool: JsonObject) -> WebSearch:
    checks.read_choice(tool, "search_context_size", _CONTEXT_SIZES)
    _check_location(checks.read_object(tool, "user_location", _LOCATION) or {})
    filters = checks.read_object(tool, "filters", FILTER_FIELDS) or {}
    kind = checks.read_choice(tool, "search_type", ("web", "fast"))
    return WebSearch(
        filters=read_filters(filters, iso_dates=True),
        budget=read_budget(tool, _MOST_RESULTS),
        is_fast=kind == "fast",
    )


def _check_location(location: JsonObject) -> None:
    country = check_country(location)
    for name in ("region", "city"):
        checks.read_text(location, name)
    latitude = checks.read_number(location, "latitude", -90, 90)
    longitude = checks.read_number(location, "longitude", -180, 180)
    given = (latitude is not None) + (longitude is not None)
    if given == 1 or (given and country is None):
        message = "user_location needs latitude and longitude together, and a country with them"
        raise invalid(message, "invalid_parameter")
