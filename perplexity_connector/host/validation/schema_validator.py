"""Validate against a JSON Schema. Errors are field errors and never show the value.

jsonschema-rs finds out whether a document is valid. Only for an invalid one is jsonschema asked,
which is slower, but says where and why.
"""

import functools
import json
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NoReturn

from perplexity_connector.contract import (
    ConnectorError,
    ErrorCode,
    FieldError,
    JsonObject,
    JsonValue,
)
from perplexity_connector.contract.json import child_pointer, pointer_of
from perplexity_connector.contract.near_matches import did_you_mean
from perplexity_connector.contract.readers import as_object
from perplexity_connector.host.validation.to_json import Normalized

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError
    from jsonschema_rs import FancyRegexOptions

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
    "date": "an existing date, written YYYY-MM-DD",
    "date-time": "a date and time such as 2026-01-31T12:00:00Z",
    "time": "a time such as 12:00:00Z",
    "email": "an e-mail address",
    "uri": "a full address such as https://example.org",
    "uuid": "a UUID",
}
# All of JSON Schema 2020-12. jsonschema asserts those whose libraries are installed.
_STANDARD_FORMATS = (
    *("date", "date-time", "time", "duration"),
    *("email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6"),
    *("uri", "uri-reference", "iri", "iri-reference", "uri-template", "uuid"),
    *("json-pointer", "relative-json-pointer", "regex"),
)
_SENTENCES: Mapping[str, str] = {
    "const": "Must be {}.",
    "pattern": "Must match the pattern {}.",
    "minLength": "Must have at least {} characters.",
    "maxLength": "Must have at most {} characters.",
    "minItems": "Must have at least {} items.",
    "maxItems": "Must have at most {} items.",
    "minProperties": "Must have at least {} fields.",
    "maxProperties": "Must have at most {} fields.",
    "minimum": "Must be at least {}.",
    "maximum": "Must be at most {}.",
    "exclusiveMinimum": "Must be more than {}.",
    "exclusiveMaximum": "Must be less than {}.",
    "multipleOf": "Must be a multiple of {}.",
    "uniqueItems": "Must not contain the same item twice.",
    "required": "This field is required.",
    "unknown_field": "Unknown field. Remove it.",
    "oneOf": "Must match exactly one of the alternatives.",
    "not": "Must not have this form.",
}


class SchemaValidator:
    """One schema, compiled once.

    Nothing is ever fetched: a reference to another document is an error.

    * `_schema`: the schema, which is valid.
    * `_is_valid`: the check by jsonschema-rs; None if it cannot compile the schema.
    * `_validator`: jsonschema's validator, made for the first document that needs it.
    """

    def __init__(self, schema: JsonObject) -> None:
        """Compile `schema`.

        Raises `ConnectorError` (`internal`) if it is not a valid JSON Schema 2020-12.
        """
        self._is_valid = _compile(schema)
        if self._is_valid is None:
            _require_valid_schema(schema)
        self._schema = schema

    def errors(self, document: Normalized) -> list[FieldError]:
        """Return every error of a document, once for each place and keyword.

        Errors found while copying the document replace those of the schema at the same place.
        Raises `ConnectorError` (`internal`) if the schema refers to another document.
        """
        value = document.value
        if not isinstance(value, dict):
            return [_field_error("", "type", "object")]
        if not document.errors and self._is_valid and self._is_valid(value):
            return []
        from referencing.exceptions import Unresolvable  # noqa: PLC0415 - heavy, and valid documents do not need it

        errors = self._validator.iter_errors(value)
        try:
            found = _field_errors(errors, self._validator, "")
            return merge_errors(found, document.errors)
        except Unresolvable:
            message = "The connector's schema refers to another document."
            raise ConnectorError(ErrorCode.INTERNAL, message) from None

    @functools.cached_property
    def _validator(self) -> "Draft202012Validator":
        from jsonschema import Draft202012Validator, validators  # noqa: PLC0415 - heavy, and valid documents do not need it
        from referencing import Registry  # noqa: PLC0415 - likewise

        rules = {"uniqueItems": _doubles}
        kind: type[Draft202012Validator] = validators.extend(  # type: ignore[no-untyped-call] # has no types
            Draft202012Validator, rules
        )
        return kind(
            self._schema,
            format_checker=Draft202012Validator.FORMAT_CHECKER,
            registry=Registry(),
        )


