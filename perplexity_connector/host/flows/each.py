"""A step that runs for each item of a list: its items, and the schema of its output."""

import functools
from collections.abc import Sequence

from perplexity_connector.contract import (
    ErrorRecord,
    FieldError,
    FlowStep,
    JsonObject,
    JsonValue,
)
from perplexity_connector.host.flows.near_places import (
    near_in_value,
    no_list_error,
    no_value_error,
)
from perplexity_connector.host.flows.references import (
    Values,
    path_of,
    root_of,
    value_of,
)


def items_of(
    step: FlowStep, values: Values
) -> tuple[Sequence[JsonValue], list[FieldError]]:
    """Return the items that a step runs for, and why it cannot run; without `each` there are none."""
    if (each := step.each) is None:
        return [], []
    # An error has no place in the input.
    try:
        items = value_of(each, values)
    except LookupError:
        near = near_in_value(root_of(each, values), path_of(each))
        return [], [no_value_error("", each, near)]
    if not isinstance(items, list):
        return [], [no_list_error("", each)]
    if len(items) > each.max:
        message = f"There are {len(items)} items, and `max` of `each` is {each.max}."
        return [], [FieldError(pointer="", code="maxItems", message=message)]
    return items, []


def output_schema_of_items(output: JsonObject) -> JsonObject:
    """Return the schema of the output of a step with `each`; `output` is that of its action."""
    failure: JsonObject = {
        "type": "object",
        "properties": {"index": {"type": "integer"}, "error": _error_schema()},
        "required": ["index", "error"],
    }
    return {
        "type": "object",
        "properties": {
            "items": {
                "type": "array",
                "items": {"anyOf": [output, {"type": "null"}]},
            },
            "failed": {"type": "array", "items": failure},
        },
        "required": ["items", "failed"],
    }


@functools.cache
def _error_schema() -> JsonObject:
    from pydantic import TypeAdapter  # noqa: PLC0415 - heavy, and the palette needs none of it

    return TypeAdapter(ErrorRecord).json_schema()
