"""The input of a run, from what stands on the command line: an example, a document, and FIELD=VALUE on top."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.json import as_list, as_object, as_text

_OPENED_BY = {"[": "array", "{": "object"}
_BRANCHES = ("anyOf", "oneOf", "allOf")


def loads(text: str) -> JsonValue:
    """The JSON value of a text. Raises `ValueError` for what is no JSON, `NaN` and numbers beyond range included."""
    try:
        value: JsonValue = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        message = "nested too deeply"
        raise ValueError(message) from None
    return value


def document(
    text: str, what: str = "--input", example: str = '{"FIELD": "VALUE"}'
) -> JsonObject:
    """The JSON object of a text. Raises `UsageError`, naming `what` it is, for anything else, without repeating it."""
    try:
        value = loads(text)
    except ValueError as problem:
        where = (
            f" (line {problem.lineno}, column {problem.colno})"
            if isinstance(problem, json.JSONDecodeError)
            else ""
        )
        message = f"{what} is not valid JSON{where}."
        raise UsageError(message) from None
    if not isinstance(value, Mapping):
        message = f"{what} must be a JSON object, such as '{example}'."
        raise UsageError(message)
    return value


def with_fields(
    base: JsonObject, assignments: Sequence[str], schema: JsonObject
) -> JsonObject:
    """The input with every FIELD=VALUE put in its place, in args; dots lead into objects, numbers into lists.

    A value is text where the schema takes a string, JSON elsewhere; what is no JSON stays text, so that validation
    points at the field, as it does for a field that the schema does not have. Raises `UsageError` for an assignment
    that cannot be read or has no place to go.
    """
    for number, assignment in enumerate(assignments, start=1):
        name, equals, text = assignment.partition("=")
        path = name.split(".")
        if not equals or not all(path):
            message = f"Argument {number} after the action is not FIELD=VALUE; write it like query='moon distance'."
            raise UsageError(message)
        base = as_object(_placed(base, schema, path, text))
    return base


def kinds(schema: JsonObject) -> Sequence[str]:
    """The JSON types that a schema takes, each once, as far as it says so; empty when it does not."""
    return list(
        dict.fromkeys(
            name
            for branch in branches(schema)
            for name in _named_types(branch.get("type"))
        )
    )


def branches(schema: JsonObject) -> Iterator[JsonObject]:
    """The schema and, inside out of its unions, every branch of it."""
    yield schema
    for keyword in _BRANCHES:
        for branch in as_list(schema.get(keyword)):
            yield from branches(as_object(branch))


def _named_types(named: JsonValue) -> Sequence[str]:
    return (
        [named]
        if isinstance(named, str)
        else [as_text(name) for name in as_list(named)]
    )


def _typed(text: str, schema: JsonObject) -> JsonValue:
    taken = kinds(schema)
    if "string" in taken and _OPENED_BY.get(text[:1]) not in taken:
        return text
    try:
        return loads(text)
    except ValueError:
        return text


def _placed(
    node: JsonValue, schema: JsonObject, path: Sequence[str], text: str
) -> JsonValue:
    if not path:
        return _typed(text, schema)
    name, rest = path[0], path[1:]
    index = int(name) if re.fullmatch("[0-9]{1,6}", name) else None
    if node is None:
        node = [] if index is not None and "array" in kinds(schema) else {}
    if isinstance(node, Mapping):
        return {
            **node,
            name: _placed(node.get(name), _property(schema, name), rest, text),
        }
    items = as_list(node)
    if index is None or index > len(items):
        message = f"There is no place for .{name} in the input: neither a field of an object nor the next in a list."
        raise UsageError(message)
    old = items[index] if index < len(items) else None
    return [
        *items[:index],
        _placed(old, _items(schema), rest, text),
        *items[index + 1 :],
    ]


def _property(schema: JsonObject, name: str) -> JsonObject:
    found = (
        as_object(branch.get("properties")).get(name) for branch in branches(schema)
    )
    return next((as_object(inner) for inner in found if inner is not None), {})


def _items(schema: JsonObject) -> JsonObject:
    found = (branch.get("items") for branch in branches(schema))
    return next((as_object(inner) for inner in found if inner is not None), {})


def _refuse(constant: str) -> JsonValue:
    message = f"{constant} is no JSON"
    raise ValueError(message)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        message = "a number beyond range"
        raise ValueError(message)
    return number
