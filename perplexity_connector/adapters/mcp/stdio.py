"""Serve one client over stdin and stdout."""

import asyncio
import signal
import sys
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeAlias

from mcp.server import Server
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCError

from perplexity_connector.adapters.mcp.lines import messages_of

_Send: TypeAlias = Callable[[SessionMessage], Awaitable[None]]


async def serve_stdio(server: Server[None]) -> None:
    """Serve until stdin closes, or until SIGINT or SIGTERM; then cancel the active runs."""
    serving = asyncio.create_task(_serve(server))
    # Windows' loop has no signal handlers; there `asyncio.run` turns Ctrl-C into a cancellation.
    with suppress(NotImplementedError):
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    await asyncio.wait({serving})
    if not serving.cancelled():
        serving.result()


async def _serve(server: Server[None]) -> None:
    lines = _StdinLines()
    stdin: Any = lines  # the SDK wants a file, and only iterates over it
    try:
        async with stdio_server(stdin=stdin) as (received, sent):
            lines.answer.set_result(sent.send)
            await server.run(received, sent, server.create_initialization_options())
    except* BrokenPipeError:
        pass  # the client has left


class _StdinLines:
    """The messages of stdin, each as a line; stdin is read in a daemon thread.

    The SDK's own reader waits in a thread that keeps the process alive until stdin ends.

    * `answer`: sends the answer to a line that is not a message; set once stdout is open.
    * `_lines`: one line at most; the thread reads the next one when it was taken.
    * `_messages`: those of the last line that were not taken yet.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[_Send] = self._loop.create_future()
        self._messages: deque[str] = deque()
        self._lines: asyncio.Queue[str | None] = asyncio.Queue(maxsize=1)
        threading.Thread(
            target=self._read, args=[sys.stdin.fileno()], name="mcp-stdin", daemon=True
        ).start()

    def __aiter__(self) -> "_StdinLines":
        return self

    async def __anext__(self) -> str:
        while not self._messages:
            line = await self._lines.get()
            if line is None:
                raise StopAsyncIteration
            await self._sort(line)
        return self._messages.popleft()

    async def _sort(self, line: str) -> None:
        for message in messages_of(line):
            if isinstance(message, JSONRPCError):
                answer = await self.answer
                await answer(SessionMessage(message))
            else:
                self._messages.append(message)

    def _read(self, stdin: int) -> None:
        # Not `sys.stdin`: the interpreter closes that at its end, and would wait for the lock of this read.
        with (
            suppress(OSError),
            open(
                stdin,
                encoding="utf-8",
                errors="replace",
                closefd=False,
            ) as lines,
        ):
            for line in lines:
                self._hand_over(line)
        self._hand_over(None)

    def _hand_over(self, line: str | None) -> None:
        putting = self._lines.put(line)
        try:
            asyncio.run_coroutine_threadsafe(putting, self._loop).result()
        except RuntimeError:  # the loop is closed: the process is about to end
            putting.close()
