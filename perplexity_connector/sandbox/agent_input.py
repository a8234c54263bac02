"""Read the `input` of a run: a text, or a list of messages and other items."""

import re
from dataclasses import dataclass

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
_DATA_URL = re.compile(
    r"data:(image/(?:png|jpeg|webp|gif));base64,[A-Za-z0-9+/]+={0,2}"
)
_HTTPS = re.compile(r"https://[^\s/]+\S*")
_URL = re.compile(r"https?://[^\s<>\"'()\[\]{}]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One item of the input. The role of an item that is not a message is its type.

    `images` are the addresses of its images; an image inside the request has its media type instead.
    """

    role: str
    text: str
    images: tuple[str, ...] = ()


def read_turns(body: JsonObject) -> list[Turn]:
    """Return the items of the input, a user message among them.

    Raises:
        ApiError: 400 for an empty input, and for an unknown field, role, type or image.
    """
    if isinstance(body.get("input"), str):
        turns = [Turn(role="user", text=str(body["input"]))]
    else:
        items = checks.read_list(body, "input") or []
        turns = [_turn(checks.expect_object(item, "input")) for item in items]
    if not turns or turns == [Turn(role="user", text="")]:
        message = "input cannot be empty"
        raise BrokenRuleError(message)
    if all(turn.role != "user" for turn in turns):
        message = "input needs a user message"
        raise BrokenRuleError(message)
    return turns


def addresses_in(text: str) -> list[str]:
    """Return the web addresses in a text, each once, without the punctuation after them."""
    found = (address.rstrip(".,;:!?") for address in _URL.findall(text))
    return list(dict.fromkeys(found))


def _turn(item: JsonObject) -> Turn:
    kind = checks.read_choice(item, "type", ("message", *_OTHER_ITEMS)) or "message"
    if kind != "message":
        return Turn(role=kind, text="")
    checks.refuse_unknown(item, ("type", "role", "content"))
    role = checks.read_choice(item, "role", _ROLES)
    if role is None:
        message = "role is required"
        raise BrokenRuleError(message)
    content = item.get("content")
    if isinstance(content, str):
        return Turn(role=role, text=content)
    parts = checks.read_list(item, "content") or []
    if not parts:
        message = "content cannot be empty"
        raise BrokenRuleError(message)
    return _turn_of_parts(
        role, [checks.expect_object(part, "content") for part in parts]
    )


def _turn_of_parts(role: str, parts: list[JsonObject]) -> Turn:
    text, images = "", list[str]()
    for part in parts:
        checks.refuse_unknown(part, ("type", *_PART_FIELDS))
        kind = checks.read_choice(part, "type", _PARTS)
        fields = {name: checks.read_text(part, name) for name in _PART_FIELDS}
        text += fields["text"] or ""
        if kind == "input_image":
            images.append(_image(role, fields["image_url"] or ""))
    return Turn(role=role, text=text, images=tuple(images))


def _image(role: str, url: str) -> str:
    """Return the media type of an image inside the request, or the address of another one."""
    if role != "user":
        message = "input_image must be in a user message"
        raise BrokenRuleError(message)
    if data := _DATA_URL.fullmatch(url):
        return data[1]
    if not _HTTPS.fullmatch(url):
        message = "image_url must be an https URL, or a base64 data URL of a png, jpeg, webp or gif image"
        raise BrokenRuleError(message)
    return url
