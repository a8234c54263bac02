"""JSON as the ledger keeps it: compact text."""

import json
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from perplexity_connector.contract import JsonObject

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument

# The rows of a table have the same budgets, so their text is made and read once.
_KEPT_TEXTS = 64
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def packed(document: "JsonObject | EnvelopeDocument | None") -> str | None:
    """Return a document as text."""
    return None if document is None else _ENCODER.encode(document)


def packed_text(text: str) -> str:
    """Return a text as it is inside a packed document."""
    return _ENCODER.encode(text)[1:-1]


@lru_cache(_KEPT_TEXTS)
def packed_ids(ids: tuple[str, ...]) -> str:
    """Return ids as text, in order."""
    return _ENCODER.encode(sorted(ids))


def unpacked(text: str | None) -> JsonObject | None:
    """Return the document of a text."""
    return None if text is None else cast("JsonObject", json.loads(text))


@lru_cache(_KEPT_TEXTS)
def unpacked_ids(text: str) -> tuple[str, ...]:
    """Return the ids of a text."""
    return tuple(cast("list[str]", json.loads(text)))
