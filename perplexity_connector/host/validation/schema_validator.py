"""JSON Schema errors as field errors: where, which keyword, how to mend it; never the value."""

import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from perplexity_connector.contract import (
    ConnectorError,
    ErrorCode,
    FieldError,
    JsonObject,
    JsonValue,
)
from perplexity_connector.contract.json import child_pointer
from perplexity_connector.host.validation.quick import quick_check
from perplexity_connector.host.validation.soundness import plainly_sound
from perplexity_connector.host.validation.to_json import Normalized

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
_FORMATS = {
    "date": "a date that exists, written YYYY-MM-DD",
    "date-time": "a date and time such as 2026-01-31T12:00:00Z",
    "time": "a time such as 12:00:00Z",
    "email": "an e-mail address",
    "uri": "a full address such as https://example.org",
    "uuid": "a UUID",
}
_SENTENCES: Mapping[str, str] = {
    "const": "Must be {}.",
    "pattern": "Must match the pattern {}.",
    "minLength": "Must have {} characters or more.",
    "maxLength": "Must have {} characters or fewer.",
    "minItems": "Must have {} items or more.",
    "maxItems": "Must have {} items or fewer.",
    "minProperties": "Must have {} fields or more.",
    "maxProperties": "Must have {} fields or fewer.",
    "minimum": "Must be {} or more.",
    "maximum": "Must be {} or less.",
    "exclusiveMinimum": "Must be more than {}.",
    "exclusiveMaximum": "Must be less than {}.",
    "multipleOf": "Must be a multiple of {}.",
    "uniqueItems": "Must not have the same item twice.",
    "required": "Is required.",
    "unknown_field": "There is no such field here: take it out.",
    "oneOf": "Must fit exactly one of the alternatives.",
    "not": "Must not have this form.",
}


class SchemaValidator:
    """One schema, compiled once. Nothing is ever fetched: a reference outside the schema is an error."""

    def __init__(self, schema: JsonObject) -> None:
        """Compile `schema`. Raises `ConnectorError` (`internal`) for one that is no valid JSON Schema 2020-12."""
        if not plainly_sound(schema):
            _refuse_unsound(schema)
        self._schema = schema
        # After the check above, so that what it reads of the schema has the shape that it expects.
        self._keeps = quick_check(schema)

    def errors(self, document: Normalized) -> list[FieldError]:
        """Everything wrong with a document, each place and keyword once; empty when it is good."""
        if (
            not document.errors
            and isinstance(document.value, dict)
            and self._keeps(document.value)
        ):
            return []
        if not isinstance(document.value, dict):
            return [
                FieldError(pointer="", code="type", message=_sentence("type", "object"))
            ]
        from referencing.exceptions import Unresolvable  # noqa: PLC0415 - heavy, and what is good needs none of it

        try:
            found = _field_errors(
                self._validator.iter_errors(document.value), self._validator, ""
            )
            return merged(found, document.errors)
        except Unresolvable:
            message = "The connector's schema refers to something outside itself."
            raise ConnectorError(ErrorCode.INTERNAL, message) from None

    @functools.cached_property
    def _validator(self) -> "Draft202012Validator":
        from jsonschema import Draft202012Validator  # noqa: PLC0415 - heavy, and what is good needs none of it
        from referencing import Registry  # noqa: PLC0415 - likewise

        return Draft202012Validator(
            self._schema,
            format_checker=Draft202012Validator.FORMAT_CHECKER,
            registry=Registry(),
        )


def merged(
    errors: Iterable[FieldError], overriding: Sequence[FieldError]
) -> list[FieldError]:
    """Both lists, without those of the first at a pointer that the second speaks of, each place and code once."""
    spoken_for = {error.pointer for error in overriding}
    kept = [error for error in errors if error.pointer not in spoken_for]
    return list(
        {(error.pointer, error.code): error for error in [*kept, *overriding]}.values()
    )


def invalid_input_error(
    fields: Sequence[FieldError], what: str = "The input"
) -> ConnectorError:
    """Return the error of an input with invalid fields. Renderers list the fields below it."""
    places = ", ".join(repr(field.pointer) for field in fields)
    return ConnectorError(
        ErrorCode.INVALID_INPUT,
        f"{what} is not valid at {places}.",
        user_message=f"{what} is not valid.",
        fields=fields,
    )


