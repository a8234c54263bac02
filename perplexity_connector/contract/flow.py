"""A saved flow: steps that run in order and may use values of earlier steps.

It is plain JSON and never holds a secret. As in a manifest, unknown keys are errors.
`schemas/flow.schema.json` is emitted from these dataclasses. Version 2 adds `inputs`, `each`,
`on_failure`, references to inputs and items, and `pluck`, `join` and `default` of a reference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar, Final, Literal, TypeAlias

__all__ = [
    "ABSENT",
    "FLOW_VERSION",
    "Absent",
    "Binding",
    "Each",
    "EachOfInput",
    "EachOfStep",
    "Flow",
    "FlowStep",
    "InputReference",
    "ItemReference",
    "OnFailure",
    "Reference",
    "ValueReference",
]

# The newest version. A flow that uses nothing of it may be of version 1.
FLOW_VERSION = 2
# Each of a flow's steps takes at most so many items, if `max` does not say so.
DEFAULT_MAX_ITEMS = 20

_CLOSED = {"extra": "forbid"}
OnFailure: TypeAlias = Literal["stop", "continue"]


class Absent(Enum):
    """The type of `ABSENT`, which says that a reference has no default: null is one."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A value of an earlier step. `pointer` is a JSON Pointer into its output; "" is all of it.

    `pluck` is a JSON Pointer into each item of a list: the value is the list of the values there, and
    with `join` the text of them. `default` is used where a value is missing.
    """

    __pydantic_config__: ClassVar = _CLOSED

    step: str
    pointer: str
    pluck: str | None = None
    join: str | None = None
    default: object = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class InputReference:
    """A value of the flow's inputs. `input` is a JSON Pointer into them; the others as for a step."""

    __pydantic_config__: ClassVar = _CLOSED

    input: str
    pluck: str | None = None
    join: str | None = None
    default: object = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemReference:
    """A value of the item that the step runs for. `item` is a JSON Pointer into it; "" is all of it."""

    __pydantic_config__: ClassVar = _CLOSED

    item: str
    pluck: str | None = None
    join: str | None = None
    default: object = ABSENT


ValueReference: TypeAlias = Reference | InputReference | ItemReference
# Literal text and references. A single reference keeps its value's type; several parts are
# joined as text.
Binding: TypeAlias = Sequence[str | ValueReference]


@dataclass(frozen=True, slots=True, kw_only=True)
class EachOfStep:
    """Run a step for each item of a list in an earlier step's output.

    More items than `max` fail the step before anything is sent. With `on_failure` "continue", an
    item that fails does not end the step.
    """

    __pydantic_config__: ClassVar = _CLOSED

    step: str
    pointer: str
    max: int = DEFAULT_MAX_ITEMS
    on_failure: OnFailure = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class EachOfInput:
    """Run a step for each item of a list in the flow's inputs; the others as for a step's list."""

    __pydantic_config__: ClassVar = _CLOSED

    input: str
    max: int = DEFAULT_MAX_ITEMS
    on_failure: OnFailure = "stop"


Each: TypeAlias = EachOfStep | EachOfInput


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStep:
    """One step of a flow.

    `version` is the action's; the newest if omitted. `connection` is the name of a stored
    connection, or null. `bindings` set fields of `input` before the step runs; each key is the
    field's JSON Pointer. With `each`, the step runs once for each item of a list, and its output is
    `items` and `failed`. With `on_failure` "continue", the flow goes on when the step has failed.
    """

    __pydantic_config__: ClassVar = _CLOSED

    id: str
    connector: str
    action: str
    version: int | None = None
    connection: str | None = None
    input: Mapping[str, object]
    bindings: Mapping[str, Binding] = field(default_factory=dict[str, Binding])
    each: Each | None = None
    on_failure: OnFailure = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Steps in the order in which they run. Their ids are unique.

    `inputs` is the JSON Schema of the flow's own inputs, an object; without it there are none.
    """

    __pydantic_config__: ClassVar = _CLOSED

    flow_version: Literal[1, 2]
    inputs: Mapping[str, object] | None = None
    steps: Sequence[FlowStep]
