"""Fast path of schema checks: True means a valid schema; False means unknown, ask jsonschema.

Nearly every schema is valid, and importing jsonschema took a tenth of a process that searches once
(docs/performance.md). Only jsonschema says that a schema breaks the meta-schema of JSON Schema
2020-12, and where.
"""

import re
from collections.abc import Callable, Mapping

from perplexity_connector.contract import JsonValue

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_KINDS = frozenset(
    {"string", "integer", "number", "boolean", "array", "object", "null"}
)


def plainly_sound(schema: JsonValue) -> bool:
    """Return whether a schema is surely valid; False means unknown."""
    if isinstance(schema, bool):
        return True
    return isinstance(schema, dict) and all(
        _RULES.get(name, _unsure)(part) for name, part in schema.items()
    )


def _unsure(part: JsonValue) -> bool:
    del part
    return False


def _anything(part: JsonValue) -> bool:
    del part
    return True


def _text(part: JsonValue) -> bool:
    return isinstance(part, str)


def _flag(part: JsonValue) -> bool:
    return isinstance(part, bool)


def _list(part: JsonValue) -> bool:
    return isinstance(part, list)


def _count(part: JsonValue) -> bool:
    return isinstance(part, int) and not isinstance(part, bool) and part >= 0


def _number(part: JsonValue) -> bool:
    return isinstance(part, int | float) and not isinstance(part, bool)


def _kind(part: JsonValue) -> bool:
    if isinstance(part, str):
        return part in _KINDS
    return (
        isinstance(part, list)
        and bool(part)
        and _names(part)
        and all(name in _KINDS for name in part)
    )


def _names(part: JsonValue) -> bool:
    return (
        isinstance(part, list) and all(map(_text, part)) and len({*part}) == len(part)
    )


def _pattern(part: JsonValue) -> bool:
    try:
        return isinstance(part, str) and bool(re.compile(part))
    except re.error:
        return False


def _schemas(part: JsonValue) -> bool:
    return isinstance(part, list) and bool(part) and all(map(plainly_sound, part))


def _named_schemas(part: JsonValue) -> bool:
    return isinstance(part, dict) and all(map(plainly_sound, part.values()))


_RULES: Mapping[str, Callable[[JsonValue], bool]] = {
    "$schema": lambda part: part == _DIALECT,
    "title": _text,
    "description": _text,
    "default": _anything,
    "examples": _list,
    "readOnly": _flag,
    "writeOnly": _flag,
    "type": _kind,
    "properties": _named_schemas,
    "required": _names,
    "additionalProperties": plainly_sound,
    "items": plainly_sound,
    "anyOf": _schemas,
    "enum": _list,
    "const": _anything,
    "pattern": _pattern,
    "format": _text,
    "minLength": _count,
    "maxLength": _count,
    "minItems": _count,
    "maxItems": _count,
    "minimum": _number,
    "maximum": _number,
}
