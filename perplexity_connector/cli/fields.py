"""Reads the input of a run from the command line: JSON documents, and FIELD=VALUE on top."""

import functools
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.readers import as_object
from perplexity_connector.host.validation.assignments import (
    NO_PLACE,
    field_path,
    set_value,
    typed_value,
)
from perplexity_connector.host.validation.text_values import parse_json

_AS_TEXT = """ For text that begins like this, write FIELD:='"TEXT"'."""


def read_text(file: str, label: str) -> str:
    """Return the text of a file, or of stdin for `-`.

    Raises `UsageError`, beginning with `label`, if it cannot be read.
    """
    try:
        # utf-8-sig: Windows shells and editors begin a text with a byte order mark.
        if file == "-":
            return sys.stdin.buffer.read().decode("utf-8-sig")
        return Path(file).read_text("utf-8-sig")
    except OSError as problem:
        message = f"{label} cannot be read: {problem.strerror}."
    except ValueError:
        message = f"{label} cannot be read: it is not UTF-8 text."
    raise UsageError(message)


def parse_object(text: str, label: str, example: str) -> JsonObject:
    """Return the JSON object that a text holds.

    Raises `UsageError`, beginning with `label` and without repeating the text, for anything else.
    """
    value = _parse(text, label)
    if not isinstance(value, Mapping):
        message = f"{label} must be a JSON object, such as '{example}'."
        raise UsageError(message)
    return value


def apply_assignments(
    base: JsonObject,
    assignments: Sequence[str],
    schema: JsonObject,
    *,
    after: str = "the action",
) -> JsonObject:
    """Return the input with every FIELD=VALUE set, in order; dots lead into objects and lists.

    A value is read by its schema (`from_text`). An unknown field is set, so that validation points at
    it. FIELD:=VALUE is always JSON. `after` names the argument before the first one. Raises
    `UsageError` for an assignment that cannot be read or has no place in the input.
    """
    for number, assignment in enumerate(assignments, start=1):
        label = f"Argument {number} after {after}"
        name, equals, text = assignment.partition("=")
        path = field_path(name)
        if not equals or not path:
            message = (
                f"{label} is not FIELD=VALUE; write it like query='moon distance'."
            )
            raise UsageError(message)
        read = functools.partial(_typed_value, text, label)
        if name.endswith(":"):
            read = functools.partial(_json_value, text, label)
        try:
            base = as_object(set_value(base, schema, path, read))
        except LookupError:
            message = f"{label} {NO_PLACE}"
            raise UsageError(message) from None
    return base


def _typed_value(text: str, label: str, schema: JsonObject) -> JsonValue:
    try:
        return typed_value(text, schema)
    except ValueError:
        return _parse(text, f"{label}: its value", _AS_TEXT)  # raises, and says where


def _json_value(text: str, label: str, _: JsonObject) -> JsonValue:
    return _parse(text, f"{label}: its value")


def _parse(text: str, label: str, hint: str = "") -> JsonValue:
    """Decode JSON. Raises `UsageError`, beginning with `label` and without repeating the text."""
    try:
        return parse_json(text)
    except json.JSONDecodeError as problem:
        place = f" (line {problem.lineno}, column {problem.colno})"
    except ValueError:
        place = ""
    message = f"{label} is not valid JSON{place}.{hint}"
    raise UsageError(message)
