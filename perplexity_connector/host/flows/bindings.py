"""Values of earlier steps in the input of a later one. Pure: no I/O, and no expression language.

A binding names one place of the input by a JSON Pointer (RFC 6901) and says what comes there, part by part: text as it
stands, or a reference into the output of an earlier step. A lone reference keeps the type of its value. Several parts,
and lone text, make text: in it null is nothing, other values are compact JSON.
"""

import json
from collections.abc import Mapping, Sequence

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


def is_reference(binding: Binding) -> bool:
    """Whether a binding is one reference alone, whose value comes as it is."""
    return len(binding) == 1 and isinstance(binding[0], Reference)


def binding_errors(
    step: FlowStep, earlier: Sequence[str], later: Sequence[str]
) -> list[FieldError]:
    """What is wrong with a step's bindings whatever the steps before it give, each at the place that is bound."""
    errors = [
        _clash(place)
        for place in step.bindings
        if any(_is_inside(place, other) for other in step.bindings)
    ]
    for place, binding in step.bindings.items():
        if not binding:
            errors.append(
                _error(place, "minItems", "Must have one part or more, or no binding.")
            )
        for part in binding:
            if isinstance(part, str) or part.step in earlier:
                continue
            if part.step in (step.id, *later):
                errors.append(
                    _error(
                        place,
                        "later_step",
                        "Takes a value from a step that has not run by then.",
                    )
                )
            else:
                errors.append(
                    _error(
                        place,
                        "unknown_step",
                        "Takes a value from a step that is not in this flow.",
                    )
                )
    return errors


def apply_bindings(
    step: FlowStep, outputs: Mapping[str, JsonValue]
) -> tuple[JsonObject, list[FieldError]]:
    """The input with its bindings filled from the outputs of earlier steps by id, and what could not be filled."""
    values: dict[str, JsonValue] = {}
    errors = []
    for place, binding in step.bindings.items():
        try:
            values[place] = value_of(binding, outputs)
        except LookupError:
            errors.append(
                _error(
                    place,
                    "no_value",
                    "The earlier step's output has nothing at the place that it takes.",
                )
            )
    whole, unplaced = apply_values(step.input, values)  # type: ignore[arg-type] # a flow is plain JSON
    return whole, [*errors, *unplaced]


def value_of(binding: Binding, outputs: Mapping[str, JsonValue]) -> JsonValue:
    """What a binding comes to. Raises `LookupError` when an output has nothing at a reference's pointer."""
    values = [
        part if isinstance(part, str) else _referred(part, outputs) for part in binding
    ]
    return values[0] if is_reference(binding) else "".join(map(_as_text, values))


def apply_values(
    input: JsonObject, values: Mapping[str, JsonValue]
) -> tuple[JsonObject, list[FieldError]]:
    """A copy of the input with each value at its place, and an error for each place that cannot be reached.

    What is not there on the way is made: a list for a number, an object for a name. A number may be that of an item
    which is there, or of the next one.
    """
    document: JsonValue = input
    errors = []
    for place in sorted(values, key=_order):
        try:
            document = _with(document, pointer_tokens(place) or (), values[place])
        except LookupError:
            message = "No such place can be made: neither a field of an object, nor an item of a list or the next one."
            errors.append(_error(place, "no_place", message))
    # A binding of the whole input may put anything there; validation then says that it must be an object.
    return document, errors  # type: ignore[return-value]


def _referred(part: Reference, outputs: Mapping[str, JsonValue]) -> JsonValue:
    return value_at(outputs[part.step], pointer_tokens(part.pointer) or ())


def _as_text(value: JsonValue) -> str:
    if value is None:
        return ""
    return (
        value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    )


def _with(node: JsonValue, path: Tokens, value: JsonValue) -> JsonValue:
    if not path:
        return value
    if (
        len(path) > MAX_DEPTH
    ):  # no input may be nested like that, and Python would not follow
        raise LookupError
    token, rest = path[0], path[1:]
    position = list_index(token)
    if node is None:
        node = {} if position is None else []
    if isinstance(node, Mapping):
        return {**node, token: _with(node.get(token), rest, value)}
    if not isinstance(node, list) or position is None or position > len(node):
        raise LookupError
    there = node[position] if position < len(node) else None
    return [*node[:position], _with(there, rest, value), *node[position + 1 :]]


def _order(place: str) -> list[tuple[int, str]]:
    # Items of a list in the order of their numbers, so that each new one finds those before it in place.
    return [
        (-1 if (number := list_index(token)) is None else number, token)
        for token in pointer_tokens(place) or ()
    ]


def _is_inside(place: str, other: str) -> bool:
    return place.startswith(f"{other}/") or other.startswith(f"{place}/")


def _clash(place: str) -> FieldError:
    return _error(
        place,
        "conflict",
        "Another binding fills a place inside this one, or around it: keep one of them.",
    )


def _error(place: str, code: str, message: str) -> FieldError:
    return FieldError(pointer=place, code=code, message=message)


def malformed(bindings: Mapping[str, Binding], base: str) -> list[str]:
    """The pointers, below `base`, of everything in a step's bindings that should be a JSON Pointer and is none."""
    wrong = []
    for place, binding in bindings.items():
        at = child_pointer(base, place)
        wrong += [] if pointer_tokens(place) is not None else [at]
        references = [
            (number, part)
            for number, part in enumerate(binding)
            if isinstance(part, Reference)
        ]
        wrong += [
            f"{at}/{number}/pointer"
            for number, part in references
            if pointer_tokens(part.pointer) is None
        ]
    return wrong
