"""Read a saved flow of any version."""

import functools
from collections.abc import Iterator
from typing import Any

from perplexity_connector.contract import (
    FieldError,
    Flow,
    FlowStep,
    InputReference,
    ItemReference,
    JsonObject,
    Reference,
    ValueReference,
)
from perplexity_connector.contract.flow import Each, EachOfInput, EachOfStep
from perplexity_connector.contract.json import child_pointer, pointer_tokens
from perplexity_connector.contract.readers import as_object
from perplexity_connector.host.validation.schema_validator import (
    SchemaValidator,
    schema_errors,
)
from perplexity_connector.host.validation.to_json import to_json

# The most items of a step with `each`.
_MOST_ITEMS = 1000
# What version 2 has added, by the place that it is in.
_NEW_IN_STEP = ("each", "on_failure")
_NEW_IN_REFERENCE = ("pluck", "join", "default")
_POINTERS = ("pointer", "input", "item", "pluck")
_EACH_POINTERS = {"pointer", "input"}


def read_flow(document: JsonObject) -> tuple[Flow, list[FieldError]]:
    """Return a saved flow, and the errors that are in none of its steps' inputs.

    With errors, the flow may be empty.
    """
    plain = to_json(document)
    if errors := _validator().errors(plain):
        return Flow(flow_version=1, steps=()), errors
    written: dict[str, Any] = dict(as_object(plain.value))
    flow = _to_flow(written)
    return flow, [
        *_version_errors(written),
        *_inputs_errors(flow),
        *_id_errors(flow),
        *_pointer_errors(written),
    ]


@functools.cache
def _validator() -> SchemaValidator:
    """Return the validator of flows. It looks at each reference as the one kind that it is meant as."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - heavy, and the palette needs none of it

    schema = TypeAdapter(Flow).json_schema()
    kinds = schema["$defs"]
    step = kinds["FlowStep"]["properties"]
    item = _with("item", "ItemReference", _kind("Reference"))
    part = _with("input", "InputReference", item)
    step["bindings"]["additionalProperties"]["items"] = _object_or("string", part)
    each = _with("input", "EachOfInput", _kind("EachOfStep"))
    step["each"] = _object_or("null", each)
    for kind in ("EachOfStep", "EachOfInput"):
        bounds = {"minimum": 1, "maximum": _MOST_ITEMS}
        kinds[kind]["properties"]["max"].update(bounds)
    return SchemaValidator(schema)


def _kind(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def _with(key: str, kind: str, otherwise: dict[str, Any]) -> dict[str, Any]:
    return {"if": {"required": [key]}, "then": _kind(kind), "else": otherwise}


def _object_or(other: str, schema: dict[str, Any]) -> dict[str, Any]:
    types = [other, "object"]
    return {"type": types, "if": {"type": "object"}, "then": schema}


def _to_flow(written: dict[str, Any]) -> Flow:
    steps = [_to_step(step) for step in written["steps"]]
    return Flow(**{**written, "steps": steps})


def _to_step(written: dict[str, Any]) -> FlowStep:
    bindings = {
        target: [
            part if isinstance(part, str) else _to_reference(part) for part in parts
        ]
        for target, parts in written.get("bindings", {}).items()
    }
    each = written.get("each")
    fields = {"bindings": bindings, "each": each and _to_each(each)}
    return FlowStep(**{**written, **fields})


def _to_reference(written: dict[str, Any]) -> ValueReference:
    if "input" in written:
        return InputReference(**written)
    return ItemReference(**written) if "item" in written else Reference(**written)


def _to_each(written: dict[str, Any]) -> Each:
    return EachOfInput(**written) if "input" in written else EachOfStep(**written)


def _version_errors(written: dict[str, Any]) -> list[FieldError]:
    """Return an error at each place of a version 1 flow that version 1 does not have."""
    if written["flow_version"] > 1:
        return []
    message = "Set flow_version to 2: version 1 does not have this."
    return [
        FieldError(pointer=pointer, code="flow_version", message=message)
        for pointer in _new_places(written)
    ]


def _new_places(written: dict[str, Any]) -> Iterator[str]:
    if "inputs" in written:
        yield "/inputs"
    for index, step in enumerate(written["steps"]):
        yield from (f"/steps/{index}/{key}" for key in _NEW_IN_STEP if key in step)
    for pointer, reference in _references(written):
        if "step" in reference:
            new = [key for key in _NEW_IN_REFERENCE if key in reference]
            yield from (f"{pointer}/{key}" for key in new)
        else:
            yield pointer


def _references(written: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each reference in a binding, and its place."""
    for index, step in enumerate(written["steps"]):
        for target, parts in step.get("bindings", {}).items():
            base = child_pointer(f"/steps/{index}/bindings", target)
            for number, part in enumerate(parts):
                if not isinstance(part, str):
                    yield f"{base}/{number}", part


def _inputs_errors(flow: Flow) -> list[FieldError]:
    if flow.inputs is None:
        return []
    schema: Any = flow.inputs
    if errors := schema_errors(schema, "/inputs"):
        return errors
    if schema.get("type") == "object":
        return []
    message = 'Must be "object": each input is one of its properties.'
    return [FieldError(pointer="/inputs/type", code="const", message=message)]


def _id_errors(flow: Flow) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, step in enumerate(flow.steps):
        pointer = f"/steps/{index}/id"
        if not step.id:
            message = "Must not be empty."
            yield FieldError(pointer=pointer, code="minLength", message=message)
        elif step.id in seen:
            message = "Another step has this id."
            yield FieldError(pointer=pointer, code="uniqueItems", message=message)
        seen.add(step.id)


def _pointer_errors(written: dict[str, Any]) -> list[FieldError]:
    message = (
        "Must be a JSON Pointer, such as /messages/0/content, or empty for the whole."
    )
    return [
        FieldError(pointer=place, code="format", message=message)
        for place, pointer in _pointers(written)
        if pointer_tokens(pointer) is None
    ]


def _pointers(written: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each JSON Pointer of a flow, and its place."""
    for index, step in enumerate(written["steps"]):
        for target in step.get("bindings", {}):
            yield child_pointer(f"/steps/{index}/bindings", target), target
        for key in _EACH_POINTERS & (step.get("each") or {}).keys():
            yield f"/steps/{index}/each/{key}", step["each"][key]
    for place, reference in _references(written):
        for key in _POINTERS:
            if reference.get(key) is not None:
                yield f"{place}/{key}", reference[key]
