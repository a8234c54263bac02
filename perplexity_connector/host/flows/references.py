"""Find the value of a reference when its step runs. Pure: no I/O.

A reference leads into the output of an earlier step, into the flow's inputs, or into the item that a
step with `each` runs for. `pluck`, `join` and `default` then make its value, see docs/flows.md.
"""

import json
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from perplexity_connector.contract import (
    Binding,
    FieldError,
    FlowStep,
    JsonObject,
    JsonValue,
)
from perplexity_connector.contract.flow import (
    ABSENT,
    Absent,
    Each,
    EachOfInput,
    InputReference,
    ItemReference,
    Reference,
    ValueReference,
)
from perplexity_connector.contract.json import (
    Tokens,
    child_pointer,
    pointer_tokens,
    value_at,
)

# A lone reference keeps the type of its value.
_LINE_END = "\n"


class NoListError(Exception):
    """A value that should be a list is not one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """The values that a step may refer to.

    * `outputs`: by step id, of the earlier steps that have one.
    * `inputs`: those of the flow; None while they are not known.
    * `item`: the item that the step runs for; `ABSENT` without one.
    """

    outputs: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    inputs: JsonObject | None = None
    item: JsonValue | Absent = ABSENT


def references_of(binding: Binding) -> Iterator[ValueReference]:
    """Yield the references of a binding."""
    return (part for part in binding if not isinstance(part, str))


def missing_step(step: FlowStep, outputs: Container[str]) -> str | None:
    """Return the step without an output that keeps a step from running; None if there is none.

    `outputs` are the ids of the steps with an output. A reference with a default needs none.
    """
    raise NotImplementedError


def items_of(
    step: FlowStep, values: Values
) -> tuple[Sequence[JsonValue], list[FieldError]]:
    """Return the items that a step with `each` runs for, and why it cannot run, if so."""
    raise NotImplementedError


def reference_value(reference: ValueReference, values: Values) -> JsonValue:
    """Return the value of a reference.

    Raises `LookupError` if there is none, and `NoListError` for `pluck` or `join` of another value
    than a list.
    """
    raise NotImplementedError
