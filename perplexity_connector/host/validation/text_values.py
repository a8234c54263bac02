"""Read text as the value that a schema takes there, and write a value as text.

For callers that may have only text: the command line, MCP, a text in a flow, a cell of a table. The
host itself never converts a value.
"""

import json
import math
from collections.abc import Mapping, Sequence
from types import NoneType

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.host.validation.schema_types import (
    item_schema,
    list_types,
    property_schema,
)

_CLASSES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (NoneType,),
}


def from_text(value: JsonValue, schema: JsonObject) -> JsonValue:
    """Return a value in which each text is read as the type that its schema takes.

    Where the schema takes text, only a JSON object that it takes too is read, and a JSON list of
    items that it takes. Text that is not JSON stays, and so does a value without a type in the schema.
    """
    if isinstance(value, str):
        return _read(value, schema)
    # A free object is not looked into.
    if not schema:
        return value
    if isinstance(value, Mapping):
        return {
            name: from_text(part, property_schema(schema, name))
            for name, part in value.items()
        }
    if isinstance(value, list):
        items = item_schema(schema)
        return [from_text(item, items) for item in value]
    return value


def to_text(value: JsonValue) -> str:
    """Return a value as a part of a text: null is empty, other values are compact JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def parse_json(text: str) -> JsonValue:
    """Decode JSON. Raises `ValueError` also for NaN, numbers beyond range and too deep nesting."""
    try:
        value: JsonValue = json.loads(text, parse_constant=_finite, parse_float=_finite)
    except RecursionError:
        message = "nested too deeply"
        raise ValueError(message) from None
    return value


def is_one_of(value: JsonValue, types: Sequence[str]) -> bool:
    """Return whether a value is of one of these JSON types."""
    return any(isinstance(value, _CLASSES.get(name, ())) for name in types)


def _read(text: str, schema: JsonObject) -> JsonValue:
    types = list_types(schema)
    if not types:
        return text
    try:
        value = parse_json(text)
    except ValueError:
        return text
    if "string" not in types or _is_meant_as_json(value, types, schema):
        return value
    return text


def _is_meant_as_json(
    value: JsonValue, types: Sequence[str], schema: JsonObject
) -> bool:
    """Return whether this is an object or a list that a schema takes beside text."""
    if not isinstance(value, list):
        return isinstance(value, Mapping) and "object" in types
    items = list_types(item_schema(schema))
    fits = not items or all(is_one_of(item, items) for item in value)
    return "array" in types and fits


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        message = "not a finite number"
        raise ValueError(message)
    return number
