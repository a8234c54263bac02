"""Put the values of references into the input of a step. Pure: no I/O, no expressions.

A binding has a target, a JSON Pointer (RFC 6901) into the step's input, and parts. A part is text,
or a reference (`references.py`). A single part keeps the type of its value, but text is read as a list
where the target takes one (`from_text`). Several parts are joined as text.
"""

from collections.abc import Iterator, Mapping, Sequence

from perplexity_connector.contract import (
    Binding,
    FieldError,
    FlowStep,
    JsonObject,
    JsonValue,
)
from perplexity_connector.contract.json import (
    MAX_DEPTH,
    Tokens,
    list_index,
    pointer_tokens,
)
from perplexity_connector.host.flows.references import (
    NoListError,
    Values,
    lone_reference,
    path_of,
    reference_text,
    reference_value,
    references_of,
    root_of,
)
from perplexity_connector.host.flows.schemas.near_places import (
    near_in_value,
    no_list_error,
    no_value_error,
)
from perplexity_connector.host.flows.schemas.schema_paths import schemas_at
from perplexity_connector.host.validation.text_values import from_text

_MESSAGES = {
    "conflict": "Another binding sets a value inside or around this one. Keep one of them.",
    "minItems": "Must not be empty.",
    "no_place": "Cannot be set: neither a field of an object, nor an item of a list or the next one.",
    "type": "The value has another type than this field.",
}


def binding_error(target: str, code: str) -> FieldError:
    """Return the error of a binding; `code` is a key of `_MESSAGES`."""
    return FieldError(pointer=target, code=code, message=_MESSAGES[code])


def target_errors(step: FlowStep) -> list[FieldError]:
    """Return the errors of a step's bindings that their references do not change."""
    targets = step.bindings
    conflicts = [
        binding_error(target, "conflict")
        for target in targets
        if any(overlap(target, other) for other in targets if other != target)
    ]
    empty = [target for target, binding in targets.items() if not binding]
    return [*conflicts, *(binding_error(target, "minItems") for target in empty)]


def binding_value(binding: Binding, values: Values) -> JsonValue:
    """Return a binding's value. Raises as `reference_value` does."""
    if reference := lone_reference(binding):
        return reference_value(reference, values)
    return "".join(
        part if isinstance(part, str) else reference_text(part, values)
        for part in binding
    )


def read_lone_text(
    binding: Binding, value: JsonValue, schemas: Sequence[JsonObject]
) -> JsonValue:
    """Return the value of a binding as its target takes it; `schemas` are those of the target."""
    if len(binding) == 1 and isinstance(value, str):
        return from_text(value, {"anyOf": schemas})
    return value


def apply_bindings(
    step: FlowStep, values: Values, schema: JsonObject
) -> tuple[JsonObject, list[FieldError]]:
    """Return a step's input with the values of its bindings, and the errors of the others.

    `schema` is that of the input.
    """
    found, errors = values_of(step.bindings, values, schema)
    bound, no_places = apply_values(step.input, found)  # type: ignore[arg-type] # a flow is plain JSON
    return bound, [*errors, *no_places]


def values_of(
    bindings: Mapping[str, Binding], values: Values, schema: JsonObject
) -> tuple[dict[str, JsonValue], list[FieldError]]:
    """Return the values of bindings by their targets, and the errors of those that have none."""
    found: dict[str, JsonValue] = {}
    errors: list[FieldError] = []
    for target, binding in bindings.items():
        try:
            value = binding_value(binding, values)
        except (LookupError, NoListError):
            errors += _value_errors(target, binding, values)
            continue
        schemas = schemas_at(schema, pointer_tokens(target) or ())
        found[target] = read_lone_text(binding, value, schemas)
    return found, errors


def apply_values(
    input: JsonObject,
    values: Mapping[str, JsonValue],
) -> tuple[JsonObject, list[FieldError]]:
    """Return a copy of the input with each value at its target, and the errors of the others.

    Missing parents are created: a list for a number, an object for a name. In a list, a target may
    be an existing item or the next one.
    """
    document: JsonValue = input
    errors = []
    for target in sorted(values, key=_sort_key):
        path = pointer_tokens(target) or ()
        try:
            document = _set(document, path, values[target])
        except LookupError:
            errors.append(binding_error(target, "no_place"))
    # A binding of the whole input may make it anything. Validation then requires an object.
    return document, errors  # type: ignore[return-value]


def _value_errors(
    target: str, binding: Binding, values: Values
) -> Iterator[FieldError]:
    """Yield an error for each reference of a binding that has no value."""
    for reference in references_of(binding):
        try:
            reference_value(reference, values)
        except LookupError:
            near = near_in_value(root_of(reference, values), path_of(reference))
            yield no_value_error(target, reference, near)
        except NoListError:
            yield no_list_error(target, reference)


def _set(node: JsonValue, path: Tokens, value: JsonValue) -> JsonValue:
    """Return a copy of `node` with the value at a path. Raises `LookupError` if it cannot be set."""
    if not path:
        return value
    # A deeper input would not be valid, and Python's recursion has its own limit.
    if len(path) > MAX_DEPTH:
        raise LookupError
    token, rest = path[0], path[1:]
    index = list_index(token)
    if node is None:
        node = {} if index is None else []
    if isinstance(node, Mapping):
        return {**node, token: _set(node.get(token), rest, value)}
    if not isinstance(node, list) or index is None or index > len(node):
        raise LookupError
    item = node[index] if index < len(node) else None
    return [*node[:index], _set(item, rest, value), *node[index + 1 :]]


def _sort_key(target: str) -> list[tuple[int, str]]:
    # List items in the order of their numbers, so that each new one is the next one.
    key = []
    for token in pointer_tokens(target) or ():
        index = list_index(token)
        key.append((-1 if index is None else index, token))
    return key


def overlap(pointer: str, other: str) -> bool:
    """Return whether two JSON Pointers are the same, or one leads to a place inside the other."""
    ends = f"{pointer}/", f"{other}/"
    return ends[0].startswith(ends[1]) or ends[1].startswith(ends[0])
