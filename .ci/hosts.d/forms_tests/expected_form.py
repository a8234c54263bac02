"""The fields, choices and inputs that a form of our two actions must have, from their schemas."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]
SCHEMAS = Path(__file__).parents[3] / "schemas"
# Changes to the minimal input that the server must take, and those that it must refuse before a run exists.
TAKEN: dict[str, list[Json]] = {
    "create_chat_completion": [
        {"search": None, "tools": [], "web_search_options": {}, "previous_response_id": ""},
        {"fallback_models": [], "response_format": None, "max_steps": None},
        {"messages": [{"role": "user", "content": "Hello", "images": []}]},
        {"previous_response_id": "resp_1"},
    ],
    "execute_search": [
        {"max_results": None, "search_domain_filter": []},
        {"query": ["moon", "sun"]},
    ],
}  # fmt: skip
REFUSED: dict[str, list[Json]] = {
    "create_chat_completion": [
        {"search": "sometimes"},
        {"max_steps": 101},
        {"fallback_models": ["sonar"]},
        {"tools": ["paint"]},
        {"tools": ["fetch_url", "fetch_url"]},
        {"web_search_options": {"max_results": 51}},
        {"web_search_options": {"search_type": "slow"}},
        {"previous_response_id": "a" * 201},
        {"messages": [{"role": "user", "content": "Hello", "images": ["string"]}]},
        {"messages": []},
    ],
    "execute_search": [{"query": []}, {"query": None}, {"max_results": 21}],
}


def published(action: str) -> Json:
    """Return the action's input schema."""
    schema: Json = json.loads((SCHEMAS / f"{action}.v1.input.schema.json").read_text())
    return schema


def expected_fields(
    schema: Json, outside: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the labels of each field and the kind that it must have."""
    for name, shown in schema["properties"].items():
        # Prefect gives a parameter its own name as its title.
        label = shown["title"] if outside else name
        if name not in schema.get("required", []):
            label += " (Optional)"
        labels = (*outside, label)
        yield labels, expected_kind(shown)
        for inner in (shown, shown.get("items", {})):
            if "properties" in inner:
                yield from expected_fields(inner, labels)


def expected_kind(shown: Json) -> str:
    """Return the kind that a property must have."""
    if "anyOf" in shown:
        return expected_kind(shown["anyOf"][0])
    if "enum" in shown or "enum" in shown.get("items", {}):
        return "choice"
    if shown["type"] == "object":
        return "group" if "properties" in shown else "json"
    if shown.get("format") == "date":
        return "date"
    kinds = {"boolean": "switch", "integer": "number", "number": "number"}
    return kinds.get(shown["type"], "list" if shown["type"] == "array" else "text")


def expected_choices(shown: Json) -> Iterator[tuple[str, ...]]:
    """Yield the choices of each property inside."""
    if "enum" in shown:
        yield tuple(shown["enum"])
    inner = [*shown.get("properties", {}).values(), shown.get("items", {})]
    for one in inner:
        if one:
            yield from expected_choices(one)


def given_values(parameters: Json) -> Json:
    """Return the parameters without the nulls of fields that are not filled in."""
    return {name: value for name, value in parameters.items() if value is not None}


def without_kind(values: Json, schema: Json, kind: str) -> Json:
    """Return values without the optional fields of a kind."""
    kept = {}
    for name, value in values.items():
        shown = schema["properties"][name]
        if name in schema.get("required", []) or expected_kind(shown) != kind:
            kept[name] = within(value, shown, kind)
    return kept


def within(value: Any, shown: Json, kind: str) -> Any:
    """Return a value without the optional fields of a kind inside it."""
    if "properties" in shown:
        return without_kind(value, shown, kind)
    if "properties" in shown.get("items", {}):
        return [without_kind(one, shown["items"], kind) for one in value]
    return value


def with_switches(values: Json, schema: Json) -> Json:
    """Return values with false for each switch that is off: the page sends every switch that it draws."""
    filled = dict(values)
    for name, shown in schema["properties"].items():
        if shown.get("type") == "boolean":
            filled.setdefault(name, False)
        if "properties" in shown and name in filled:
            filled[name] = with_switches(filled[name], shown)
    return filled
