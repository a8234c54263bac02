"""A saved flow: steps that run in order, each able to take values from those before it. Plain JSON, never a secret.

The dataclasses are closed to unknown keys, as a manifest's are; `schemas/flow.schema.json` is emitted from them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias

__all__ = ["FLOW_VERSION", "Binding", "Flow", "FlowStep", "Reference"]

FLOW_VERSION = 1

_CLOSED = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A value of an earlier step: the JSON Pointer leads into that step's output; an empty one is the whole output."""

    __pydantic_config__: ClassVar = _CLOSED

    step: str
    pointer: str


# Text as it stands, and references. A lone reference keeps its value's type, several parts join as text.
Binding: TypeAlias = Sequence[str | Reference]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStep:
    """One step. `version` is the action's, the newest if left out; `connection` the name of a stored one, or null.

    `bindings` fill places of `input`, each named by a JSON Pointer, before the step runs.
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
    """Steps in the order they run. Their ids are unique."""

    __pydantic_config__: ClassVar = _CLOSED

    flow_version: Literal[1]
    steps: Sequence[FlowStep]