def _refuse_unsound(schema: JsonObject) -> None:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - heavy, and a schema in plain keywords needs none of it
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415 - likewise

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        place = _pointer("", error.absolute_path)
        message = f"The connector's schema {schema.get('title', '')!r} is invalid at {place!r}: {error.validator}."
        raise ConnectorError(ErrorCode.INTERNAL, message) from None


def _field_errors(
    errors: Iterable["ValidationError"], validator: "Draft202012Validator", base: str
) -> Iterator[FieldError]:
    for error in errors:
        pointer = _pointer(base, error.relative_path)
        limit = cast("JsonValue", error.validator_value)
        match error.validator:
            case "additionalProperties" if limit is False:
                yield from (
                    _field_error(child_pointer(pointer, name), "unknown_field")
                    for name in _unknown_names(error)
                )
            case "required":
                yield from (
                    _field_error(child_pointer(pointer, name), "required")
                    for name in _missing_names(error)
                )
            case "anyOf" | "oneOf" if error.context:
                yield from _folded(error, validator, pointer)
            case keyword:
                # A property whose schema is plain `false` fails without a keyword.
                yield _field_error(pointer, str(keyword or "not"), limit)


def _folded(
    error: "ValidationError", validator: "Draft202012Validator", pointer: str
) -> Iterator[FieldError]:
    """The errors of the branches that take the value's type; one type error if none does."""
    kinds = [_kinds(branch) for branch in cast("list[object]", error.validator_value)]
    fitting = [
        index
        for index, names in enumerate(kinds)
        if names is None
        or any(validator.is_type(error.instance, name) for name in names)
    ]
    if fitting:
        # The error of a branch that is plain `false` has no path; such a branch fits nothing.
        inner = [
            below
            for below in error.context or ()
            if next(iter(below.relative_schema_path), None) in fitting
        ]
        yield from _field_errors(inner, validator, pointer)
    else:
        yield _field_error(
            pointer, "type", [name for names in kinds for name in names or ()]
        )


def _kinds(branch: object) -> list[str] | None:
    """The types that a branch takes; None is any, and a branch that is plain `false` takes none."""
    if not isinstance(branch, dict):
        return []
    kind = branch.get("type")
    return [kind] if isinstance(kind, str) else kind


def _unknown_names(error: "ValidationError") -> list[str]:
    schema = cast("Mapping[str, Mapping[str, object]]", error.schema)
    patterns = schema.get("patternProperties", {})
    names = [
        name
        for name in cast("JsonObject", error.instance)
        if name not in schema.get("properties", {})
    ]
    return [
        name
        for name in names
        if not any(re.search(pattern, name) for pattern in patterns)
    ]


def _missing_names(error: "ValidationError") -> list[str]:
    # One error comes for each missing name, without saying which; all of them together are the same list.
    return [
        name
        for name in cast("list[str]", error.validator_value)
        if name not in cast("JsonObject", error.instance)
    ]


def _field_error(pointer: str, code: str, limit: JsonValue = None) -> FieldError:
    return FieldError(pointer=pointer, code=code, message=_sentence(code, limit))


def _sentence(code: str, limit: JsonValue) -> str:
    match code, limit:
        case "type", _:
            return f"Must be {' or '.join(_TYPES.get(name, name) for name in _names(limit))}."
        case "format", _:
            return f"Must be {_FORMATS.get(str(limit), f'a valid {limit}')}."
        case "enum", list():
            return f"Must be one of: {', '.join(map(_shown, limit))}."
        case (("minLength" | "minItems"), 1):
            return "Must not be empty."
    return _SENTENCES.get(code, f"Does not keep the schema's rule {code}.").format(
        _shown(limit)
    )


def _names(limit: JsonValue) -> list[str]:
    return (
        list(dict.fromkeys(map(str, limit)))
        if isinstance(limit, list)
        else [str(limit)]
    )


def _shown(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _pointer(base: str, path: Iterable[str | int]) -> str:
    return functools.reduce(child_pointer, path, base)
