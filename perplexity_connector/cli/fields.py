"""Reads the input of a run from the command line: JSON documents, and FIELD=VALUE on top."""

import json
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.json import as_list, as_object, as_text

_TYPE_BY_BRACKET = {"[": "array", "{": "object"}
_UNIONS = ("anyOf", "oneOf", "allOf")


def read_text(file: str, label: str) -> str:
    """Return the text of a file, or of stdin for `-`.

    Raises `UsageError`, beginning with `label`, if it cannot be read.
    """
    try:
        # utf-8-sig: Windows shells and editors begin a text with a byte order mark.
        if file == "-":
            return sys.stdin.buffer.read().decode("utf-8-sig")
        return Path(file).read_text("utf-8-sig")
    except OSError as problem:
        message = f"{label} cannot be read: {problem.strerror}."
    except ValueError:
        message = f"{label} cannot be read: it is not UTF-8 text."
    raise UsageError(message)


def parse_object(text: str, label: str, example: str) -> JsonObject:
    """Return the JSON object that a text holds.

    Raises `UsageError`, beginning with `label` and without repeating the text, for anything else.
    """
    try:
        value = _loads(text)
    except json.JSONDecodeError as problem:
        place = f"line {problem.lineno}, column {problem.colno}"
        message = f"{label} is not valid JSON ({place})."
        raise UsageError(message) from None
    except ValueError:
        message = f"{label} is not valid JSON."
        raise UsageError(message) from None
    if not isinstance(value, Mapping):
        message = f"{label} must be a JSON object, such as '{example}'."
        raise UsageError(message)
    return value


def apply_assignments(
    base: JsonObject, assignments: Sequence[str], schema: JsonObject
) -> JsonObject:
    """Return the input with every FIELD=VALUE set, in order; dots lead into objects and lists.

    A value is text where the schema allows a string, and JSON elsewhere. A value that is not JSON
    stays text, and an unknown field is set, so that validation points at it. Raises `UsageError`
    for an assignment that cannot be read or has no place in the input.
    """
    for number, assignment in enumerate(assignments, start=1):
        name, equals, text = assignment.partition("=")
        path = name.split(".")
        if not equals or not all(path):
            message = f"Argument {number} after the action is not FIELD=VALUE; write it like query='moon distance'."
            raise UsageError(message)
        try:
            base = as_object(_set_value(base, schema, path, text))
        except LookupError:
            message = (
                f"Argument {number} after the action has no place in the input: "
                "name a field of an object, or an item of a list in order."
            )
            raise UsageError(message) from None
    return base


def list_types(schema: JsonObject) -> Sequence[str]:
    """Return the JSON types that a schema names, each once."""
    types: list[str] = []
    for branch in list_branches(schema):
        named = branch.get("type")
        if isinstance(named, str):
            types.append(named)
        types += map(as_text, as_list(named))
    return list(dict.fromkeys(types))


def list_branches(schema: JsonObject) -> Iterator[JsonObject]:
    """Yield the schema and every branch of its unions, however deep."""
    yield schema
    for keyword in _UNIONS:
        for branch in as_list(schema.get(keyword)):
            yield from list_branches(as_object(branch))


def item_schema(schema: JsonObject) -> JsonObject:
    """Return the schema of a list's items; empty if unknown."""
    return _first(branch.get("items") for branch in list_branches(schema))


def _property_schema(schema: JsonObject, name: str) -> JsonObject:
    return _first(
        as_object(branch.get("properties")).get(name)
        for branch in list_branches(schema)
    )


def _first(schemas: Iterator[JsonValue]) -> JsonObject:
    return next((as_object(schema) for schema in schemas if schema is not None), {})


def _set_value(
    node: JsonValue, schema: JsonObject, path: Sequence[str], text: str
) -> JsonValue:
    """Return a copy of `node` with the value at `path` set; the original is not changed.

    Raises `LookupError` if the path does not lead anywhere.
    """
    if not path:
        return _typed_value(text, schema)
    name, *rest = path
    index = int(name) if re.fullmatch("[0-9]{1,6}", name) else None
    if node is None:
        node = [] if index is not None and "array" in list_types(schema) else {}
    if isinstance(node, Mapping):
        inner = _property_schema(schema, name)
        value = _set_value(node.get(name), inner, rest, text)
        return {**node, name: value}
    items = as_list(node)
    if index is None or index > len(items):
        raise LookupError
    old = items[index] if index < len(items) else None
    value = _set_value(old, item_schema(schema), rest, text)
    return [*items[:index], value, *items[index + 1 :]]


def _typed_value(text: str, schema: JsonObject) -> JsonValue:
    types = list_types(schema)
    if "string" in types and _TYPE_BY_BRACKET.get(text[:1]) not in types:
        return text
    try:
        return _loads(text)
    except ValueError:
        return text


def _loads(text: str) -> JsonValue:
    """Decode JSON. Raises `ValueError` also for NaN, numbers beyond range and too deep nesting."""
    try:
        value: JsonValue = json.loads(text, parse_constant=_finite, parse_float=_finite)
    except RecursionError:
        message = "nested too deeply"
        raise ValueError(message) from None
    return value


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        message = "not a finite number"
        raise ValueError(message)
    return number
