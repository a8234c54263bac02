"""The refusal of a table, a template or an output that cannot be used. Nothing was sent."""

from perplexity_connector.contract import ConnectorError, ErrorCode


def refusal(message: str) -> ConnectorError:
    """Return the error with these words."""
    return ConnectorError(ErrorCode.INVALID_INPUT, message)
