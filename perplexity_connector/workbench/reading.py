"""Read a request, or raise the error that says which field is wrong."""

import json
from collections.abc import Mapping, Sequence
from typing import TypeVar

from starlette.requests import Request

from perplexity_connector.contract import (
    ConnectorError,
    ErrorCode,
    FieldError,
    JsonObject,
    JsonValue,
)
from perplexity_connector.contract.json import child_pointer, is_flow_id
from perplexity_connector.workbench.failures import RefusedError

_Choice = TypeVar("_Choice", bound=str)
LARGEST_BODY = 1_000_000


async def read_body(request: Request) -> JsonObject:
    """Return the JSON object in the body.

    Raises `RefusedError` (413) for a body of more than `LARGEST_BODY` bytes, `ConnectorError`
    (`invalid_input`) for anything but a JSON object.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_BODY:
            message = f"A request may have {LARGEST_BODY} bytes at most."
            raise RefusedError(413, ErrorCode.INVALID_INPUT, message)
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        message = "The body of the request must be a JSON object."
        raise ConnectorError(ErrorCode.INVALID_INPUT, message)
    return value


def read_text(document: JsonObject, name: str) -> str:
    """Return a field that must be text, else raise `ConnectorError` (`invalid_input`)."""
    return _checked_text(document.get(name), child_pointer("", name))


def read_optional_text(document: JsonObject, name: str) -> str | None:
    """Return a field that must be text, null or absent, else raise `ConnectorError`."""
    return None if document.get(name) is None else read_text(document, name)


def read_choice(
    document: JsonObject, name: str, choices: Sequence[_Choice]
) -> _Choice | None:
    """Return a field that must be one of the choices, null or absent, else raise `ConnectorError`."""
    given = document.get(name)
    for choice in choices:
        if choice == given:
            return choice
    if given is None:
        return None
    message = f"Must be one of: {', '.join(choices)}."
    raise wrong_field(child_pointer("", name), message)


def read_object(document: JsonObject, name: str) -> JsonObject:
    """Return a field that must be an object, else raise `ConnectorError`."""
    value = document.get(name)
    if not isinstance(value, Mapping):
        raise wrong_field(child_pointer("", name), "Must be an object.")
    return value


def read_optional_object(document: JsonObject, name: str) -> JsonObject | None:
    """Return a field that must be an object, null or absent, else raise `ConnectorError`."""
    return None if document.get(name) is None else read_object(document, name)


def read_optional_flow_id(document: JsonObject, name: str) -> str | None:
    """Return a field that must be the id of a flow's run, null or absent, else raise `ConnectorError`."""
    flow_id = read_optional_text(document, name)
    if flow_id is not None and not is_flow_id(flow_id):
        message = "Must be flow_ and 32 hexadecimal digits."
        raise wrong_field(child_pointer("", name), message)
    return flow_id


def read_texts(document: JsonObject, name: str) -> Mapping[str, str]:
    """Return a field that must be an object of texts, else raise `ConnectorError`."""
    pointer = child_pointer("", name)
    return {
        field: _checked_text(value, child_pointer(pointer, field))
        for field, value in read_object(document, name).items()
    }


def read_number(request: Request, name: str) -> int | None:
    """Return a whole number of the query string, None if absent, else raise `ConnectorError`."""
    given = request.query_params.get(name)
    if not given:
        return None
    is_number = given.isascii() and given.isdigit()
    if not is_number or len(given) >= len(str(LARGEST_BODY)):
        raise wrong_field(child_pointer("", name), "Must be a whole number.")
    return int(given)


def read_name(request: Request) -> str:
    """Return the name in the query string, empty if absent.

    It is not in the path: a name may be "..", and a browser would resolve that.
    """
    return request.query_params.get("name", "")


def wrong_field(pointer: str, message: str) -> ConnectorError:
    """Return the error of a field of a request. The message does not repeat the value."""
    field = FieldError(pointer=pointer, code="type", message=message)
    return ConnectorError(
        ErrorCode.INVALID_INPUT, f"{pointer}: {message}", fields=[field]
    )


def _checked_text(value: JsonValue, pointer: str) -> str:
    if not isinstance(value, str):
        raise wrong_field(pointer, "Must be text.")
    return value
