"""The progress of one run, as notifications to the client that asked for them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from mcp.server.session import ServerSession

# Clients end a call that is silent for long: openai-agents and several others after 60 seconds.
_BEAT_SECONDS = 10


class Progress:
    """Numbers the notifications of a run: each has a higher number than the one before."""

    def __init__(self, session: ServerSession) -> None:
        """Report through the session of one request."""
        self._session = session
        self._numbers = count(1)

    async def report(self, message: str | None = None) -> None:
        """Send a notification. Without a message it only says that the run goes on."""
        await self._session.report_progress(next(self._numbers), message=message)

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Send a notification every few seconds, however silent the run is."""
        beat = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            beat.cancel()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            await self.report()
