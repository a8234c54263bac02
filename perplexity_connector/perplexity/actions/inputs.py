"""Read the input of an action into its form."""

from typing import TypeVar

from perplexity_connector.contract import ConnectorError, ErrorCode, JsonObject
from perplexity_connector.perplexity.forms.fields import Form
from perplexity_connector.perplexity.forms.validation import validate_input

FormT = TypeVar("FormT", bound=Form)


def read_input(form: type[FormT], input: JsonObject) -> FormT:
    """Return the input as its form.

    Raises `ConnectorError` (`invalid_input`) with all field errors.
    """
    found = validate_input(form, input)
    if not isinstance(found, list):
        return found
    raise ConnectorError(
        ErrorCode.INVALID_INPUT, "The input is not valid.", fields=found
    )
