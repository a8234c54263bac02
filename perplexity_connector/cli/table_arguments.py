"""Reads the arguments of `run-table`."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Literal

from perplexity_connector.cli.exits import UsageError


def template_of(assignments: Sequence[str]) -> Mapping[str, str]:
    """Return the text for each field. A name that ends in a colon, as in FIELD:=, has JSON.

    Raises `UsageError` for an argument that is not FIELD=TEMPLATE, or for a field that comes twice.
    """
    template: dict[str, str] = {}
    for number, assignment in enumerate(assignments, start=1):
        label = f"Argument {number} after the table"
        name, equals, text = assignment.partition("=")
        if not equals or not name.removesuffix(":"):
            message = f"{label} is not FIELD=TEMPLATE; write it like query='{{company}} annual report'."
            raise UsageError(message)
        if name.removesuffix(":") in {known.removesuffix(":") for known in template}:
            message = f"{label} sets a field that an earlier one sets."
            raise UsageError(message)
        template[name] = text
    return template


def columns_of(texts: Sequence[str]) -> Mapping[str, str] | None:
    """Return the pointer of each column of the output; None for the default.

    Raises `UsageError` for a text that is not NAME=/POINTER, or for a name that comes twice.
    """
    columns: dict[str, str] = {}
    for text in texts:
        name, equals, pointer = text.partition("=")
        is_pointer = not pointer or pointer.startswith("/")
        if not name or not equals or not is_pointer or name in columns:
            message = "--column must be NAME=/POINTER, such as --column answer=/content, with each name once."
            raise UsageError(message)
        columns[name] = pointer
    return columns or None


def budget_of(text: str | None) -> Decimal | None:
    """Return the budget in USD. Raises `UsageError` for a text that is not an amount."""
    if text is None:
        return None
    try:
        budget = Decimal(text)
    except InvalidOperation:
        budget = Decimal("NaN")
    if not budget.is_finite() or budget <= 0:
        message = "--budget must be an amount in USD of more than 0, such as 25 or 0.5."
        raise UsageError(message)
    return budget


def retry_of(text: str | None) -> Literal["failed", "unsure"] | None:
    """Return which rows to run again. Raises `UsageError` for another word."""
    match text:
        case None | "failed" | "unsure":
            return text
    message = "--retry must be failed or unsure."
    raise UsageError(message)
