"""Check the inputs of a flow: text is read by the schema, blanks are dropped, defaults are filled in."""

from perplexity_connector.contract import FieldError, Flow, JsonObject


def prepare_inputs(
    flow: Flow, given: JsonObject | None
) -> tuple[JsonObject, list[FieldError]]:
    """Return the values of a flow's inputs, and their errors, whose pointers lead into the inputs."""
    raise NotImplementedError
