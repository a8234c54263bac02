"""What a request holds, or the error that says what is wrong with it, field by field."""

import json
from collections.abc import Mapping

from starlette.requests import Request

from perplexity_connector.contract import (
    ConnectorError,
    ErrorCode,
    FieldError,
    JsonObject,
    JsonValue,
)
from perplexity_connector.workbench.failures import RefusedError

LARGEST_BODY = 1_000_000


async def document(request: Request) -> JsonObject:
    """The JSON object that is the body.

    Raises `RefusedError` (413) for a body of more than `LARGEST_BODY` bytes, `ConnectorError` (`invalid_input`) for one
    that is no JSON object.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_BODY:
            raise RefusedError(
                413,
                ErrorCode.INVALID_INPUT,
                f"A request may have {LARGEST_BODY} bytes at most.",
            )
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ConnectorError(
            ErrorCode.INVALID_INPUT, "The body of the request must be a JSON object."
        )
    return value


def text(given: JsonObject, name: str) -> str:
    """The text of that name. Raises `ConnectorError` (`invalid_input`) when it is not there, or no text."""
    value = given.get(name)
    if not isinstance(value, str):
        raise _wrong(name, "Must be text.")
    return value


def object_in(given: JsonObject, name: str) -> JsonObject:
    """The object of that name. Raises `ConnectorError` (`invalid_input`) when it is not there, or no object."""
    value = given.get(name)
    if not isinstance(value, Mapping):
        raise _wrong(name, "Must be an object.")
    return value


def optional_text(given: JsonObject, name: str) -> str | None:
    """The text of that name, or None when there is none. Raises `ConnectorError` likewise."""
    return None if given.get(name) is None else text(given, name)


def texts_in(given: JsonObject, name: str) -> Mapping[str, str]:
    """The object of that name, all of whose values are text. Raises `ConnectorError` likewise."""
    return {
        field: _text_value(value, f"{name}/{field}")
        for field, value in object_in(given, name).items()
    }


def number(request: Request, name: str, otherwise: int | None) -> int | None:
    """The whole number of that name in the address. Raises `ConnectorError` (`invalid_input`) for anything else."""
    if not (given := request.query_params.get(name)):
        return otherwise
    if not (
        given.isascii() and given.isdigit() and len(given) < len(str(LARGEST_BODY))
    ):
        raise _wrong(name, "Must be a whole number.")
    return int(given)


def _text_value(value: JsonValue, name: str) -> str:
    if not isinstance(value, str):
        raise _wrong(name, "Must be text.")
    return value


def _wrong(name: str, message: str) -> ConnectorError:
    field = FieldError(pointer=f"/{name}", code="type", message=message)
    return ConnectorError(
        ErrorCode.INVALID_INPUT, f"/{name}: {message}", fields=[field]
    )
