"""Text that is safe to put on a terminal, whoever wrote it."""

import json
import re

from perplexity_connector.contract import JsonValue

# Answers, titles and addresses come from the open web: an escape sequence in one could rewrite the screen.
_CONTROLS = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)])
del _CONTROLS[ord("\n")], _CONTROLS[ord("\t")]

# What `json` leaves raw though it is a control, ends a line for some readers, or cannot be encoded.
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def clean(text: str) -> str:
    """The text without terminal control characters; line ends and tabs stay."""
    return text.translate(_CONTROLS)


def one_line(text: str) -> str:
    """The text without control characters, its white space folded: it cannot pass for a line of ours."""
    return " ".join(clean(text).split())


def shortened(text: str, limit: int) -> str:
    """The text on one line of at most `limit` characters, with an ellipsis where it was cut."""
    line = one_line(text)
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def json_text(value: JsonValue, indent: int | None = None) -> str:
    """The value as readable JSON; control characters stand in it as escapes, so nothing of the data is lost."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return _UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
