"""Sending a run's events, each as a write of its own, and noticing when the listener goes."""

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from perplexity_connector.sandbox.prompts import Prompt
from perplexity_connector.sandbox.run import Run
from perplexity_connector.sandbox.state import State
from perplexity_connector.sandbox.stream import frames

_SLOW_PAUSE = 0.01


class EventStream(Response):
    """The `text/event-stream` answer of one run."""

    def __init__(self, run: Run, state: State) -> None:
        """A stream not yet begun. When it is cut, the run goes on without it."""
        # As recorded: without the charset that a media type of text would be given.
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends until the run is over, the client is gone, or the sandbox closes."""
        del scope
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        ends = (
            self._send_events(send),
            _wait_until_gone(receive),
            self._closing.wait(),
        )
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
        for frame in frames(self._run.plan, lambda: self._run.cancelled):
            await send({"type": "http.response.body", "body": frame, "more_body": True})
            # Even a pause of nothing lets the loop run, so that a cancellation or a departure is seen between events.
            await asyncio.sleep(self._pause)
        self._run.streaming = Prompt.NO_TERMINAL in self._run.plan.request.prompts


async def _wait_until_gone(receive: Receive) -> None:
    # The body has been read: the only message left is that the client has disconnected.
    await receive()
