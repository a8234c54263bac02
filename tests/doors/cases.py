"""The cases of `blanks.json`, with whole inputs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TABLE = json.loads(Path(__file__).with_name("blanks.json").read_text(encoding="utf-8"))
_BASES: Mapping[str, dict[str, Any]] = {
    "create_chat_completion": _TABLE["chat"],
    "execute_search": {"query": "moon"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Blanks:
    """An input with blanks: the input that it counts as, or the pointers where it is refused."""

    name: str
    action: str
    input: dict[str, Any]
    counts_as: dict[str, Any]
    refused: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text for one field, and the value that it is read as. `base` has the other fields."""

    action: str
    base: dict[str, Any]
    field: str
    text: str
    read_as: Any


BLANKS = [
    Blanks(
        name=case["name"],
        action=case["action"],
        input=_BASES[case["action"]] | case["input"],
        counts_as=_BASES[case["action"]] | case.get("counts_as", {}),
        refused=case.get("refused", []),
    )
    for case in _TABLE["blanks"]
]
TEXTS = [Text(base=_BASES[case["action"]], **case) for case in _TABLE["texts"]]
