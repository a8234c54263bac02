"""Log the requests that the HTTP server refused."""

import logging
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_TEXT = b"text/plain"

_log = logging.getLogger(__name__)


class LoggedRefusals:
    """An ASGI application around another one, which logs each answer that is an error.

    The log has the status and our own sentence. The SDK's answers may repeat what a client sent, so
    of those it has the status alone.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Watch the answers of `app`."""
        self._app = app

    async def __call__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Answer a request. The start and the stop of the server are passed on."""
        start: Message = {}

        async def note_refusal(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            elif start and start["status"] >= HTTPStatus.BAD_REQUEST:
                _log_refusal(start, message)
                start = {}
            await send(message)

        await self._app(scope, receive, note_refusal)


def _log_refusal(start: Message, body: Message) -> None:
    reason = HTTPStatus(start["status"]).phrase
    if dict(start["headers"]).get(b"content-type", b"").startswith(_TEXT):
        reason = body["body"].decode()
    _log.warning("Refused a request with %s: %s", start["status"], reason)
