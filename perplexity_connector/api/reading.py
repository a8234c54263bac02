"""Read a provider's JSON without trusting its shape: what is not of the wanted kind counts as missing.

An answer that cost money is not thrown away because one field of it is null or of another type.
"""

import json
import math
from collections.abc import Mapping, Sequence

from perplexity_connector.contract import JsonObject, JsonValue


def document(body: bytes) -> JsonValue:
    """The JSON document in a body. Raises `ValueError` for anything else: bad UTF-8, bad JSON, NaN, absurd depth."""
    try:
        value: JsonValue = _JSON.decode(body.decode("utf-8"))
    except RecursionError:
        message = "nested too deeply"
        raise ValueError(message) from None
    return value


def _no_constant(name: str) -> float:
    message = f"{name} is not JSON"
    raise ValueError(message)


# `json.loads` with an option makes a decoder for every document, which takes as long as a small one.
_JSON = json.JSONDecoder(parse_constant=_no_constant)


def mapping(value: object) -> JsonObject:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> Sequence[JsonValue]:
    """The value if it is an array, else an empty one."""
    return value if isinstance(value, list) else ()


def objects(value: object) -> Sequence[JsonObject]:
    """The objects in an array; whatever else stands there is passed over."""
    return [item for item in items(value) if isinstance(item, Mapping)]


def text(value: object) -> str:
    """The value if it is text, else an empty one. A lone surrogate, which no encoding can carry on, is replaced."""
    if not isinstance(value, str):
        return ""
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def number(value: object) -> float | int | None:
    """The value if it is a finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if isinstance(value, int) or math.isfinite(value) else None


def whole(value: object) -> int | None:
    """The value if it is a whole number, else None."""
    found = number(value)
    return int(found) if found is not None and found == int(found) else None
