"""Reads the input of a run from the command line: JSON documents, and FIELD=VALUE on top."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.contract.readers import as_object
from perplexity_connector.host.validation.assignments import (
    NO_PLACE,
    Read,
    field_path,
    list_items,
    schema_at,
    set_value,
    typed_value,
)
from perplexity_connector.host.validation.schema_types import list_types
from perplexity_connector.host.validation.text_values import parse_json

_EXAMPLE = "FIELD=VALUE; write it like query='moon distance'"
_AS_TEXT = """ For text that begins like this, write FIELD:='"TEXT"'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One FIELD=VALUE, or one FIELD:=VALUE if `is_json`. Messages begin with `label`."""

    label: str
    is_json: bool
    text: str

    def read(self, schema: JsonObject) -> JsonValue:
        """Return the value at a place with this schema. Raises `UsageError` for broken JSON."""
        label = f"{self.label}: its value"
        if self.is_json:
            return _parse(self.text, label)
        try:
            return typed_value(self.text, schema)
        except ValueError:
            return _parse(self.text, label, _AS_TEXT)  # raises, and says where


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


def not_json(label: str, problem: ValueError, hint: str = "") -> UsageError:
    """Return the error for broken JSON, with its place and without the text."""
    place = ""
    if isinstance(problem, json.JSONDecodeError):
        place = f" (line {problem.lineno}, column {problem.colno})"
    return UsageError(f"{label} is not valid JSON{place}.{hint}")


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

    A value is read by its schema (`typed_value`). The values of a repeated field become a list. An
    unknown field is set, so that validation points at it. FIELD:=VALUE is always JSON. `after` names
    the argument before the first one. Raises `UsageError` for an assignment that cannot be read or
    has no place in the input, and for a repeated field that takes no list.
    """
    for path, given in by_field(assignments, after, _EXAMPLE).items():
        check_repeated(given, path, schema)
        try:
            base = as_object(set_value(base, schema, path, _reader(given)))
        except LookupError:
            message = f"{given[0].label} {NO_PLACE}"
            raise UsageError(message) from None
    return base


def by_field(
    assignments: Sequence[str], after: str, example: str
) -> Mapping[tuple[str, ...], Sequence[Assignment]]:
    """Return the assignments of each field, by its path.

    `after` names the argument before the first one. Raises `UsageError`, with the example, for a
    text that is not an assignment.
    """
    found: dict[tuple[str, ...], list[Assignment]] = {}
    for number, assignment in enumerate(assignments, start=1):
        label = f"Argument {number} after {after}"
        name, equals, text = assignment.partition("=")
        path = tuple(field_path(name))
        if not equals or not path:
            message = f"{label} is not {example}."
            raise UsageError(message)
        one = Assignment(label=label, is_json=name.endswith(":"), text=text)
        found.setdefault(path, []).append(one)
    return found


def check_repeated(
    given: Sequence[Assignment], path: Sequence[str], schema: JsonObject
) -> None:
    """Raise `UsageError` if a field that takes no list has several values."""
    place = schema_at(schema, path)
    if len(given) == 1 or "array" in list_types(place):
        return
    # An unknown name is not repeated, since it may be a key.
    field = f"the field {'.'.join(path)}" if place else "its field"
    message = f"{given[1].label} sets {field} again, which takes one value."
    raise UsageError(message)


def _reader(given: Sequence[Assignment]) -> Read:
    if len(given) == 1:
        return given[0].read
    return lambda schema: [
        item for one in given for item in list_items(one.read, schema)
    ]


def _parse(text: str, label: str, hint: str = "") -> JsonValue:
    """Decode JSON. Raises `UsageError`, beginning with `label` and without repeating the text."""
    try:
        return parse_json(text)
    except ValueError as problem:
        raise not_json(label, problem, hint) from None
