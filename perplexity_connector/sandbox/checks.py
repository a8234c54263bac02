"""Read one field of a JSON object at a time, as strictly as the provider does.

JSON null counts as unset: such a field reads as None. Every function raises `ApiError` (400) for a
value that the provider would refuse. As recorded, most rules write the field's name with spaces.
"""

from collections.abc import Collection
from typing import TypeVar

from perplexity_connector.sandbox.errors import ApiError, BrokenRuleError, invalid
from perplexity_connector.sandbox.jsontypes import JsonObject, JsonValue

_T = TypeVar("_T")
_N = TypeVar("_N", int, float)


def refuse_unknown(values: JsonObject, allowed: Collection[str]) -> None:
    """Refuse any field that is not allowed, even if it is null."""
    for name in values:
        if name not in allowed:
            message = f'invalid request body: json: unknown field "{name}"'
            raise invalid(message)


def read_text(values: JsonObject, name: str) -> str | None:
    """Return a string."""
    return _typed(values, name, str)


def read_boolean(values: JsonObject, name: str) -> bool | None:
    """Return a boolean."""
    return _typed(values, name, bool)


def read_integer(
    values: JsonObject,
    name: str,
    low: int,
    high: int,
) -> int | None:
    """Return a whole number within the bounds, both included."""
    value = _typed(values, name, int)
    return _bounded(value, name, low, high)


def read_number(
    values: JsonObject,
    name: str,
    low: int,
    high: int,
) -> float | None:
    """Return a number within the bounds, both included."""
    kind = int if isinstance(values.get(name), int) else float
    value = _typed(values, name, kind)
    return _bounded(value, name, low, high)


def read_choice(
    values: JsonObject,
    name: str,
    allowed: Collection[str],
) -> str | None:
    """Return one of the allowed strings."""
    value = read_text(values, name)
    if value is not None and value not in allowed:
        message = f"{_words(name)} must be one of: {' '.join(allowed)}"
        raise BrokenRuleError(message)
    return value


def read_object(
    values: JsonObject, name: str, allowed: Collection[str]
) -> JsonObject | None:
    """Return an object without fields beyond the allowed ones."""
    value = _typed(values, name, dict)
    if value is not None:
        refuse_unknown(value, allowed)
    return value


def read_list(values: JsonObject, name: str) -> list[JsonValue] | None:
    """Return a list of anything."""
    return _typed(values, name, list)


def read_strings(values: JsonObject, name: str) -> list[str] | None:
    """Return a list of strings."""
    value = read_list(values, name)
    if value is None:
        return None
    strings = [item for item in value if isinstance(item, str)]
    if len(strings) != len(value):
        raise _mistyped(name)
    return strings


def expect_object(value: JsonValue, name: str) -> JsonObject:
    """Return the value of the field `name`, which must be an object."""
    if not isinstance(value, dict):
        raise _mistyped(name)
    return value


def _typed(
    values: JsonObject,
    name: str,
    kind: type[_T],
) -> _T | None:
    value = values.get(name)
    if value is None:
        return None
    # To Python, a boolean is a number too.
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise _mistyped(name)
    return value


def _bounded(
    value: _N | None,
    name: str,
    low: int,
    high: int,
) -> _N | None:
    if value is not None and not low <= value <= high:
        message = f"{_words(name)} must be between {low} and {high}"
        raise BrokenRuleError(message)
    return value


def _words(name: str) -> str:
    return name.replace("_", " ")


def _mistyped(name: str) -> ApiError:
    message = f"invalid request body: json: cannot unmarshal value into field {name}"
    return invalid(message)
