"""The events of a run: which of a plugin's a host passes on, and their numbers."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, TypeGuard

from perplexity_connector.contract import EventType
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

    def send(self, event: Document) -> None:
        """Send an event with its number, unless it is unknown or incomplete. The event is the host's own."""
        event["seq"] = self._last_seq + 1
        event.pop("step", None)  # a flow's own part
        if self.listener is not None and is_event(event):
            self._last_seq += 1
            self.listener(event)


class Inbox:
    """The events that wait for the reader of a stream.

    There is no bound: a slow reader of the events must never stop the reading of a response.

    * `events`: those that wait, in order. The reader takes them out.
    * `_has_ended`: whether the run has.
    * `_changed`: set when an event has arrived, or the run has ended.
    """

    __slots__ = ("_changed", "_has_ended", "events")

    def __init__(self) -> None:
        """Begin with nothing."""
        self.events: deque[EventDocument] = deque()
        self._has_ended = False
        self._changed = asyncio.Event()

    def put(self, event: "EventDocument") -> None:
        """Let the reader have an event."""
        self.events.append(event)
        self._changed.set()

    def end(self, _: object) -> None:
        """Let the reader know that the run has ended."""
        self._has_ended = True
        self._changed.set()

    async def has_some(self) -> bool:
        """Wait for an event. Return False if there is none, and the run has ended."""
        if not self.events and not self._has_ended:
            self._changed.clear()
            await self._changed.wait()
        return bool(self.events)


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
