"""Plain JSON: its types, its decoder, and JSON Pointers (RFC 6901)."""

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
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
# Up to nine digits: no list of a step is longer.
_LIST_INDEX = re.compile("0|[1-9][0-9]{0,8}")
_FLOW_ID = re.compile("flow_[0-9a-f]{32}")


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


def is_blank(value: object) -> bool:
    """Return whether a value is blank: null, only spaces, or an empty text, list or object.

    A blank that its schema does not require counts as not given (docs/contract.md, "Blanks").
    """
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, Mapping | list | tuple) and not value)


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


def new_flow_id() -> str:
    """Return a new random id of a flow's run."""
    return f"flow_{os.urandom(16).hex()}"


def is_flow_id(text: str) -> bool:
    """Return whether a text is the id of a flow's run."""
    return _FLOW_ID.fullmatch(text) is not None
