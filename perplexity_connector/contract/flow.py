"""A saved flow: steps that run in order and may use values of earlier steps.

It is plain JSON and never holds a secret. As in a manifest, unknown keys are errors.
`schemas/flow.schema.json` is emitted from these dataclasses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias

__all__ = ["FLOW_VERSION", "Binding", "Flow", "FlowStep", "Reference"]

FLOW_VERSION = 1

_CLOSED = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A value of an earlier step. `pointer` is a JSON Pointer into its output; "" is all of it."""

    __pydantic_config__: ClassVar = _CLOSED

    step: str
    pointer: str


# Literal text and references. A single reference keeps its value's type; several parts are
# joined as text.
Binding: TypeAlias = Sequence[str | Reference]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStep:
    """One step of a flow.

    `version` is the action's; the newest if omitted. `connection` is the name of a stored
    connection, or null. `bindings` set fields of `input` before the step runs; each key is the
    field's JSON Pointer.
    """

    __pydantic_config__: ClassVar = _CLOSED

    id: str
    connector: str
    action: str
    version: int | None = None
    connection: str | None = None
    input: Mapping[str, object]
    bindings: Mapping[str, Binding] = field(default_factory=dict[str, Binding])


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Steps in the order in which they run. Their ids are unique."""

    __pydantic_config__: ClassVar = _CLOSED

    flow_version: Literal[1]
    steps: Sequence[FlowStep]
