"""Bound the open sessions, and never refuse a new client because others left theirs open."""

from collections.abc import Callable
from http import HTTPStatus
from itertools import filterfalse, islice

from anyio import CancelScope
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BoundedSessions:
    """The SDK's ASGI application, where the session that is idle longest ends when there are too many.

    Some hosts open a session for every call and never end it. A session with an active run is never
    ended here.

    * `_open`: the ids of the open sessions, the longest idle first. The SDK may have ended some.
    """

    def __init__(
        self, app: ASGIApp, *, path: str, most: int, has_run: Callable[[str], bool]
    ) -> None:
        """Keep at most so many sessions of `app`, which serves them at `path`."""
        self._app = app
        self._path = path
        self._most = most
        self._has_run = has_run
        self._open: dict[str, None] = {}

    async def __call__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Answer a request. The start and the stop of the server are passed on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def note_session(message: Message) -> None:
            if _is_accepted(message):
                headers = Headers(raw=message["headers"])
                session = headers.get(MCP_SESSION_ID_HEADER, "")
                await self._note(session, is_over=scope["method"] == "DELETE")
            await send(message)

        await self._app(scope, receive, note_session)
        # It is idle from the end of the answer on, which may have taken long.
        asked = Headers(scope=scope).get(MCP_SESSION_ID_HEADER, "")
        if asked in self._open:
            del self._open[asked]
            self._open[asked] = None

    async def _note(self, session: str, *, is_over: bool) -> None:
        """Note that a session is open or over, before its client can send anything else."""
        self._open.pop(session, None)
        if session and not is_over:
            self._open[session] = None
            await self._make_room(session)

    async def _make_room(self, served: str) -> None:
        """End the sessions that are too many; never `served`, which is about to be used."""
        excess = max(0, len(self._open) - self._most)
        others = (one for one in self._open if one != served)
        idle = filterfalse(self._has_run, others)
        for session in list(islice(idle, excess)):
            del self._open[session]
            # The client of the request that is served may leave meanwhile.
            with CancelScope(shield=True):
                await self._end(session)

    async def _end(self, session: str) -> None:
        """End a session as its client would."""
        scope = {
            "type": "http",
            "method": "DELETE",
            "path": self._path,
            "query_string": b"",
            "headers": [(MCP_SESSION_ID_HEADER.encode(), session.encode())],
        }
        await self._app(scope, _receive_nothing, _ignore)


def _is_accepted(message: Message) -> bool:
    """Return whether an answer begins that is good. A refusal may name a session that never opened."""
    if message["type"] != "http.response.start":
        return False
    status: int = message["status"]
    return status < HTTPStatus.BAD_REQUEST


async def _receive_nothing() -> Message:
    return {"type": "http.request"}


async def _ignore(_: Message) -> None:
    pass
