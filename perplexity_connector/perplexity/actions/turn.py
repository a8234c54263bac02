"""Whether a request can have left, or was still waiting for its turn."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from perplexity_connector.contract import ActionContext, ConnectorError, Effect


class Turn:
    """The turn of one request: send it with `permit` in the place of the context's.

    * `effect`: `none` while the host's limit holds the request back, then `unknown`.
    * `refusal`: raised instead of sending the request, once it is set.
    * `_permit`: the context's.
    * `_earliest`: the request is not sent before it; monotonic.
    """

    def __init__(self, ctx: ActionContext) -> None:
        """Wait for the turn with `ctx.permit`."""
        self._permit = ctx.permit
        self._earliest = 0.0
        self.effect = Effect.NONE
        self.refusal: ConnectorError | None = None

    def repeat(self, seconds: float) -> None:
        """Begin again with a request that was refused, `seconds` from now at the earliest."""
        self.effect = Effect.NONE
        self._earliest = time.monotonic() + seconds

    @asynccontextmanager
    async def permit(self) -> AsyncIterator[None]:
        """Wait for the turn, and hold it until the response begins."""
        async with self._permit():
            # A host's limit has waited for so long already; a host without one has not.
            if (seconds := self._earliest - time.monotonic()) > 0:
                await asyncio.sleep(seconds)
            if self.refusal is not None:
                raise self.refusal
            self.effect = Effect.UNKNOWN
            yield
