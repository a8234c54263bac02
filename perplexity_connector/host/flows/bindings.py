"""Put values of earlier steps into the input of a later one. Pure: no I/O, no expressions.

A binding has a target, a JSON Pointer (RFC 6901) into the step's input, and parts. A part is text,
or a reference into the output of an earlier step. A single part keeps the type of its value, but text
is read as a list where the target takes one (`from_text`). Several parts are joined as text: null
becomes empty text, other values compact JSON.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence

from perplexity_connector.contract import (
    Binding,
    FieldError,
    FlowStep,
    JsonObject,
    JsonValue,
    Reference,
)
from perplexity_connector.contract.json import (
    MAX_DEPTH,
    Tokens,
    child_pointer,
    list_index,
    pointer_tokens,
    value_at,
)
from perplexity_connector.contract.near_matches import did_you_mean
from perplexity_connector.contract.readers import as_object
from perplexity_connector.host.flows.schema_paths import schemas_at
from perplexity_connector.host.validation.text_values import from_text

_MESSAGES = {
    "conflict": "Another binding sets a value inside or around this one. Keep one of them.",
    "later_step": "Takes a value from a step that has not run yet. Move that step up.",
    "minItems": "Must not be empty.",
    "no_place": "Cannot be set: neither a field of an object, nor an item of a list or the next one.",
    "no_value": "The earlier step's output has no value at this place.",
    "type": "The value has another type than this field.",
    "unknown_step": "Takes a value from a step that is not in this flow.",
}


def binding_error(target: str, code: str, hint: str = "") -> FieldError:
    """Return the error of a binding; `code` is a key of `_MESSAGES`."""
    return FieldError(pointer=target, code=code, message=f"{_MESSAGES[code]}{hint}")


def binding_errors(
    step: FlowStep,
    earlier: Collection[str],
    later: Collection[str],
) -> list[FieldError]:
    """Return the errors in a step's bindings that do not depend on values.

    `earlier` and `later` are the ids of the steps before and after it.
    """
    targets = step.bindings
    errors = [
        binding_error(target, "conflict")
        for target in targets
        if any(_overlap(target, other) for other in targets)
    ]
    for target, binding in targets.items():
        if not binding:
            errors.append(binding_error(target, "minItems"))
        for part in binding:
            if isinstance(part, str) or part.step in earlier:
                continue
            if part.step == step.id or part.step in later:
                errors.append(binding_error(target, "later_step"))
                continue
            hint = did_you_mean(part.step, earlier)
            errors.append(binding_error(target, "unknown_step", hint))
    return errors


def invalid_pointers(bindings: Mapping[str, Binding], base: str) -> Iterator[str]:
    """Yield where, below `base`, a step's bindings have text that is not a JSON Pointer."""
    for target, binding in bindings.items():
        at = child_pointer(base, target)
        if pointer_tokens(target) is None:
            yield at
        for index, part in enumerate(binding):
            if isinstance(part, Reference) and pointer_tokens(part.pointer) is None:
                yield f"{at}/{index}/pointer"


def lone_reference(binding: Binding) -> Reference | None:
    """Return the reference if it is the binding's only part, else None."""
    part = binding[0] if len(binding) == 1 else None
    return part if isinstance(part, Reference) else None


def binding_value(binding: Binding, outputs: Mapping[str, JsonValue]) -> JsonValue:
    """Return a binding's value. Raises `LookupError` if an output lacks a referenced value."""
    if reference := lone_reference(binding):
        return _part_value(reference, outputs)
    return "".join(_as_text(_part_value(part, outputs)) for part in binding)


def read_lone_text(
    binding: Binding, value: JsonValue, schemas: Sequence[JsonObject]
) -> JsonValue:
    """Return the value of a binding as its target takes it; `schemas` are those of the target."""
    if len(binding) == 1 and isinstance(value, str):
        return from_text(value, {"anyOf": schemas})
    return value


def apply_bindings(
    step: FlowStep, outputs: Mapping[str, JsonValue], schema: JsonObject
) -> tuple[JsonObject, list[FieldError]]:
    """Return a step's input with the values of its bindings, and the errors of the others.

    `outputs` are those of the earlier steps, by id. `schema` is that of the input.
    """
    values: dict[str, JsonValue] = {}
    errors = []
    for target, binding in step.bindings.items():
        try:
            value = binding_value(binding, outputs)
            schemas = schemas_at(schema, pointer_tokens(target) or ())
            values[target] = read_lone_text(binding, value, schemas)
        except LookupError:
            hint = _nearest_value(binding, outputs)
            errors.append(binding_error(target, "no_value", hint))
    bound, target_errors = apply_values(step.input, values)  # type: ignore[arg-type] # a flow is plain JSON
    return bound, [*errors, *target_errors]


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


def _part_value(
    part: str | Reference,
    outputs: Mapping[str, JsonValue],
) -> JsonValue:
    if isinstance(part, str):
        return part
    path = pointer_tokens(part.pointer) or ()
    return value_at(outputs[part.step], path)


def _nearest_value(binding: Binding, outputs: Mapping[str, JsonValue]) -> str:
    """Return sentences about the names that the outputs lack; empty if none is near."""
    references = [part for part in binding if isinstance(part, Reference)]
    return "".join(
        _nearest(outputs[each.step], pointer_tokens(each.pointer) or ())
        for each in references
    )


def _nearest(node: JsonValue, path: Tokens) -> str:
    for token in path:
        try:
            node = value_at(node, (token,))
        except LookupError:
            return did_you_mean(token, as_object(node))
    return ""


def _as_text(value: JsonValue) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


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


def _overlap(target: str, other: str) -> bool:
    return target.startswith(f"{other}/") or other.startswith(f"{target}/")
