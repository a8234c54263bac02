"""The events of a run: which of a plugin's a host passes on, and their numbers."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, TypeGuard

from perplexity_connector.contract import EventType, JsonObject
from perplexity_connector.contract.json import Document

if TYPE_CHECKING:
    from perplexity_connector.contract import EventDocument

Listener: TypeAlias = Callable[["EventDocument"], None]


class Events:
    """The events of one run.

    * `listener`: gets each event; None if the caller wants none.
    * `_last_seq`: the `seq` of the last event.
    """

    __slots__ = ("_last_seq", "listener")

    def __init__(self, listener: Listener | None) -> None:
        """Send the events to `listener`."""
        self.listener = listener
        self._last_seq = 0

    def send(self, event: JsonObject) -> None:
        """Send an event with its number, unless it is unknown or incomplete."""
        numbered = {**event, "seq": self._last_seq + 1}
        numbered.pop("step", None)  # a flow's own part
        if self.listener is not None and is_event(numbered):
            self._last_seq += 1
            self.listener(numbered)


def is_event(document: Document) -> "TypeGuard[EventDocument]":
    """Return whether a document with a `seq` is an event of a known type, with the part it needs."""
    match document:
        case {"type": EventType.TEXT_DELTA, "text": str()}:
            return True
        case {"type": EventType.STATUS, "message": str()}:
            return True
        case {"type": EventType.SEARCH_QUERIES, "queries": list(queries)}:
            return all(isinstance(query, str) for query in queries)
        case {"type": EventType.SEARCH_RESULTS, "results": list(results)}:
            return all(isinstance(result, dict) for result in results)
    return False
