"""Convert any Python value to plain JSON."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from perplexity_connector.contract import FieldError, JsonValue
from perplexity_connector.contract.json import MAX_DEPTH, Document, child_pointer


class Normalized(NamedTuple):
    """A JSON copy plus the errors found while copying.

    Values that are not JSON become null; keys that are not text are dropped.
    """

    value: JsonValue
    errors: Sequence[FieldError]


@dataclass(slots=True)
class _Copier:
    """Copy any value and collect the errors, each with its place."""

    errors: list[FieldError] = field(default_factory=list[FieldError])

    def copy(self, value: object, pointer: str, depth: int) -> JsonValue:
        if value is None or isinstance(value, str | bool | int | float):
            return self._copy_scalar(value, pointer)
        if depth == MAX_DEPTH:
            message = f"Must not be nested more than {MAX_DEPTH} levels deep."
            self._reject(pointer, message)
        elif isinstance(value, Mapping):
            return self._copy_object(value, pointer, depth + 1)
        elif isinstance(value, list | tuple):
            return [
                self.copy(item, f"{pointer}/{index}", depth + 1)
                for index, item in enumerate(value)
            ]
        else:
            self._reject(pointer, "Must be plain JSON.")
        return None

    def _copy_scalar(self, value: str | float | None, pointer: str) -> JsonValue:
        if isinstance(value, str) and not _is_encodable(value):
            message = "Has half of a character, such as a cut emoji (a lone surrogate). Write the whole one."
            self._reject(pointer, message)
        elif isinstance(value, int | float) and not _is_finite(value):
            self._reject(pointer, "Must be a finite number.")
        else:
            return _exact(value)
        return None

    def _copy_object(
        self, value: Mapping[object, object], pointer: str, depth: int
    ) -> JsonValue:
        copied = {}
        for name, item in value.items():
            if isinstance(name, str) and _is_encodable(name):
                copied[str.__str__(name)] = self.copy(
                    item, child_pointer(pointer, name), depth
                )
            else:
                self._reject(pointer, "Must have unbroken text as every name.")
        return copied

    def _reject(self, pointer: str, message: str) -> None:
        self.errors.append(FieldError(pointer=pointer, code="type", message=message))


def to_json(value: object) -> Normalized:
    """Return a deep copy of `value` as plain JSON. Never raises.

    The fast path copies plain JSON without recording places. Anything else is copied again by
    `_Copier`, which finds all errors and their places.
    """
    try:
        return Normalized(value=_copy_plain(value, 0), errors=[])
    except _NotPlainError:
        copier = _Copier()
    return Normalized(value=copier.copy(value, "", 0), errors=copier.errors)


def _exact(value: str | float | None) -> JsonValue:
    """Return a text or a number without a class of its own, whose methods may do anything."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    return int.__int__(value) if isinstance(value, int) else float.__float__(value)


class _NotPlainError(Exception):
    """The value has a part that the fast path does not copy."""


def _copy_plain(value: Any, depth: int) -> JsonValue:
    kind = type(value)
    if kind is dict and depth < MAX_DEPTH:
        return _copy_plain_object(value, depth + 1)
    if kind is list and depth < MAX_DEPTH:
        return [_copy_plain(item, depth + 1) for item in value]
    if (
        value is None
        or kind is bool
        or ((kind is int or kind is float) and _is_finite(value))
        or (kind is str and (value.isascii() or _is_encodable(value)))
    ):
        scalar: JsonValue = value
        return scalar
    raise _NotPlainError


def _copy_plain_object(value: dict[Any, Any], depth: int) -> JsonValue:
    # Nearly every name and item is plain ASCII. These are copied here: a call for each takes longer
    # than all the rest.
    copied: Document = {}
    for name, item in value.items():
        if type(name) is not str or not (name.isascii() or _is_encodable(name)):
            raise _NotPlainError
        is_ascii = type(item) is str and item.isascii()
        copied[name] = item if is_ascii else _copy_plain(item, depth)
    return copied


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        # A whole number that is too large for a float is too large for many JSON readers.
        return False


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
