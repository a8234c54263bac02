"""Decode the provider's JSON, also where it holds a value that cannot be used.

A number beyond a double and a value that is nested too deeply read as infinity, so that the rest
of a paid answer can still be used. The readers of `contract.readers` give null for infinity.
"""

import json
import math
import re
from collections.abc import Iterator

from perplexity_connector.contract import JsonValue
from perplexity_connector.contract.json import MAX_DEPTH, load_json, refuse_constant
from perplexity_connector.contract.readers import as_number

# Longer ones are beyond a double, and Python refuses to read them from 4,300 digits on.
_MOST_DIGITS = 400
# A text, which may have no end, or a bracket.
TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*\\?(?:"|\Z)|[\[{\]}]', re.DOTALL)
_UNUSABLE = "1e999"
_NUMBERS = frozenset({int, float})


def read_json(body: bytes) -> JsonValue:
    """Decode a JSON document of the provider. Raises `ValueError` for anything else."""
    try:
        return load_json(body)
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise
    except ValueError:
        shallow = "".join(_shallow(body.decode()))
        value: JsonValue = _TOLERANT.decode(shallow)
        return value


def has_unusable_number(value: JsonValue) -> bool:
    """Return whether a number beyond a double is anywhere in the value."""
    parts = [value]
    for part in parts:  # the list grows meanwhile
        if isinstance(part, str):
            continue  # as most are
        if isinstance(part, dict):
            parts += part.values()
        elif isinstance(part, list):
            parts += part
        elif type(part) in _NUMBERS and as_number(part) is None:
            return True
    return False


def _shallow(text: str) -> Iterator[str]:
    """Yield the text, with `_UNUSABLE` for each list and object that is nested too deeply."""
    depth, start = 0, 0
    for token in TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth == MAX_DEPTH + 1:
                yield text[start : token.start()] + _UNUSABLE
        elif token[0] in "]}":
            depth -= 1
            if depth == MAX_DEPTH:
                start = token.end()
    if depth <= MAX_DEPTH:
        yield text[start:]


def _whole_number(digits: str) -> float:
    return int(digits) if len(digits) <= _MOST_DIGITS else math.inf


_TOLERANT = json.JSONDecoder(parse_int=_whole_number, parse_constant=refuse_constant)
