"""Fast path of validation: True means valid; False means unknown, ask jsonschema.

Nearly every output is valid, and jsonschema takes longer to find that out than the rest of a search
(docs/performance.md). So a schema is compiled to closures for the common keywords. Only jsonschema
says that a value is invalid, and why.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, cast

from perplexity_connector.contract import JsonObject, JsonValue

Check: TypeAlias = Callable[[JsonValue], bool]

_ANNOTATIONS = frozenset(
    {"$schema", "$comment", "title", "description", "default", "examples", "deprecated"}
)
_ANNOTATIONS |= {"readOnly", "writeOnly"}


def quick_check(schema: JsonValue) -> Check:
    """Return a check of plain JSON: True if it surely matches the schema, else False."""
    if schema is True:
        return _yes
    if not isinstance(schema, dict):
        return _unsure
    checks = [
        _KEYWORDS.get(name, _unknown)(schema)
        for name in schema
        if name not in _ANNOTATIONS
    ]
    return checks[0] if len(checks) == 1 else _all(checks)


def _yes(value: JsonValue) -> bool:
    del value
    return True


def _unsure(value: JsonValue) -> bool:
    del value
    return False


def _unknown(schema: JsonObject) -> Check:
    del schema
    return _unsure


def _all(checks: Sequence[Check]) -> Check:
    def check(value: JsonValue) -> bool:
        for one in checks:  # noqa: SIM110 - a generator for `all` costs as much as the checks
            if not one(value):
                return False
        return True

    return check


def _type(schema: JsonObject) -> Check:
    named = schema["type"]
    if isinstance(named, str):
        return _TYPES.get(named, _unsure)
    kinds = [
        _TYPES.get(str(name), _unsure) for name in cast("Sequence[JsonValue]", named)
    ]
    return lambda value: any(kind(value) for kind in kinds)


def _properties(schema: JsonObject) -> Check:
    inner = {
        name: quick_check(part)
        for name, part in cast("JsonObject", schema["properties"]).items()
    }

    def check(value: JsonValue) -> bool:
        if isinstance(value, dict):
            for name, part in value.items():
                if name in inner and not inner[name](part):
                    return False
        return True

    return check


def _required(schema: JsonObject) -> Check:
    names = frozenset(cast("Sequence[str]", schema["required"]))
    return lambda value: not isinstance(value, dict) or value.keys() >= names


def _additional(schema: JsonObject) -> Check:
    if schema["additionalProperties"] is True or schema["additionalProperties"] == {}:
        return _yes
    if schema["additionalProperties"] is not False or "patternProperties" in schema:
        return _unsure
    known = cast("JsonObject", schema.get("properties", {})).keys()
    return lambda value: not isinstance(value, dict) or value.keys() <= known


def _items(schema: JsonObject) -> Check:
    if "prefixItems" in schema:
        return _unsure
    item = quick_check(schema["items"])

    def check(value: JsonValue) -> bool:
        if isinstance(value, list):
            for part in value:
                if not item(part):
                    return False
        return True

    return check


def _any_of(schema: JsonObject) -> Check:
    branches = [
        quick_check(part) for part in cast("Sequence[JsonValue]", schema["anyOf"])
    ]
    return lambda value: any(branch(value) for branch in branches)


def _enum(schema: JsonObject) -> Check:
    # Only text: the equality of other JSON values has subtle rules.
    return _one_of(cast("Sequence[JsonValue]", schema["enum"]))


def _const(schema: JsonObject) -> Check:
    return _one_of([schema["const"]])


def _one_of(values: Sequence[JsonValue]) -> Check:
    texts = frozenset(value for value in values if isinstance(value, str))
    return lambda value: isinstance(value, str) and value in texts


def _length(schema: JsonObject) -> Check:
    least, most = _bounds(schema, "minLength", "maxLength")
    return lambda value: not isinstance(value, str) or least <= len(value) <= most


def _count(schema: JsonObject) -> Check:
    least, most = _bounds(schema, "minItems", "maxItems")
    return lambda value: not isinstance(value, list) or least <= len(value) <= most


def _range(schema: JsonObject) -> Check:
    least, most = _bounds(schema, "minimum", "maximum")
    return lambda value: (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or least <= value <= most
    )


def _bounds(schema: JsonObject, least: str, most: str) -> tuple[float, float]:
    infinite = float("inf")
    return cast("float", schema.get(least, -infinite)), cast(
        "float", schema.get(most, infinite)
    )


def _format(schema: JsonObject) -> Check:
    # A hint for forms, without a meaning in JSON Schema.
    return _yes if schema["format"] == "password" else _unsure


_TYPES: Mapping[str, Check] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool)
    ),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}
_KEYWORDS: Mapping[str, Callable[[JsonObject], Check]] = {
    "type": _type,
    "properties": _properties,
    "required": _required,
    "additionalProperties": _additional,
    "items": _items,
    "anyOf": _any_of,
    "enum": _enum,
    "const": _const,
    "minLength": _length,
    "maxLength": _length,
    "minItems": _count,
    "maxItems": _count,
    "minimum": _range,
    "maximum": _range,
    "format": _format,
}
