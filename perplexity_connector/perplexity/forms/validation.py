"""From an author's input to the model, or to everything that is wrong with it."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from perplexity_connector.contract import FieldError, JsonObject
from perplexity_connector.perplexity.forms.fields import Form, non_blank

FormT = TypeVar("FormT", bound=Form)

# pydantic's error types in the words of JSON Schema; every other one is about a type.
_KEYWORDS = {
    "missing": "required",
    "extra_forbidden": "unknown_field",
    "literal_error": "enum",
    "date_format": "format",
    "string_too_short": "minLength",
    "string_too_long": "maxLength",
    "string_pattern_mismatch": "pattern",
    "too_short": "minItems",
    "too_long": "maxItems",
    "greater_than_equal": "minimum",
    "less_than_equal": "maximum",
}


# What mends each, in words for an author; they name the limit and never the value.
_SENTENCES = {
    "extra_forbidden": "There is no such field. Remove it, or check its spelling.",
    "missing": "This field is required. Fill it in.",
    "string_type": "Must be text.",
    "bool_type": "Must be true or false.",
    "int_type": "Must be a whole number.",
    "float_type": "Must be a number.",
    "list_type": "Must be a list.",
    "dict_type": "Must be an object.",
    "model_type": "Must be an object.",
    "literal_error": "Must be one of: {expected}.",
    "string_too_short": "Must not be empty.",
    "string_too_long": "Must have at most {max_length} characters.",
    "too_short": "Must have at least {min_length} entry.",
    "too_long": "Must have at most {max_length} entries.",
    "greater_than_equal": "Must be at least {ge}.",
    "less_than_equal": "Must be at most {le}.",
    "string_pattern_mismatch": "Is not written as this field's description says.",
}


def validate_input(form: type[FormT], values: JsonObject) -> FormT | list[FieldError]:
    """The input as its model, or all that is wrong with it: field by field, and between the good fields."""
    try:
        model, problems = form.model_validate(values), list[FieldError]()
    except ValidationError as error:
        model, problems = (
            None,
            [_field_error(form, detail) for detail in error.errors(include_url=False)],
        )
    if not isinstance(values, Mapping):
        return problems
    bad = {problem.pointer.split("/")[1] for problem in problems}
    good = {name: value for name, value in non_blank(values).items() if name not in bad}
    # Where a field is bad already, what it lacks beside others is not said as well.
    problems += [
        conflict
        for conflict in form.conflicts(good)
        if conflict.pointer.split("/")[1] not in bad
    ]
    return problems if model is None or problems else model


def _field_error(form: type[Form], detail: ErrorDetails) -> FieldError:
    pointer = "".join(f"/{_escaped(part)}" for part in _path(detail))
    if detail["type"] == "extra_forbidden" and (
        hint := form.withdrawn.get(pointer[1:])
    ):
        return FieldError(pointer=pointer, code="withdrawn", message=hint)
    # A choice that is no text at all, null say, is of the wrong type rather than a wrong choice.
    wrong_type = detail["type"] == "literal_error" and not isinstance(
        detail["input"], str
    )
    code = "type" if wrong_type else _KEYWORDS.get(detail["type"], "type")
    return FieldError(pointer=pointer, code=code, message=_mend(detail))


def _path(detail: ErrorDetails) -> Sequence[int | str]:
    # The tag of the one union stands in pydantic's path, but not in the input.
    loc = detail["loc"]
    return (loc[0], *loc[2:]) if loc[:1] == ("query",) else loc


def _escaped(part: int | str) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


def _mend(detail: ErrorDetails) -> str:
    # Whatever is not in the table is about a type; pydantic's own sentence never repeats the value either.
    sentence = _SENTENCES.get(detail["type"])
    return sentence.format(**detail.get("ctx", {})) if sentence else f"{detail['msg']}."
