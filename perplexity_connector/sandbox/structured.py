"""Compose a JSON value that is valid by a simple JSON Schema, for a structured answer."""

import json
from math import ceil, floor

from perplexity_connector.sandbox.errors import invalid
from perplexity_connector.sandbox.jsontypes import JsonObject, JsonValue

_DEEPEST = 32
_TYPES = (
    "object",
    "array",
    "string",
    "integer",
    "number",
    "boolean",
    "null",
)
_FORMATS = {
    "date": "2026-11-23",
    "date-time": "2026-11-23T12:00:00Z",
    "email": "someone@mail.example",
    "uri": "https://moon.example/distance",
}


def check_schema(schema: JsonObject) -> None:
    """Refuse a schema whose root is not an object, or whose types do not exist.

    Raises:
        ApiError: 400, which names the field only for the root.
    """
    kind = schema.get("type")
    if kind != "object":
        message = (
            f"json_schema.schema must have a root type of 'object' (got type={json.dumps(kind)}). "
            "Wrap your data in an object property (e.g. {'type': 'object', 'properties': "
            "{'items': {'type': 'array', 'items': ...}}})."
        )
        raise invalid(message, "invalid_parameter")
    if not _has_known_types(schema, 0):
        message = "invalid request"
        raise invalid(message)


def _has_known_types(schema: JsonValue, depth: int) -> bool:
    # A schema deeper than that is refused when its value is composed.
    if depth > _DEEPEST or not isinstance(schema, dict):
        return True
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    if not all(one is None or one in _TYPES for one in kinds):
        return False
    groups = (schema.get(name) for name in ("properties", "$defs", "definitions"))
    inner: list[JsonValue] = [schema.get("items")]
    for group in groups:
        inner += group.values() if isinstance(group, dict) else []
    for name in ("anyOf", "oneOf", "allOf"):
        inner += _list(schema, name)
    return all(_has_known_types(one, depth + 1) for one in inner)


class Composer:
    """Composes values for one root schema. Every string without rules is the same sentence."""

    def __init__(self, root: JsonObject, sentence: str) -> None:
        """Compose for `root`, to which every `$ref` points."""
        self._root = root
        self._sentence = sentence

    def compose(self) -> JsonValue:
        """Return the value.

        Raises:
            ApiError: 400 for a recursive schema, which the provider does not support.
        """
        return self._value(self._root, 0)

    def _value(self, schema: JsonValue, depth: int) -> JsonValue:
        if depth > _DEEPEST:
            message = "validation failed: recursive schemas are not supported"
            raise invalid(message)
        if not isinstance(schema, dict):
            return self._sentence
        if "const" in schema:
            return schema["const"]
        if options := _list(schema, "enum"):
            return options[0]
        for name in ("anyOf", "oneOf", "allOf"):
            if options := _list(schema, name):
                return self._value(options[0], depth + 1)
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return self._value(self._resolve(reference), depth + 1)
        return self._typed_value(schema, depth)

    def _typed_value(self, schema: JsonObject, depth: int) -> JsonValue:
        match _type(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "string":
                return self._string(schema)
            case "integer":
                return _integer(schema)
            case "number":
                return _number(schema)
            case kind:
                return kind == "boolean" or None

    def _object(self, schema: JsonObject, depth: int) -> JsonObject:
        declared = schema.get("properties")
        properties = declared if isinstance(declared, dict) else {}
        required = map(str, _list(schema, "required"))
        return {
            name: self._value(properties.get(name), depth + 1)
            for name in dict.fromkeys([*properties, *required])
        }

    def _array(
        self,
        schema: JsonObject,
        depth: int,
    ) -> list[JsonValue]:
        least = max(1, _integer_of(schema, "minItems", 0))
        count = min(least, _integer_of(schema, "maxItems", least))
        return [self._value(schema.get("items"), depth + 1)] * count

    def _string(self, schema: JsonObject) -> str:
        text = _FORMATS.get(str(schema.get("format")), self._sentence)
        text = text.ljust(_integer_of(schema, "minLength", 0), ".")
        return text[: _integer_of(schema, "maxLength", len(text))]

    def _resolve(self, reference: str) -> JsonValue:
        found: JsonValue = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            found = found.get(step) if isinstance(found, dict) else None
        if found is None:
            message = f"validation failed: {reference} leads nowhere in the schema"
            raise invalid(message)
        return found


def _type(schema: JsonObject) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if isinstance(kind, str):
        return kind
    return "object" if "properties" in schema else "string"


def _list(schema: JsonObject, name: str) -> list[JsonValue]:
    value = schema.get(name)
    return value if isinstance(value, list) else []


def _integer_of(
    schema: JsonObject,
    name: str,
    default: int,
) -> int:
    value = schema.get(name)
    return value if isinstance(value, int) else default


def _bound(schema: JsonObject, *names: str) -> float | None:
    """Return the first of these bounds that is set: a simple schema sets one on each side."""
    values = (schema.get(name) for name in names)
    return next((value for value in values if isinstance(value, int | float)), None)


def _integer(schema: JsonObject) -> int:
    """Return the lowest integer of the bounds; without a lower bound, 1 or less."""
    above = _bound(schema, "exclusiveMinimum")
    if above is not None:
        return floor(above) + 1
    least = _bound(schema, "minimum")
    if least is not None:
        return ceil(least)
    below = _bound(schema, "exclusiveMaximum")
    if below is not None:
        return min(1, ceil(below) - 1)
    most = _bound(schema, "maximum")
    return 1 if most is None else min(1, floor(most))


def _number(schema: JsonObject) -> float:
    """Return the middle of the bounds, or a number half a unit inside the only one."""
    least = _bound(schema, "exclusiveMinimum", "minimum")
    most = _bound(schema, "exclusiveMaximum", "maximum")
    if least is None:
        return 0.5 if most is None else min(0.5, most - 0.5)
    return least + 0.5 if most is None else (least + most) / 2
