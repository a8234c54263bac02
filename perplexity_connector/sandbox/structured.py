"""A JSON value that keeps to a simple JSON Schema: what a structured answer is made of."""

from math import ceil, floor
from typing import TypeVar

from perplexity_connector.sandbox.errors import invalid
from perplexity_connector.sandbox.jsontypes import JsonObject, JsonValue

_N = TypeVar("_N", int, float)
_DEEPEST = 32
_FORMATS = {
    "date": "2026-11-23",
    "date-time": "2026-11-23T12:00:00Z",
    "email": "someone@mail.example",
    "uri": "https://moon.example/distance",
}


class Composer:
    """Composes values for one root schema out of one sentence."""

    def __init__(self, root: JsonObject, sentence: str) -> None:
        """`sentence` becomes the text of every free string."""
        self._root = root
        self._sentence = sentence

    def compose(self) -> JsonValue:
        """The value.

        Raises:
            ApiError: 400 for a recursive schema, which the provider does not support.
        """
        return self._value(self._root, 0)

    def _value(self, schema: JsonValue, depth: int) -> JsonValue:
        if depth > _DEEPEST:
            message = "validation failed: recursive schemas are not supported"
            raise invalid(message, "response_format")
        if not isinstance(schema, dict):
            return self._sentence
        if "const" in schema:
            return schema["const"]
        options = _first_list(schema, "enum", "anyOf", "oneOf", "allOf")
        if options and "enum" in schema:
            return options[0]
        if options:
            return self._value(options[0], depth + 1)
        if isinstance(schema.get("$ref"), str):
            return self._value(self._resolve(str(schema["$ref"])), depth + 1)
        return self._typed(schema, depth)

    def _typed(self, schema: JsonObject, depth: int) -> JsonValue:
        kind = _kind(schema)
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            count = max(1, _whole(schema, "minItems", 0))
            return [self._value(schema.get("items"), depth + 1)] * min(
                count, _whole(schema, "maxItems", count)
            )
        if kind == "string":
            return self._string(schema)
        if kind == "integer":
            return _integer(schema)
        return _number(schema) if kind == "number" else kind == "boolean" or None

    def _object(self, schema: JsonObject, depth: int) -> JsonObject:
        declared = schema.get("properties")
        properties = declared if isinstance(declared, dict) else {}
        required = _first_list(schema, "required") or []
        names = [
            *properties,
            *(str(name) for name in required if name not in properties),
        ]
        return {name: self._value(properties.get(name), depth + 1) for name in names}

    def _string(self, schema: JsonObject) -> str:
        text = _FORMATS.get(str(schema.get("format")), self._sentence)
        text = text.ljust(_whole(schema, "minLength", 0), ".")
        return text[: _whole(schema, "maxLength", len(text))]

    def _resolve(self, reference: str) -> JsonValue:
        found: JsonValue = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            found = found.get(step) if isinstance(found, dict) else None
        if found is None:
            message = f"validation failed: {reference} leads nowhere in the schema"
            raise invalid(message, "response_format")
        return found


def _kind(schema: JsonObject) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    return (
        kind
        if isinstance(kind, str)
        else "object"
        if "properties" in schema
        else "string"
    )


def _first_list(schema: JsonObject, *names: str) -> list[JsonValue] | None:
    return next(
        (value for name in names if isinstance(value := schema.get(name), list)), None
    )


def _whole(schema: JsonObject, name: str, default: int) -> int:
    value = schema.get(name)
    return value if isinstance(value, int) else default


def _bound(schema: JsonObject, name: str) -> float | None:
    value = schema.get(name)
    return value if isinstance(value, int | float) else None


def _integer(schema: JsonObject) -> int:
    low, high = _bound(schema, "minimum"), _bound(schema, "maximum")
    above, below = (
        _bound(schema, "exclusiveMinimum"),
        _bound(schema, "exclusiveMaximum"),
    )
    least = _last(
        None if low is None else ceil(low), None if above is None else floor(above) + 1
    )
    most = _last(
        None if high is None else floor(high),
        None if below is None else ceil(below) - 1,
    )
    return least if least is not None else 1 if most is None else min(1, most)


def _number(schema: JsonObject) -> float:
    least = _last(_bound(schema, "minimum"), _bound(schema, "exclusiveMinimum"))
    most = _last(_bound(schema, "maximum"), _bound(schema, "exclusiveMaximum"))
    if least is not None and most is not None:
        return (least + most) / 2
    return (
        least + 0.5
        if least is not None
        else 0.5
        if most is None
        else min(0.5, most - 0.5)
    )


def _last(*bounds: _N | None) -> _N | None:
    """The last bound that is set: a simple schema sets one on each side."""
    return next((bound for bound in reversed(bounds) if bound is not None), None)
