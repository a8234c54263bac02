"""Makes text safe to print on a terminal."""

import json
import re

from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.links import without_user
from perplexity_connector.contract.readers import as_text

# Invisible characters that change the order of the text around them: Unicode's bidirectional
# controls, its deprecated format characters, and interlinear annotations.
_REORDERING = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f\ufff9-\ufffb"
# Answers and titles are written by others. An escape sequence in one could rewrite the screen.
_UNSAFE = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_REORDERING}]")

# `json` does not escape these: controls, line ends for some readers, and lone surrogates.
_UNSAFE_IN_JSON = re.compile(f"[\x7f-\x9f\u2028\u2029\ud800-\udfff{_REORDERING}]")


def clean(text: str) -> str:
    """Remove controls of the terminal and of the order of text; line ends and tabs stay."""
    return _UNSAFE.sub("", text)


def one_line(text: str) -> str:
    """Remove control characters and turn each run of white space into one space.

    Text from outside cannot look like a line of ours.
    """
    return " ".join(clean(text).split())


def line_of(record: JsonObject, name: str) -> str:
    """Return a text of a record on one line; empty if it is missing."""
    return one_line(as_text(record.get(name)))


def link_line(address: str) -> str:
    """Return an address on one line, without `user:password@`."""
    return one_line(without_user(clean(address)))


def link_of(record: JsonObject, name: str) -> str:
    """Return an address of a record as `link_line` does; empty if it is missing."""
    return link_line(as_text(record.get(name)))


def shortened(text: str, limit: int) -> str:
    """Return the text on one line of at most `limit` characters, with an ellipsis where it is cut."""
    line = one_line(text)
    if len(line) <= limit:
        return line
    return f"{line[: limit - 1].rstrip()}…"


def json_text(value: object, indent: int | None = None) -> str:
    """Return the value as readable JSON. Control characters are escaped, so nothing is lost."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return _UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
