"""The items of a table on their way to the reader, who may be slow, or gone."""

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perplexity_connector.contract import RowFinishedItem

# A slow reader holds the places back, so that memory stays small.
_MOST = 1000


class Items:
    """A queue of items, which ends with None.

    * `_queue`: the items that wait.
    * `_has_left`: whether the reader takes no more.
    * `_ending`: the task that adds the end.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self._queue: asyncio.Queue[RowFinishedItem | None] = asyncio.Queue(_MOST)
        self._has_left = False
        self._ending: asyncio.Future[None] | None = None

    async def put(self, item: "RowFinishedItem") -> None:
        """Add an item, when there is room."""
        if not self._has_left:
            await self._queue.put(item)

    def end(self) -> None:
        """End the queue after the items that it has."""
        self._ending = asyncio.ensure_future(self._queue.put(None))

    async def get(self) -> "RowFinishedItem | None":
        """Return the next item; None at the end."""
        return await self._queue.get()

    def leave(self) -> None:
        """Drop all items from now on."""
        self._has_left = True
        while not self._queue.empty():
            self._queue.get_nowait()
