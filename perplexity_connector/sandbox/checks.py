"""Reading one field at a time out of a JSON object, as strictly as the provider does. JSON null counts as unset."""

from collections.abc import Collection
from typing import TypeVar

from perplexity_connector.sandbox.errors import ApiError, invalid
from perplexity_connector.sandbox.jsontypes import JsonObject, JsonValue

_T = TypeVar("_T")


def only(values: JsonObject, allowed: Collection[str]) -> None:
    """Refuses any field that is not allowed, set or not."""
    for name in values:
        if name not in allowed:
            message = f'invalid request body: json: unknown field "{name}"'
            raise invalid(message, name)


def text(values: JsonObject, name: str) -> str | None:
    """A string."""
    return _typed(values, name, str)


def boolean(values: JsonObject, name: str) -> bool | None:
    """A boolean."""
    return _typed(values, name, bool)


def integer(values: JsonObject, name: str, low: int, high: int) -> int | None:
    """A whole number within the bounds, both included."""
    value = values.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise _mistyped(name)
    if not low <= value <= high:
        message = f"validation failed: {name} must be between {low} and {high}"
        raise invalid(message, name)
    return value


def number(values: JsonObject, name: str, low: float, high: float) -> float | None:
    """A number within the bounds, both included."""
    value = values.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _mistyped(name)
    if not low <= value <= high:
        message = f"validation failed: {name} must be between {low:g} and {high:g}"
        raise invalid(message, name)
    return value


def choice(values: JsonObject, name: str, allowed: Collection[str]) -> str | None:
    """One of the allowed strings."""
    value = text(values, name)
    if value is not None and value not in allowed:
        message = (
            f"validation failed: {name} must be one of {', '.join(sorted(allowed))}"
        )
        raise invalid(message, name)
    return value


def mapping(
    values: JsonObject, name: str, allowed: Collection[str]
) -> JsonObject | None:
    """An object with no field beyond those allowed."""
    value = _typed(values, name, dict)
    if value is not None:
        only(value, allowed)
    return value


def items(values: JsonObject, name: str) -> list[JsonValue] | None:
    """A list of anything."""
    return _typed(values, name, list)


def strings(values: JsonObject, name: str) -> list[str] | None:
    """A list of strings."""
    value = items(values, name)
    if value is None:
        return None
    found = [item for item in value if isinstance(item, str)]
    if len(found) != len(value):
        raise _mistyped(name)
    return found


def as_object(value: JsonValue, name: str) -> JsonObject:
    """The value, which has to be an object."""
    if not isinstance(value, dict):
        raise _mistyped(name)
    return value


def _typed(values: JsonObject, name: str, kind: type[_T]) -> _T | None:
    value = values.get(name)
    if value is None:
        return None
    if not isinstance(value, kind):
        raise _mistyped(name)
    return value


def _mistyped(name: str) -> ApiError:
    return invalid(
        f"invalid request body: json: cannot unmarshal value into field {name}", name
    )
