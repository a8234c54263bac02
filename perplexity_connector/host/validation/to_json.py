"""Normalized JSON out of whatever Python hands over."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from perplexity_connector.contract import FieldError, JsonValue
from perplexity_connector.contract.json import MAX_DEPTH, child_pointer


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalized:
    """A copy in plain dicts and lists, and what could not be copied: such a value is null, such a name is gone."""

    value: JsonValue
    errors: Sequence[FieldError]


@dataclass(slots=True)
class _Copier:
    errors: list[FieldError] = field(default_factory=list[FieldError])

    def copy(self, value: object, pointer: str, depth: int) -> JsonValue:
        if value is None or isinstance(value, str | bool | int | float):
            return self._scalar(value, pointer)
        if depth == MAX_DEPTH:
            self._refuse(pointer, "Must not be nested this deeply.")
        elif isinstance(value, Mapping):
            return self._object(value, pointer, depth + 1)
        elif isinstance(value, list | tuple):
            return [
                self.copy(item, f"{pointer}/{index}", depth + 1)
                for index, item in enumerate(value)
            ]
        else:
            self._refuse(pointer, "Must be plain JSON.")
        return None

    def _scalar(self, value: str | float | None, pointer: str) -> JsonValue:
        if isinstance(value, str) and not _is_encodable(value):
            self._refuse(
                pointer, "Must be text without broken characters (lone surrogates)."
            )
        elif isinstance(value, int | float) and not _is_finite(value):
            self._refuse(pointer, "Must be a finite number.")
        else:
            return value
        return None

    def _object(
        self, value: Mapping[object, object], pointer: str, depth: int
    ) -> JsonValue:
        copied = {}
        for name, item in value.items():
            if isinstance(name, str) and _is_encodable(name):
                copied[name] = self.copy(item, child_pointer(pointer, name), depth)
            else:
                self._refuse(pointer, "Must have proper text for every name.")
        return copied

    def _refuse(self, pointer: str, message: str) -> None:
        self.errors.append(FieldError(pointer=pointer, code="type", message=message))


def to_json(value: object) -> Normalized:
    """A deep copy of `value` as plain JSON, which shares nothing with the original and never fails."""
    try:
        return Normalized(value=_copied(value, 0), errors=[])
    except _OddError:
        copier = _Copier()
    return Normalized(value=copier.copy(value, "", 0), errors=copier.errors)


class _OddError(Exception):
    """Something is not plainly JSON: the slow way finds out what and where."""


def _copied(value: Any, depth: int) -> JsonValue:
    """The copy of what is plainly JSON, without keeping account of the places. Raises `_OddError` for the rest."""
    kind = type(value)
    if kind is str:
        return _text(value)
    if kind is dict and depth < MAX_DEPTH:
        return {_text(name): _copied(item, depth + 1) for name, item in value.items()}
    if kind is list and depth < MAX_DEPTH:
        return [_copied(item, depth + 1) for item in value]
    if (
        value is None
        or kind is bool
        or ((kind is int or kind is float) and _is_finite(value))
    ):
        return cast("JsonValue", value)
    raise _OddError


def _text(value: object) -> str:
    if type(value) is str and (value.isascii() or _is_encodable(value)):
        return value
    raise _OddError


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number too large for a float, which JSON readers elsewhere could not take either
        return False


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
