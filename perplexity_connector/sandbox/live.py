"""Send a run's events, each in its own write, and notice when the client leaves."""

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from perplexity_connector.sandbox.prompts import Prompt
from perplexity_connector.sandbox.run import Run
from perplexity_connector.sandbox.state import State
from perplexity_connector.sandbox.stream import frames

_SLOW_PAUSE = 0.01


class EventStream(Response):
    """The `text/event-stream` answer of one run. If it is cut, the run goes on without it."""

    def __init__(self, run: Run, state: State) -> None:
        """Prepare the stream of a run."""
        # Recorded without a charset, which Starlette would add to a media type of text.
        super().__init__(
            headers={"content-type": "text/event-stream", "cache-control": "no-cache"}
        )
        del self.headers["content-length"]
        self._run = run
        self._closing = state.closing
        self._pause = (
            _SLOW_PAUSE
            if Prompt.SLOW in run.plan.request.prompts
            else state.delta_seconds
        )

    async def __call__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Send until the run is over, the client leaves, or the sandbox stops."""
        del scope
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        # The body was read to its end, so the next message says that the client has left.
        ends = (self._send_events(send), receive(), self._closing.wait())
        done, pending = await asyncio.wait(
            map(asyncio.ensure_future, ends), return_when=asyncio.FIRST_COMPLETED
        )
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            task.result()
        if self._run.streaming:
            self._run.cut()
        await send({"type": "http.response.body", "body": b""})

    async def _send_events(self, send: Send) -> None:
        for frame in frames(self._run):
            await send({"type": "http.response.body", "body": frame, "more_body": True})
            # Even a pause of 0 lets other tasks run, so that a cancellation is seen between events.
            await asyncio.sleep(self._pause)
