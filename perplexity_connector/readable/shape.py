"""Reading JSON of which only the likely shape is known: what is not there, or is something else, reads as empty."""

from collections.abc import Mapping, Sequence

from perplexity_connector.contract import JsonObject, JsonValue


def as_object(value: JsonValue) -> JsonObject:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def as_list(value: JsonValue) -> Sequence[JsonValue]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def as_text(value: JsonValue) -> str:
    """The value if it is text, else no text."""
    return value if isinstance(value, str) else ""


def as_number(value: JsonValue) -> float | None:
    """The value if it is a number, else None; a boolean is none."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
