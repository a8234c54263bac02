"""Read a saved flow of any version."""

from perplexity_connector.contract import FieldError, Flow, JsonObject


def read_flow(document: JsonObject) -> tuple[Flow, list[FieldError]]:
    """Return a saved flow, and the errors that are in none of its steps' inputs.

    With errors, the flow may be empty.
    """
    raise NotImplementedError
