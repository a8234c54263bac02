"""Find the value of a reference when its step runs. Pure: no I/O.

A reference leads into the output of an earlier step, into the flow's inputs, or into the item that a
step with `each` runs for. `pluck`, `join` and `default` make its value from there: see docs/flows.md.
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field

from perplexity_connector.contract import (
    Binding,
    FlowStep,
    InputReference,
    ItemReference,
    JsonObject,
    JsonValue,
    Reference,
    ValueReference,
)
from perplexity_connector.contract.flow import (
    ABSENT,
    Absent,
    Each,
    EachOfInput,
    EachOfStep,
)
from perplexity_connector.contract.json import Tokens, pointer_tokens, value_at
from perplexity_connector.host.validation.text_values import to_text


class NoListError(Exception):
    """A value that should be a list is not one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """The values that a step may refer to, as far as they are known.

    * `outputs`: by step id, of the earlier steps that have one.
    * `inputs`: those of the flow; None while they are not known.
    * `item`: the item that the step runs for; `ABSENT` without one.
    """

    outputs: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    inputs: JsonObject | None = None
    item: JsonValue | Absent = ABSENT

    def have(self, source: ValueReference | Each) -> bool:
        """Return whether the place that a reference leads into is known."""
        match source:
            case Reference() | EachOfStep():
                return source.step in self.outputs
            case ItemReference():
                return self.item is not ABSENT
            case _:
                return self.inputs is not None


def references_of(binding: Binding) -> Iterator[ValueReference]:
    """Yield the references of a binding."""
    return (part for part in binding if not isinstance(part, str))


def lone_reference(binding: Binding) -> ValueReference | None:
    """Return the reference if it is the binding's only part, else None."""
    part = binding[0] if len(binding) == 1 else None
    return None if isinstance(part, str) else part


def pointer_of_reference(source: ValueReference | Each) -> str:
    """Return the JSON Pointer of a reference, or of the list of an `each`."""
    match source:
        case InputReference() | EachOfInput():
            return source.input
        case ItemReference():
            return source.item
        case _:
            return source.pointer


def path_of(source: ValueReference | Each) -> Tokens:
    """Return the path of a reference, or of the list of an `each`."""
    return pointer_tokens(pointer_of_reference(source)) or ()


def source_name(source: ValueReference | Each) -> str:
    """Return the words for the place that a reference leads into."""
    match source:
        case InputReference() | EachOfInput():
            return "The flow's inputs"
        case ItemReference():
            return "The item"
        case _:
            return f"The output of the step {source.step!r}"


def steps_of(step: FlowStep) -> Iterator[str]:
    """Yield the id of each step that a step refers to."""
    if isinstance(step.each, EachOfStep):
        yield step.each.step
    for binding in step.bindings.values():
        for reference in references_of(binding):
            if isinstance(reference, Reference):
                yield reference.step


def steps_needed(step: FlowStep) -> Iterator[tuple[str, str]]:
    """Yield the id of each step whose output a step needs, and the target of the binding.

    A reference with a default needs none. The target is empty for the list of an `each`.
    """
    if isinstance(step.each, EachOfStep):
        yield step.each.step, ""
    for target, binding in step.bindings.items():
        for part in binding:
            if isinstance(part, Reference) and part.default is ABSENT:
                yield part.step, target


def missing_step(step: FlowStep, outputs: Container[str]) -> str | None:
    """Return the step without an output that keeps a step from running; None without such a step.

    `outputs` are the ids of the steps with an output.
    """
    needed = (source for source, _ in steps_needed(step))
    return next((source for source in needed if source not in outputs), None)


def reference_value(reference: ValueReference, values: Values) -> JsonValue:
    """Return the value of a reference.

    Raises `LookupError` where a value is missing, and `NoListError` for `pluck` or `join` of another value
    than a list.
    """
    try:
        value = value_of(reference, values)
    except LookupError:
        if reference.default is ABSENT:
            raise
        default: JsonValue = reference.default  # type: ignore[assignment] # a flow is plain JSON
        return default
    if value is None or (reference.pluck is None and reference.join is None):
        return value
    return _plucked(reference, value)


def has_value(reference: ValueReference, values: Values) -> bool:
    """Return whether there is a value where a reference leads; for `pluck`, in an item of the list."""
    try:
        value = value_of(reference, values)
    except LookupError:
        return False
    if reference.pluck is None or not isinstance(value, list):
        return True
    path = pointer_tokens(reference.pluck) or ()
    return any(_part_of(item, path) is not None for item in value)


def reference_text(reference: ValueReference, values: Values) -> str:
    """Return the value of a reference as a part of a text. Raises as `reference_value` does."""
    value = reference_value(reference, values)
    if reference.pluck is not None and isinstance(value, list):
        return "\n".join(map(to_text, value))
    return to_text(value)


def root_of(source: ValueReference | Each, values: Values) -> JsonValue:
    """Return the value that a reference leads into; null if it is not there."""
    match source:
        case InputReference() | EachOfInput():
            return values.inputs
        case ItemReference():
            return None if values.item is ABSENT else values.item
        case _:
            return values.outputs.get(source.step)


def value_of(source: ValueReference | Each, values: Values) -> JsonValue:
    """Return the value at the place that a reference leads to. Raises `LookupError` without one."""
    root = root_of(source, values)
    if isinstance(source, InputReference | EachOfInput):
        return _input_at(root, path_of(source))
    if not values.have(source):
        raise LookupError
    return value_at(root, path_of(source))


def _input_at(inputs: JsonValue, path: Tokens) -> JsonValue:
    """Return the value at a path of the inputs; null from a member on that was not given."""
    for token in path:
        if isinstance(inputs, Mapping):
            inputs = inputs.get(token)
        elif inputs is not None:
            inputs = value_at(inputs, (token,))
    return inputs


def _plucked(reference: ValueReference, value: JsonValue) -> JsonValue:
    if not isinstance(value, list):
        raise NoListError
    path = pointer_tokens(reference.pluck or "") or ()
    found = [part for item in value if (part := _part_of(item, path)) is not None]
    if reference.join is None:
        return found
    return reference.join.join(map(to_text, found))


def _part_of(item: JsonValue, path: Tokens) -> JsonValue:
    """Return what an item of a list has at a path; None if it lacks it."""
    try:
        return value_at(item, path)
    except LookupError:
        return None
