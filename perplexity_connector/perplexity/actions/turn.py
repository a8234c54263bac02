"""Whether a request can have left, or was still waiting for its turn."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from perplexity_connector.contract import ActionContext, Effect


class Turn:
    """The turn of one request.

    * `ctx`: the context to send it with.
    * `effect`: `none` while the host's limit holds the request back, then `unknown`.
    """

    def __init__(self, ctx: ActionContext) -> None:
        """Wait for the turn with `ctx.permit`."""
        self._permit = ctx.permit
        self.ctx = replace(ctx, permit=self._note_permit)
        self.effect = Effect.NONE

    @asynccontextmanager
    async def _note_permit(self) -> AsyncIterator[None]:
        async with self._permit():
            self.effect = Effect.UNKNOWN
            yield
