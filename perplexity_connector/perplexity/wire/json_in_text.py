"""Find the JSON objects inside a text: in a code fence, after prose, or after thoughts.

One pass, in linear time: models write braces in prose, drafts, and JSON that is nearly right.
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from perplexity_connector.contract import JsonValue
from perplexity_connector.contract.json import MAX_DEPTH
from perplexity_connector.perplexity.wire.provider_json import TOKEN

_TOO_DEEP: JsonValue = json.loads("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))
_START_OF_OBJECT = re.compile(r"\{(?=\s*[\"}])")


class FoundObject(NamedTuple):
    """A JSON object and its place in the text."""

    value: JsonValue
    start: int
    end: int


def split_thoughts(text: str) -> tuple[str, str]:
    """Split a text into the thoughts of a reasoning model, which may be empty, and its answer."""
    thoughts, _, answer = text.rpartition("</think>")
    return thoughts, answer


def objects_in(text: str) -> Iterator[FoundObject]:
    """Yield the outermost JSON objects of a text. Braces of prose and cut objects are passed over.

    A value that JSON does not know reads as NaN or infinity, and an object that is too deep to be
    decoded as lists that are too deep for a host.
    """
    written, position = _Text(text), 0
    while match := _START_OF_OBJECT.search(written, position):
        start = match.start()
        try:
            value, position = DECODER.raw_decode(written, start)
        except json.JSONDecodeError as error:
            # An object that was cut has its error at the end of the text.
            position = max(error.pos, match.end())
        except RecursionError:
            position = _end_of_object(written, start)
            yield FoundObject(_TOO_DEEP, start, position)
        else:
            yield FoundObject(value, start, position)


class _Text(str):
    """A text whose lines are not counted. Each `JSONDecodeError` counts all lines before it."""

    __slots__ = ()

    def count(self, *_: object) -> int:
        """Return 0."""
        return 0

    def rfind(self, *_: object) -> int:
        """Return -1: not found."""
        return -1


def _end_of_object(text: str, start: int) -> int:
    depth = 0
    for token in TOKEN.finditer(text, start):
        depth += (token[0] in "{[") - (token[0] in "}]")
        if depth == 0:
            return token.end()
    return len(text)


def _object_of(pairs: Sequence[tuple[str, JsonValue]]) -> JsonValue:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    # A name that is given twice has no one value. The texts can still be read.
    return [math.nan, *(value for _, value in pairs)]


def _whole_number(digits: str) -> float:
    return int(digits) if math.isfinite(float(digits)) else math.inf


# It never raises for a value that JSON does not know, so that the end of its object is found.
DECODER: json.JSONDecoder = json.JSONDecoder(
    object_pairs_hook=_object_of, parse_int=_whole_number
)
