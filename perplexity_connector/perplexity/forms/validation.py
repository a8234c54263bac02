"""Validate an author's input: return its form, or all its field errors."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from perplexity_connector.contract import FieldError, JsonObject
from perplexity_connector.contract.json import pointer_of
from perplexity_connector.contract.near_matches import did_you_mean
from perplexity_connector.perplexity.forms.fields import (
    TWO_LETTERS,
    Form,
    form_in,
    to_whole,
)

FormT = TypeVar("FormT", bound=Form)

# pydantic's error types, and ours, as field codes; any other error type is about a type.
_KEYWORDS = {
    "missing": "required",
    "extra_forbidden": "unknown_field",
    "literal_error": "enum",
    "date_format": "format",
    "blank": "blank",
    "unknown_country": "unknown_code",
    "unknown_language": "unknown_code",
    "string_too_short": "minLength",
    "string_too_long": "maxLength",
    "string_pattern_mismatch": "pattern",
    "address": "pattern",
    "too_short": "minItems",
    "too_long": "maxItems",
    "greater_than_equal": "minimum",
    "less_than_equal": "maximum",
}


# The same sentences as in the host and in the page. They name the limit, never the value. Of an
# address, they name the domain.
_SENTENCES = {
    "missing": "This field is required.",
    "extra_forbidden": "Unknown field. Remove it.",
    "string_type": "Must be text.",
    "string_unicode": "Has half of a character, such as a cut emoji (a lone surrogate). Write the whole one.",
    "bool_type": "Must be true or false.",
    "int_type": "Must be a whole number.",
    "float_type": "Must be a number.",
    "finite_number": "Must be a number.",
    "list_type": "Must be a list.",
    "dict_type": "Must be an object.",
    "model_type": "Must be an object.",
    "literal_error": "Must be one of: {expected}.",
    "date_format": "Must be an existing date, written YYYY-MM-DD.",
    "blank": "Must not be blank.",
    "unknown_country": "Unknown country code. Use one of ISO 3166-1, such as US.",
    "unknown_language": "Unknown language code. Use one of ISO 639-1, such as en.",
    "string_too_short": "Must have at least {min_length} characters.",
    "string_too_long": "Must have at most {max_length} characters.",
    "too_short": "Must have at least {min_length} items.",
    "too_long": "Must have at most {max_length} items.",
    "greater_than_equal": "Must be at least {ge}.",
    "less_than_equal": "Must be at most {le}.",
    "string_pattern_mismatch": "Is not written as this field's description says.",
    "address": "Write only the domain: {domain}",
}
# The limits of the codes of countries and languages, and of no other field.
_OF_CODES = {"max_length": 2, "pattern": TWO_LETTERS}


def validate_input(form: type[FormT], values: JsonObject) -> FormT | list[FieldError]:
    """Return the input as its form, or all its field errors.

    Blanks that are not required count as not given. The rules between fields are checked for the
    fields that are valid by themselves.
    """
    model: FormT | None = None
    problems: list[FieldError] = []
    if isinstance(values, Mapping):
        values = form.without_blanks(values)
    try:
        model = form.model_validate(values)
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems = [_field_error(form, detail) for detail in details]
    if isinstance(values, Mapping):
        # An invalid field gets no second error for its relation to others.
        invalid = {_top_field(problem) for problem in problems}
        valid = {name: values[name] for name in values if name not in invalid}
        conflicts = form.conflicts(valid)
        problems += [error for error in conflicts if _top_field(error) not in invalid]
    return problems if model is None or problems else model


def _top_field(problem: FieldError) -> str:
    return problem.pointer.split("/")[1]


def _field_error(form: type[Form], detail: ErrorDetails) -> FieldError:
    kind, path = detail["type"], _path(detail)
    if kind == "extra_forbidden" and (hint := form.withdrawn.get(str(path[0]))):
        return FieldError(pointer=f"/{path[0]}", code="withdrawn", message=hint)
    if kind == "extra_forbidden" and (near := _near_field(form, path)):
        pointer = pointer_of(path)
        return FieldError(pointer=pointer, code="unknown_field", message=near)
    if kind == "literal_error" and not isinstance(detail["input"], str):
        kind = "string_type"  # null, say, is not a wrong choice: it has the wrong type
    return FieldError(
        pointer=pointer_of(path),
        code=_KEYWORDS.get(kind, "type"),
        message=_message(kind, detail),
    )


def _near_field(form: type[Form], path: Sequence[int | str]) -> str:
    """Return a sentence with the field that is nearest to an unknown one; empty if none is near."""
    for name in path[:-1]:
        field = form.model_fields.get(str(name))
        form = form if field is None else form_in(field.annotation) or form
    near = did_you_mean(str(path[-1]), form.model_fields)
    return f"Unknown field.{near}" if near else ""


def _path(detail: ErrorDetails) -> Sequence[int | str]:
    # pydantic's path has the tag of the one union after `query`, the input has not.
    loc = detail["loc"]
    return (loc[0], *loc[2:]) if loc[:1] == ("query",) else loc


def _message(kind: str, detail: ErrorDetails) -> str:
    limits = {name: to_whole(limit) for name, limit in detail.get("ctx", {}).items()}
    if limits.get("min_length") == 1:
        return "Must not be empty."
    if any(limits.get(name) == limit for name, limit in _OF_CODES.items()):
        return "Use a two-letter code, such as DE."
    # pydantic lists the choices as 'a', 'b' or 'c'.
    choices = str(limits.get("expected")).replace("'", "").replace(" or ", ", ")
    sentence = _SENTENCES.get(kind)
    if sentence is None:
        return f"{detail['msg']}."  # pydantic's own sentence never repeats the value either
    return sentence.format(**limits | {"expected": choices})
