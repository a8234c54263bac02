"""Read the `input` of a run: a text, or a list of messages and other items."""

import re

from perplexity_connector.sandbox import checks
from perplexity_connector.sandbox.errors import BrokenRuleError
from perplexity_connector.sandbox.jsontypes import JsonObject

_ROLES = ("user", "assistant", "system", "developer")
# Items of a replayed conversation. The sandbox takes them without a look at their fields.
_OTHER_ITEMS = (
    "function_call",
    "function_call_output",
    "reasoning",
    "mcp_approval_request",
    "mcp_approval_response",
    "mcp_call",
    "mcp_list_tools",
)
_PARTS = ("input_text", "output_text", "input_image", "input_file")
_PART_FIELDS = ("text", "image_url", "file_url", "file_data", "filename")
_URL = re.compile(r"https?://[^\s<>\"'()\[\]{}]+")


def last_user_text(body: JsonObject) -> str:
    """Return the text of the last user message; an image or a file has none.

    Raises:
        ApiError: 400 for an empty input, an unknown field, role or type.
    """
    if isinstance(body.get("input"), str):
        turns = [("user", str(body["input"]))]
    else:
        items = checks.read_list(body, "input") or []
        turns = [_turn(checks.expect_object(item, "input")) for item in items]
    if not turns or turns == [("user", "")]:
        message = "input cannot be empty"
        raise BrokenRuleError(message)
    texts = [text for role, text in turns if role == "user"]
    if not texts:
        message = "input needs a user message"
        raise BrokenRuleError(message)
    return texts[-1]


def addresses_in(text: str) -> list[str]:
    """Return the web addresses in a text, each once, without the punctuation after them."""
    found = (address.rstrip(".,;:!?") for address in _URL.findall(text))
    return list(dict.fromkeys(found))


def _turn(item: JsonObject) -> tuple[str, str]:
    """Return the role and the text of an item; the role of another item is its type."""
    kind = checks.read_choice(item, "type", ("message", *_OTHER_ITEMS)) or "message"
    if kind != "message":
        return kind, ""
    checks.refuse_unknown(item, ("type", "role", "content"))
    role = checks.read_choice(item, "role", _ROLES)
    if role is None:
        message = "role is required"
        raise BrokenRuleError(message)
    content = item.get("content")
    if isinstance(content, str):
        return role, content
    parts = checks.read_list(item, "content") or []
    if not parts:
        message = "content cannot be empty"
        raise BrokenRuleError(message)
    texts = [_part_text(checks.expect_object(part, "content")) for part in parts]
    return role, "".join(texts)


def _part_text(part: JsonObject) -> str:
    checks.refuse_unknown(part, ("type", *_PART_FIELDS))
    checks.read_choice(part, "type", _PARTS)
    fields = {name: checks.read_text(part, name) for name in _PART_FIELDS}
    return fields["text"] or ""
