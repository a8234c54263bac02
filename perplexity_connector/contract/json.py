"""Plain JSON: its types, readers for JSON of unknown shape, and JSON Pointers (RFC 6901).

The readers never raise: a value of another type reads as empty. So a response that cost money
is not lost because one of its fields is null or has another type.
"""

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

__all__ = ["JsonObject", "JsonValue"]

JsonValue: TypeAlias = (
    bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"] | None
)
JsonObject: TypeAlias = Mapping[str, JsonValue]
# A JSON object that its holder may change.
Document: TypeAlias = dict[str, JsonValue]
# The names and list indexes of a JSON Pointer, unescaped.
Tokens: TypeAlias = tuple[str, ...]

# The deepest nesting that a host accepts from a caller or a connector.
MAX_DEPTH = 100
# Every whole number below is exact as a double.
_EXACT = 2**53
# Up to nine digits: no list of a step is longer.
_LIST_INDEX = re.compile("0|[1-9][0-9]{0,8}")


def load_json(body: bytes) -> JsonValue:
    """Decode a JSON document.

    Raises `ValueError` for anything else: bad UTF-8, bad JSON, NaN, or too deep nesting.
    """
    try:
        value: JsonValue = _DECODER.decode(body.decode("utf-8"))
    except RecursionError:
        message = "nested too deeply"
        raise ValueError(message) from None
    return value


def refuse_constant(name: str) -> float:
    """Raise `ValueError`: NaN and the infinities are not JSON."""
    message = f"{name} is not JSON"
    raise ValueError(message)


# `json.loads` with an option makes a new decoder for each call. That takes as long as decoding
# a small document.
_DECODER = json.JSONDecoder(parse_constant=refuse_constant)


def as_object(value: object) -> JsonObject:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def as_list(value: object) -> Sequence[JsonValue]:
    """Return the value if it is a list, else an empty one."""
    return value if isinstance(value, list | tuple) else ()


def as_objects(value: object) -> Sequence[JsonObject]:
    """Return the objects of a list, without its other items."""
    return [item for item in as_list(value) if isinstance(item, Mapping)]


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
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # NaN is not between them either.
    return value if -sys.float_info.max <= value <= sys.float_info.max else None


def as_int(value: object) -> int | None:
    """Return the value if it is a whole number, else None."""
    if type(value) is int and -_EXACT < value < _EXACT:
        return value  # nearly always, and every event of a stream has three of them
    number = as_number(value)
    return int(number) if number is not None and number == int(number) else None


def is_blank(value: object) -> bool:
    """Return whether a value is blank: null, only spaces, or an empty text, list or object.

    A blank that its schema does not require counts as not given (docs/contract.md, "Blanks").
    """
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, Mapping | list | tuple) and not value)


def parts_of(value: JsonValue) -> Iterator[JsonValue]:
    """Yield a value and all values inside it, in no order. A loop, since it may be deep."""
    waiting = [value]
    while waiting:
        current = waiting.pop()
        yield current
        waiting += as_object(current).values()
        waiting += as_list(current)


def child_pointer(pointer: str, name: str | int) -> str:
    """Return the JSON Pointer of the field or item `name` below `pointer`."""
    return f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"


def pointer_of(path: Iterable[str | int], base: str = "") -> str:
    """Return the JSON Pointer of a path below `base`."""
    return base + "".join(child_pointer("", part) for part in path)


def pointer_tokens(pointer: str) -> Tokens | None:
    """Split a JSON Pointer into its unescaped tokens; None if it is not a valid pointer."""
    if pointer and not re.fullmatch("(/([^~/]|~[01])*)*", pointer):
        return None
    escaped = pointer.split("/")[1:]
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in escaped)


def list_index(token: str) -> int | None:
    """Return the list index that a token names, or None."""
    return int(token) if _LIST_INDEX.fullmatch(token) else None


def value_at(document: JsonValue, path: Tokens) -> JsonValue:
    """Return the value at a path. Raises `LookupError` if it does not exist."""
    for token in path:
        if isinstance(document, Mapping):
            document = document[token]
        elif isinstance(document, list) and (index := list_index(token)) is not None:
            document = document[index]
        else:
            raise LookupError
    return document


def new_run_id() -> str:
    """Return a new random run id."""
    return f"run_{os.urandom(16).hex()}"
