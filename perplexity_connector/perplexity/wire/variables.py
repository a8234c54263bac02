"""Refuse a choice of the environment that cannot be used, by its name and never by its value."""

from typing import NoReturn

from perplexity_connector.contract import ConnectorError, ErrorCode


def named_variable(name: str) -> str:
    """Return how a message names an environment variable."""
    return f"The environment variable {name}"


def refuse(source: str, rule: str) -> NoReturn:
    """Raise `ConnectorError` (`invalid_input`). A value is not shown: it may hold a password."""
    message = f"{source} cannot be used. {rule}"
    raise ConnectorError(ErrorCode.INVALID_INPUT, message)
