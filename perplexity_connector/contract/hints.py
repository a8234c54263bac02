"""Hints: sentences about an input that is allowed, but probably not meant. They are not errors."""

from dataclasses import dataclass

__all__ = ["Hint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """One hint about one field.

    `pointer` is a JSON Pointer into the input. `message` says the likely result and what to do
    instead. It never repeats the value.
    """

    pointer: str
    message: str
