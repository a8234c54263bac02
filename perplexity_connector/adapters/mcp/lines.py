"""The lines that a client wrote, as messages that the SDK can read."""

import json
import re
from collections.abc import Sequence

from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCNotification,
)
from mcp_types.jsonrpc import jsonrpc_message_adapter

from perplexity_connector.contract.readers import as_text

_BYTE_ORDER_MARK = "\ufeff"
_STRINGS_AND_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[][{}]')
_ID = re.compile(r'\s*:\s*("(?:[^"\\]|\\.)*"|-?[0-9]{1,15})\s*[,}]')
_MESSAGES = {
    PARSE_ERROR: "This line is not JSON.",
    INVALID_REQUEST: "This is not a JSON-RPC message.",
}


def messages_of(line: str) -> Sequence[str | JSONRPCError]:
    """Return the messages of a line: each as a line of JSON, or as the answer that refuses it.

    Repaired are a byte order mark, a raw control character, half an emoji, and a batch, whose
    messages are answered one by one. A blank line has no messages.
    """
    text = line.strip(f"{_BYTE_ORDER_MARK} \t\r\n\0")
    if not text or _is_message(text):
        return [text] if text else []
    try:
        value = json.loads(text, strict=False)
        batch = value if value and isinstance(value, list) else [value]
        found = [as_text(json.dumps(one, ensure_ascii=False)) for one in batch]
    except (ValueError, RecursionError):
        return [_refusal(PARSE_ERROR, text)]
    return [
        one if _is_message(one) else _refusal(INVALID_REQUEST, one) for one in found
    ]


def _is_message(text: str) -> bool:
    try:
        message = jsonrpc_message_adapter.validate_json(text, by_name=False)
        if not isinstance(message, JSONRPCNotification):
            return True
        # A request whose id has another type would pass for a notification, and never be answered.
        id_of_another_type = json.loads(text).get("id")
    except ValueError:
        return False
    return id_of_another_type is None


def _refusal(code: int, text: str) -> JSONRPCError:
    error = ErrorData(code=code, message=_MESSAGES[code])
    return JSONRPCError(jsonrpc="2.0", id=_id_of(text), error=error)


def _id_of(text: str) -> int | str | None:
    """Return the id of a message that may not be JSON, if it can be read.

    An `id` inside of the arguments is not the message's, and would answer another request.
    """
    depth = 0
    for token in _STRINGS_AND_BRACKETS.finditer(text):
        word = token.group()
        depth += (word in "{[") - (word in "}]")
        if depth == 1 and word == '"id"' and (found := _ID.match(text, token.end())):
            number_or_text: int | str = json.loads(found[1], strict=False)
            return number_or_text
    return None