def schema_errors(schema: JsonObject, base: str) -> list[FieldError]:
    """Return why a schema is not a usable JSON Schema 2020-12, with pointers below `base`.

    A reference to another document, or to a place that is not there, has the code `not_found`.
    """
    import jsonschema_rs  # noqa: PLC0415 - heavy, and the palette needs none of it
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - likewise

    if _compile(schema, jsonschema_rs.FancyRegexOptions()) is not None:
        return []
    rules = Draft202012Validator(
        Draft202012Validator.META_SCHEMA,
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
    found = _field_errors(rules.iter_errors(schema), rules, base)
    message = "A $ref must lead to a place in this schema, such as #/$defs/name."
    missing = FieldError(pointer=base, code="not_found", message=message)
    return merge_errors(found, ()) or [missing]


def merge_errors(
    errors: Iterable[FieldError], overriding: Sequence[FieldError]
) -> list[FieldError]:
    """Return both lists without duplicates.

    Where both have errors for a pointer, only those of `overriding` are kept.
    """
    overridden = {error.pointer for error in overriding}
    kept = [error for error in errors if error.pointer not in overridden]
    unique = {(error.pointer, error.code): error for error in (*kept, *overriding)}
    return list(unique.values())


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


def _compile(
    schema: JsonObject, patterns: "FancyRegexOptions | None" = None
) -> Callable[[JsonValue], bool] | None:
    """Return the check by jsonschema-rs; None if it refuses the schema.

    It refuses an invalid schema, a reference to another document, and without `patterns` a pattern
    that cannot be matched in linear time.
    """
    import jsonschema_rs  # noqa: PLC0415 - heavy, and only runs need it

    formats: dict[str, Callable[..., bool]] = {
        name: functools.partial(_has_format, name) for name in _STANDARD_FORMATS
    }
    document: Any = schema  # it may be `true` or `false` too
    try:
        validator = jsonschema_rs.Draft202012Validator(
            document,
            formats=formats,
            validate_formats=True,
            retriever=_refuse_reference,
            pattern_options=patterns or jsonschema_rs.RegexOptions(),
        )
    except ValueError:
        return None
    return validator.is_valid


def _refuse_reference(address: str) -> NoReturn:
    raise ValueError(address)


def _has_format(name: str, value: str) -> bool:
    # Both libraries must mean the same by a format.
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - heavy, and few documents have a format

    return bool(Draft202012Validator.FORMAT_CHECKER.conforms(value, name))


def _require_valid_schema(schema: JsonObject) -> None:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - heavy, and valid schemas do not need it
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415 - likewise

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        place = pointer_of(error.absolute_path)
        title = schema.get("title", "")
        message = f"The connector's schema {title!r} is invalid at {place!r}: {error.validator}."
        raise ConnectorError(ErrorCode.INTERNAL, message) from None


def _doubles(
    validator: "Draft202012Validator", is_wanted: bool, items: Any, _: JsonObject
) -> Iterator["ValidationError"]:
    """Yield an error if a list has an item twice.

    jsonschema compares each item with all others, which takes minutes for a long list of objects.
    """
    from jsonschema.exceptions import ValidationError  # noqa: PLC0415 - as in `SchemaValidator._validator`

    if not is_wanted or not validator.is_type(items, "array"):
        return
    if len(set(map(_identity, items))) < len(items):
        yield ValidationError("")


def _identity(value: Any) -> Hashable:
    """Return the same for equal JSON: 1 and 1.0 are equal, 1 and true are not."""
    if isinstance(value, dict):
        return frozenset((name, _identity(part)) for name, part in value.items())
    if isinstance(value, list):
        return tuple(map(_identity, value))
    if isinstance(value, bool):
        return bool, value
    text_or_number: Hashable = value
    return text_or_number


def _field_errors(
    errors: Iterable["ValidationError"], validator: "Draft202012Validator", base: str
) -> Iterator[FieldError]:
    for error in errors:
        pointer = pointer_of(error.relative_path, base)
        limit: Any = error.validator_value
        match error.validator:
            case "additionalProperties" if limit is False:
                for name in _unknown_names(error):
                    yield _unknown_field(child_pointer(pointer, name), name, error)
            case "required":
                for name in _missing_names(error):
                    yield _field_error(child_pointer(pointer, name), "required")
            case "anyOf" | "oneOf" if error.context:
                yield from _errors_of_branches(error, validator, pointer)
            case keyword:
                # A property whose schema is `false` fails without a keyword.
                yield _field_error(pointer, str(keyword or "not"), limit)


def _errors_of_branches(
    error: "ValidationError", validator: "Draft202012Validator", pointer: str
) -> Iterator[FieldError]:
    """Yield the errors of the branches that allow the value's type; one type error otherwise."""
    branches: Any = error.validator_value
    instance: Any = error.instance
    allowed = list(map(_types_of_branch, branches))
    matching = {
        index
        for index, types in enumerate(allowed)
        if types is None or any(validator.is_type(instance, name) for name in types)
    }
    if not matching:
        yield _field_error(pointer, "type", list(chain(*filter(None, allowed))))
    for inner in error.context or ():
        # The first part of the path is the branch; the error of a branch `false` has no path.
        if next(iter(inner.relative_schema_path), None) in matching:
            yield from _field_errors([inner], validator, pointer)


def _types_of_branch(branch: object) -> list[str] | None:
    """Return the types that a branch allows; None for any. A branch `false` allows none."""
    if not isinstance(branch, dict):
        return []
    types = branch.get("type")
    return [types] if isinstance(types, str) else types


def _unknown_field(pointer: str, name: str, error: "ValidationError") -> FieldError:
    schema = as_object(error.schema)
    near = did_you_mean(name, as_object(schema.get("properties")))
    message = f"Unknown field.{near}" if near else _SENTENCES["unknown_field"]
    return FieldError(pointer=pointer, code="unknown_field", message=message)


def _unknown_names(error: "ValidationError") -> list[str]:
    schema: Any = error.schema
    given: Any = error.instance
    known = schema.get("properties", {})
    patterns = schema.get("patternProperties", {})
    return [
        name
        for name in given
        if name not in known
        and not any(re.search(pattern, name) for pattern in patterns)
    ]


def _missing_names(error: "ValidationError") -> list[str]:
    # jsonschema reports each missing name in an error of its own, which does not say which name.
    # So each error yields all of them; `merge_errors` drops the duplicates.
    given: Any = error.instance
    required: Any = error.validator_value
    return [name for name in required if name not in given]


def _field_error(pointer: str, code: str, limit: JsonValue = None) -> FieldError:
    return FieldError(pointer=pointer, code=code, message=_sentence(code, limit))


def _sentence(code: str, limit: JsonValue) -> str:
    match code, limit:
        case "type", _:
            names = limit if isinstance(limit, list) else [limit]
            words = [_TYPES.get(name, name) for name in map(str, names)]
            return f"Must be {' or '.join(dict.fromkeys(words))}."
        case "format", _:
            return f"Must be {_FORMATS.get(str(limit), f'a valid {limit}')}."
        case "enum", list():
            return f"Must be one of: {', '.join(map(_to_text, limit))}."
        case (("minLength" | "minItems"), 1):
            return "Must not be empty."
    sentence = _SENTENCES.get(code, f"Breaks the schema's rule {code}.")
    return sentence.format(_to_text(limit))


def _to_text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)
