"""Set a field of an input by its path, such as `messages.0.content`, and read text by its schema."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.readers import as_list
from perplexity_connector.host.validation.schema_types import (
    item_schema,
    list_types,
    property_schema,
)
from perplexity_connector.host.validation.text_values import (
    from_text,
    is_one_of,
    parse_json,
)

# Follows the label of an assignment for which `set_value` raises `LookupError`.
NO_PLACE = "has no place in the input: name a field of an object, or an item of a list in order."
_TYPE_BY_BRACKET = {"[": "array", "{": "object"}
# Returns the value for a place with this schema.
Read: TypeAlias = Callable[[JsonObject], JsonValue]


def field_path(name: str) -> Sequence[str]:
    """Return the path of a FIELD, whose dots lead into objects and lists; empty if it has none."""
    path = name.removesuffix(":").split(".")
    return path if all(path) else ()


def set_value(
    node: JsonValue, schema: JsonObject, path: Sequence[str], read: Read
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
        value = set_value(node.get(name), inner, rest, read)
        return {**node, name: value}
    items = as_list(node)
    if index is None or index > len(items):
        raise LookupError
    old = items[index] if index < len(items) else None
    value = set_value(old, item_schema(schema), rest, read)
    return [*items[:index], value, *items[index + 1 :]]


def schema_at(schema: JsonObject, path: Sequence[str]) -> JsonObject:
    """Return the schema of the place that a path leads to; empty if unknown."""
    for name in path:
        inner = property_schema(schema, name)
        schema = inner or (item_schema(schema) if name.isdecimal() else {})
    return schema


def typed_value(text: str, schema: JsonObject) -> JsonValue:
    """Return the value that a text means at a place with this schema.

    One item alone becomes a list where the schema takes only a list. Raises `ValueError` for broken
    JSON where a list or an object is expected: it would be sent, and paid for, as text.
    """
    types = list_types(schema)
    if _TYPE_BY_BRACKET.get(text.lstrip()[:1]) in types:
        parse_json(text)
    try:
        value = from_text(text, schema) if types else parse_json(text)
    except ValueError:
        return text
    if "array" not in types or not text.strip() or is_one_of(value, types):
        return value
    items = item_schema(schema)
    item = from_text(text, items)
    return [item] if is_one_of(item, list_types(items)) else value


def list_items(read: Read, schema: JsonObject) -> Sequence[JsonValue]:
    """Return the items that one of several values adds to a list: those of a list, or the value."""
    value = read(schema)
    return value if isinstance(value, list) else [read(item_schema(schema))]
