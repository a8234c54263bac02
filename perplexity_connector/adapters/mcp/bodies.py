"""Repair the bodies of requests as the lines of stdin are: a half emoji must not cost an HTTP client its call."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perplexity_connector.adapters.mcp.lines import messages_of


class RepairedBodies:
    """An ASGI application around another one, which gives it each body repaired where it can be.

    A body over `most` bytes is passed on as it comes, to be refused.
    """

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        """Repair the bodies for `app`."""
        self._app = app
        self._most = most

    async def __call__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Answer a request. The start and the stop of the server are passed on."""
        is_read = scope["type"] != "http"

        async def receive_repaired() -> Message:
            nonlocal is_read
            if is_read:
                return await receive()
            is_read = True
            return await self._body(receive)

        await self._app(scope, receive_repaired, send)

    async def _body(self, receive: Receive) -> Message:
        """Return the whole body as one message, or the message that came in its place."""
        body = bytearray()
        message = await receive()
        while message["type"] == "http.request":
            body += message.get("body", b"")
            if len(body) > self._most or not message.get("more_body"):
                return {**message, "body": _repaired(bytes(body))}
            message = await receive()
        return message


def _repaired(body: bytes) -> bytes:
    match messages_of(body.decode(errors="replace")):
        case [str(message)]:
            return message.encode()
        case _:
            return body  # the SDK's answer says what is wrong
