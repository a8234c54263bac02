"""The shape of plain data: which fields there must be, and their types.

A host looks at every manifest whenever it starts, and importing pydantic takes many times as long.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from perplexity_connector.contract.json import child_pointer


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value of one type. `description` completes "must be …"; `pattern` is for text."""

    kind: type
    description: str
    pattern: re.Pattern[str] | None = None
    or_null: bool = False

    def allows(self, value: object) -> bool:
        """Return whether the value has this shape."""
        # Not isinstance: true is not a whole number.
        if type(value) is not self.kind:
            return self.or_null and value is None
        return self.pattern is None or bool(self.pattern.fullmatch(str(value)))


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list whose items have one shape."""

    item: "Shape"


@dataclass(frozen=True, slots=True)
class MapOf:
    """A mapping with any keys, whose values have one shape."""

    value: "Shape"


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with known keys. Other keys may have any value."""

    required: Mapping[str, "Shape"]
    optional: Mapping[str, "Shape"] = field(default_factory=dict)
    or_null: bool = False


Shape: TypeAlias = Leaf | ListOf | MapOf | Record
# A part of a value: its name or index, the part itself, and its shape.
_Part: TypeAlias = tuple[str | int, object, Shape]


def shape_errors(value: object, pointer: str, shape: Shape) -> Iterator[str]:
    """Describe each place of a value that has another shape. No message repeats a value."""
    parts: list[_Part] = []
    match shape:
        case Leaf():
            if not shape.allows(value):
                yield f"{pointer} must be {shape.description}."
        case ListOf() if isinstance(value, list):
            parts = [(index, item, shape.item) for index, item in enumerate(value)]
        case ListOf():
            yield f"{pointer} must be a list."
        case Record(or_null=True) if value is None:
            return
        case _ if isinstance(value, dict):
            parts = _fields(value, shape)
        case _:
            yield f"{pointer} must be a mapping."
    for name, part, inner in parts:
        # Most parts are good leaves, and these need no pointer.
        if not (isinstance(inner, Leaf) and inner.allows(part)):
            yield from shape_errors(part, child_pointer(pointer, name), inner)


def _fields(value: Mapping[str, object], shape: MapOf | Record) -> list[_Part]:
    if isinstance(shape, MapOf):
        return [(name, part, shape.value) for name, part in value.items()]
    required = [(name, value.get(name), part) for name, part in shape.required.items()]
    optional = [
        (name, value[name], part)
        for name, part in shape.optional.items()
        if name in value
    ]
    return [*required, *optional]
