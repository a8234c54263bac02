"""The input of an action as its model."""

from typing import TypeVar

from perplexity_connector.contract import ConnectorError, ErrorCode, JsonObject
from perplexity_connector.perplexity.forms.fields import Form
from perplexity_connector.perplexity.forms.validation import validate_input

FormT = TypeVar("FormT", bound=Form)


def read(form: type[FormT], input: JsonObject) -> FormT:
    """The input as its model. Raises `ConnectorError` (`invalid_input`) that names every field at fault."""
    found = validate_input(form, input)
    if not isinstance(found, list):
        return found
    places = ", ".join(problem.pointer or "/" for problem in found)
    message = f"The input is not valid: {places}"
    raise ConnectorError(
        ErrorCode.INVALID_INPUT,
        message,
        user_message=f"Mend these fields: {places}",
        fields=found,
    )
