"""Read the input of an action into its form."""

from typing import TypeVar

from pydantic import ValidationError

from perplexity_connector.contract import (
    ConnectorError,
    ErrorCode,
    FieldError,
    JsonObject,
)
from perplexity_connector.perplexity.forms.fields import Form
from perplexity_connector.perplexity.forms.validation import validate_input

FormT = TypeVar("FormT", bound=Form)


def read_input(form: type[FormT], input: JsonObject) -> FormT:
    """Return the input as its form.

    Raises `ConnectorError` (`invalid_input`) with all field errors.
    """
    return _valid(validate_input(form, input))


def read_fields(form: type[FormT], input: JsonObject) -> FormT:
    """Return an input as its form that was checked before: not the rules between its fields again."""
    try:
        return form.model_validate(form.without_blanks(input))
    except ValidationError:
        return read_input(form, input)


def _valid(found: FormT | list[FieldError]) -> FormT:
    if not isinstance(found, list):
        return found
    raise ConnectorError(
        ErrorCode.INVALID_INPUT, "The input is not valid.", fields=found
    )
