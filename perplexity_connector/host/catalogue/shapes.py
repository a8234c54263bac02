"""The shape of plain data: which fields there must be, and their types.

A host looks at every manifest whenever it starts, and importing pydantic takes many times as long.
A named tuple is made in a quarter of the time of a frozen dataclass.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from perplexity_connector.contract.json import child_pointer


class Leaf(NamedTuple):
    """A value of one type; `object` is any. `description` completes "must be …"; `pattern` is for text."""

    kind: type
    description: str
    pattern: re.Pattern[str] | None = None
    or_null: bool = False

    def allows(self, value: object) -> bool:
        """Return whether the value has this shape."""
        # Not isinstance: true is not a whole number.
        if type(value) is not self.kind:
            return self.kind is object or (self.or_null and value is None)
        return self.pattern is None or bool(self.pattern.fullmatch(str(value)))


class ListOf(NamedTuple):
    """A list whose items have one shape."""

    item: "Shape"

    def allows(self, value: object) -> bool:
        """Return whether the value has this shape."""
        return isinstance(value, list) and all(map(self.item.allows, value))


class MapOf(NamedTuple):
    """A mapping with any keys, whose values have one shape."""

    value: "Shape"

    def allows(self, value: object) -> bool:
        """Return whether the value has this shape."""
        return isinstance(value, dict) and all(map(self.value.allows, value.values()))


class Record(NamedTuple):
    """A mapping with known keys. Other keys may have any value."""

    required: Mapping[str, "Shape"]
    optional: Mapping[str, "Shape"] = MappingProxyType({})
    or_null: bool = False

    def allows(self, value: object) -> bool:
        """Return whether the value has this shape."""
        if not isinstance(value, dict):
            return self.or_null and value is None
        return all(part.allows(inner) for _, inner, part in _fields(value, self))


Shape: TypeAlias = Leaf | ListOf | MapOf | Record
# A part of a value: its name or index, the part itself, and its shape.
_Part: TypeAlias = tuple[str | int, object, Shape]


def shape_errors(value: object, pointer: str, shape: Shape) -> Iterator[str]:
    """Describe each place of a value that has another shape. No message repeats a value."""
    match shape:
        case Leaf() if not shape.allows(value):
            yield f"{pointer} must be {shape.description}."
        case ListOf() if not isinstance(value, list):
            yield f"{pointer} must be a list."
        case MapOf() | Record(or_null=False) if not isinstance(value, dict):
            yield f"{pointer} must be a mapping."
        case Record() if not isinstance(value, dict | None):
            yield f"{pointer} must be a mapping or null."
    for name, part, inner in _parts(value, shape):
        if not inner.allows(part):  # a good part needs no pointer
            yield from shape_errors(part, child_pointer(pointer, name), inner)


def unknown_keys(value: object, pointer: str, shape: Shape) -> Iterator[str]:
    """Yield a pointer to each key that a record does not know, anywhere in a value."""
    if isinstance(shape, Record) and isinstance(value, dict):
        known = {*shape.required, *shape.optional}
        yield from (child_pointer(pointer, name) for name in value if name not in known)
    for name, part, inner in _parts(value, shape):
        yield from unknown_keys(part, child_pointer(pointer, name), inner)


def _parts(value: object, shape: Shape) -> list[_Part]:
    match shape:
        case ListOf() if isinstance(value, list):
            return [(index, item, shape.item) for index, item in enumerate(value)]
        case MapOf() if isinstance(value, dict):
            return [(name, part, shape.value) for name, part in value.items()]
        case Record() if isinstance(value, dict):
            return _fields(value, shape)
    return []


def _fields(record: Mapping[str, object], shape: Record) -> list[_Part]:
    optional = [each for each in shape.optional.items() if each[0] in record]
    return [
        (name, record.get(name), part)
        for name, part in (*shape.required.items(), *optional)
    ]
