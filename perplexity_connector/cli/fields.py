"""Reads the input of a run from the command line: JSON documents, and FIELD=VALUE on top."""

import functools
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.readers import as_list, as_object
from perplexity_connector.host.validation.schema_types import (
    item_schema,
    list_types,
    property_schema,
)
from perplexity_connector.host.validation.text_values import from_text, parse_json

_TYPE_BY_BRACKET = {"[": "array", "{": "object"}
_AS_TEXT = """ For text that begins like this, write FIELD:='"TEXT"'."""
# Returns the value for a place with this schema.
_Read: TypeAlias = Callable[[JsonObject], JsonValue]


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
    value = _parse(text, label)
    if not isinstance(value, Mapping):
        message = f"{label} must be a JSON object, such as '{example}'."
        raise UsageError(message)
    return value


def apply_assignments(
    base: JsonObject, assignments: Sequence[str], schema: JsonObject
) -> JsonObject:
    """Return the input with every FIELD=VALUE set, in order; dots lead into objects and lists.

    A value is read by its schema (`from_text`). An unknown field is set, so that validation points at
    it. FIELD:=VALUE is always JSON. Raises `UsageError` for an assignment that cannot be read or has
    no place in the input.
    """
    for number, assignment in enumerate(assignments, start=1):
        label = f"Argument {number} after the action"
        name, equals, text = assignment.partition("=")
        path = name.removesuffix(":").split(".")
        if not equals or not all(path):
            message = (
                f"{label} is not FIELD=VALUE; write it like query='moon distance'."
            )
            raise UsageError(message)
        read = functools.partial(_typed_value, text, label)
        if name.endswith(":"):
            read = functools.partial(_json_value, text, label)
        try:
            base = as_object(_set_value(base, schema, path, read))
        except LookupError:
            message = (
                f"{label} has no place in the input: "
                "name a field of an object, or an item of a list in order."
            )
            raise UsageError(message) from None
    return base


def _set_value(
    node: JsonValue, schema: JsonObject, path: Sequence[str], read: _Read
) -> JsonValue:
    """Return a copy of `node` with the value at `path` set; the original is not changed.

    Raises `LookupError` if the path does not lead anywhere.
    """
    if not path:
        return read(schema)
    name, *rest = path
    index = int(name) if re.fullmatch("[0-9]{1,6}", name) else None
    if node is None:
        node = [] if index is not None and "array" in list_types(schema) else {}
    if isinstance(node, Mapping):
        inner = property_schema(schema, name)
        value = _set_value(node.get(name), inner, rest, read)
        return {**node, name: value}
    items = as_list(node)
    if index is None or index > len(items):
        raise LookupError
    old = items[index] if index < len(items) else None
    value = _set_value(old, item_schema(schema), rest, read)
    return [*items[:index], value, *items[index + 1 :]]


def _typed_value(text: str, label: str, schema: JsonObject) -> JsonValue:
    types = list_types(schema)
    if _TYPE_BY_BRACKET.get(text.lstrip()[:1]) in types:
        # Broken JSON would be sent, and paid for, as text.
        _parse(text, f"{label}: its value", _AS_TEXT)
    try:
        return from_text(text, schema) if types else parse_json(text)
    except ValueError:
        return text


def _json_value(text: str, label: str, _: JsonObject) -> JsonValue:
    return _parse(text, f"{label}: its value")


def _parse(text: str, label: str, hint: str = "") -> JsonValue:
    """Decode JSON. Raises `UsageError`, beginning with `label` and without repeating the text."""
    try:
        return parse_json(text)
    except json.JSONDecodeError as problem:
        place = f" (line {problem.lineno}, column {problem.colno})"
    except ValueError:
        place = ""
    message = f"{label} is not valid JSON{place}.{hint}"
    raise UsageError(message)
