"""The events of a run: which of a plugin's a host passes on, and their numbers."""

import asyncio
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
        """Number an event, and send it unless it is unknown or incomplete. This changes `event`."""
        event["seq"] = self._last_seq + 1
        event.pop("step", None)  # a flow's own part
        if self.listener is not None and is_event(event):
            self._last_seq += 1
            self.listener(event)


class Inbox:
    """The events of a streamed run, for the one task that reads them.

    It has no limit: a slow reader must never stop the reading of a response. An `asyncio.Queue`
    does the same, and takes 3 KB for each run that waits.

    * `_events`: the events that were not taken yet.
    * `_is_closed`: whether no more events come.
    * `_change`: done once an event or the end was added; None before the first wait.
    """

    __slots__ = ("_change", "_events", "_is_closed")

    def __init__(self) -> None:
        """Begin empty."""
        self._events: list[EventDocument] = []
        self._is_closed = False
        self._change: asyncio.Future[None] | None = None

    def put(self, event: "EventDocument") -> None:
        """Add an event."""
        self._events.append(event)
        self._wake()

    def close(self, _: object) -> None:
        """Add the end: no more events come."""
        self._is_closed = True
        self._wake()

    async def take(self) -> "list[EventDocument]":
        """Return all events there are, and wait for one if need be; none at the end."""
        if not (self._events or self._is_closed):
            self._change = asyncio.get_running_loop().create_future()
            await self._change
        taken, self._events = self._events, []
        return taken

    def _wake(self) -> None:
        if self._change is not None and not self._change.done():
            self._change.set_result(None)


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
