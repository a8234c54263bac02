"""Reads the arguments of `run-table`."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Literal

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.fields import by_field, check_repeated
from perplexity_connector.contract import JsonObject

_EXAMPLE = "FIELD=TEMPLATE; write it like query='{company} annual report'"


def template_of(assignments: Sequence[str], schema: JsonObject) -> Mapping[str, str]:
    """Return the text for each field. A name that ends in a colon, as in FIELD:=, has JSON.

    The texts of a repeated field are the items of a list: FIELD.0, FIELD.1. `schema` is that of the
    input. Raises `UsageError` as `by_field` and `check_repeated`, and for a repeated whole list.
    """
    template: dict[str, str] = {}
    for path, given in by_field(assignments, "the table", _EXAMPLE).items():
        check_repeated(given, path, schema)
        for index, one in enumerate(given):
            place = path if len(given) == 1 else (*path, str(index))
            colon = ":" if one.is_json else ""
            template[".".join(place) + colon] = one.text
            if place is not path and one.text.lstrip().startswith("["):
                message = f"{one.label} has a list, and a repeated field takes one item each time."
                raise UsageError(message)
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
