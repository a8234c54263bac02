"""Decide which tools a run calls, and how often: from its tools, its limits and its question."""

from dataclasses import dataclass

from perplexity_connector.sandbox import checks
from perplexity_connector.sandbox.agent_engine import Engine
from perplexity_connector.sandbox.agent_input import addresses_in
from perplexity_connector.sandbox.agent_tools import KINDS, Tools, WebSearch
from perplexity_connector.sandbox.corpus import words
from perplexity_connector.sandbox.errors import BrokenRuleError
from perplexity_connector.sandbox.jsontypes import JsonObject
from perplexity_connector.sandbox.prompts import Prompt, Prompts

_SEARCH = "web_search"
_READ = "fetch_url"
_FINANCE = "finance_search"
_FINANCE_WORDS = {"stock", "share", "dividend"}
_CHOICES = ("none", "auto", "required")
_CHOICE_FIELDS = ("type", "name", "server_label")
_MOST_STEPS = 100
_MANY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The tools that a run calls.

    `searches` is the number of its searches, and `search` their settings. `addresses` are those of
    the pages that it reads. `asks_finance` says whether it looks up figures.
    """

    search: WebSearch
    searches: int
    addresses: list[str]
    asks_finance: bool

    @property
    def has_sources(self) -> bool:
        """Return whether the run calls any tool."""
        return bool(self.searches or self.addresses or self.asks_finance)


def read_course(
    body: JsonObject,
    engine: Engine,
    tools: Tools,
    question: str,
    prompts: Prompts,
) -> Course:
    """Return the course of a run. Each search is a step; so is the reading of all its pages.

    Raises:
        ApiError: 400 for a wrong limit, and for a choice of a tool that the run does not have.
    """
    addresses = addresses_in(question)[: tools.max_urls]
    wanted = _wanted(engine, tools, question, addresses)
    if Prompt.NO_SEARCH in prompts:
        wanted = [kind for kind in wanted if kind != _SEARCH]
    steps = _chosen_first(body, tools, wanted)[: _most_steps(body, engine)]
    return Course(
        search=tools.search,
        searches=steps.count(_SEARCH),
        addresses=addresses if _READ in steps else [],
        asks_finance=_FINANCE in steps,
    )


def _wanted(
    engine: Engine, tools: Tools, question: str, addresses: list[str]
) -> list[str]:
    """Return the kinds of tool that the model wants to call, in order."""
    preset = engine.preset
    searches_too = preset.searches_beside_pages or not addresses
    wanted = {
        _READ: bool(addresses),
        _FINANCE: bool(_FINANCE_WORDS & set(words(question))),
        _SEARCH: preset.searches if searches_too else 0,
    }
    return [
        kind
        for kind, times in wanted.items()
        for _ in range(times)
        if kind in tools.kinds
    ]


def _chosen_first(body: JsonObject, tools: Tools, wanted: list[str]) -> list[str]:
    """Return the wanted steps as `tool_choice` changes them: a tool that it names comes first."""
    choice = _choice(body, tools)
    if choice == "none":
        return []
    if choice == "required" and not wanted and _SEARCH in tools.kinds:
        return [_SEARCH]
    # A page is read only if the question has its address.
    if choice not in {_SEARCH, _FINANCE, *wanted}:
        return wanted
    rest = list(wanted)
    if choice in rest:
        rest.remove(choice)
    return [choice, *rest]


def _choice(body: JsonObject, tools: Tools) -> str | None:
    if not isinstance(body.get("tool_choice"), dict):
        return checks.read_choice(body, "tool_choice", _CHOICES)
    choice = checks.read_object(body, "tool_choice", _CHOICE_FIELDS) or {}
    kind = checks.read_choice(choice, "type", KINDS)
    if kind not in tools.kinds:
        message = "tool_choice must name one of the tools"
        raise BrokenRuleError(message)
    return kind


def _most_steps(body: JsonObject, engine: Engine) -> int:
    calls = checks.read_integer(body, "max_tool_calls", 0, _MANY)
    steps = checks.read_integer(body, "max_steps", -_MANY, _MANY)
    if steps is not None and steps < 1:
        message = "max steps must be at least 1"
        raise BrokenRuleError(message)
    if steps is not None and steps > _MOST_STEPS:
        message = f"max steps must be at most {_MOST_STEPS}"
        raise BrokenRuleError(message)
    return min(steps or engine.preset.steps, _MANY if calls is None else calls)
