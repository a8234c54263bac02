"""Readers for JSON that others made: a provider's answer, a plugin's schema, a file that may be torn.

They never raise: a value of another type reads as empty. So a response that cost money is not lost
because one of its fields is null or has another type. A host's own documents have types
(`documents.py`) and need no readers; an import rule in pyproject.toml lists the modules that may use these.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence

from perplexity_connector.contract.json import JsonObject, JsonValue

# Every whole number below is exact as a double.
_EXACT = 2**53
# Made once: `list | tuple` in a call would be made for each value.
_LISTS = (list, tuple)
_NUMBERS = (int, float)


def as_object(value: object) -> JsonObject:
    """Return the value if it is an object, else an empty one."""
    # A dict is found faster this way, and nearly every object is one.
    return value if type(value) is dict or isinstance(value, Mapping) else {}


def as_list(value: object) -> Sequence[JsonValue]:
    """Return the value if it is a list, else an empty one."""
    return value if isinstance(value, _LISTS) else ()


def as_objects(value: object) -> Sequence[JsonObject]:
    """Return the objects of a list, without its other items."""
    return [
        item
        for item in as_list(value)
        if type(item) is dict or isinstance(item, Mapping)  # as in `as_object`
    ]


def as_text(value: object) -> str:
    """Return the value if it is text, else an empty text.

    A lone surrogate, which no encoding can carry, is replaced.
    """
    if not isinstance(value, str):
        return ""
    if value.isascii():
        return value
    return value.encode("utf-8", "replace").decode("utf-8")


def as_number(value: object) -> float | int | None:
    """Return the value if it is a number within a double, else None; a boolean is not a number."""
    if isinstance(value, bool) or not isinstance(value, _NUMBERS):
        return None
    # NaN is not between them either.
    return value if -sys.float_info.max <= value <= sys.float_info.max else None


def as_int(value: object) -> int | None:
    """Return the value if it is a whole number, else None."""
    if type(value) is int and -_EXACT < value < _EXACT:
        return value  # nearly always, and every event of a stream has three of them
    number = as_number(value)
    return int(number) if number is not None and number == int(number) else None


def parts_of(value: JsonValue) -> Iterator[JsonValue]:
    """Yield a value and all values inside it, in no order. A loop, since it may be deep."""
    waiting = [value]
    while waiting:
        current = waiting.pop()
        yield current
        waiting += as_object(current).values()
        waiting += as_list(current)
