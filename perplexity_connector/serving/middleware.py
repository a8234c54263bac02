"""Refuse requests by their headers, before a body is read."""

import hmac
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perplexity_connector.serving.connections import refuse_if_full
from perplexity_connector.serving.listener import is_loopback

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class RefusalMiddleware:
    """An ASGI application around another one, which answers in its place where it must.

    `refuse` returns the answer to a request that must not get in, or None. `headers` are added to
    every answer, of the application and of `refuse`.
    """

    def __init__(
        self,
        app: ASGIApp,
        refuse: Callable[[Request], Response | None],
        headers: Mapping[str, str] = _NO_HEADERS,
    ) -> None:
        """Protect `app`."""
        self._app = app
        self._refuse = refuse
        self._headers = headers

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

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        request = Request(scope)
        answer = self._refuse(request) or refuse_if_full(request) or self._app
        await answer(scope, receive, send_with_headers)


def is_loopback_host(host: str) -> bool:
    """Return whether a `Host` header, with or without a port, names this machine only."""
    name, _, port = host.rpartition(":")
    return is_loopback(name if port.isdecimal() else host)


def is_own_origin(
    origin: str,
    host: str,
    schemes: Collection[str] = ("http",),
) -> bool:
    """Return whether an `Origin` header means the same host, by one of the schemes."""
    return origin in {f"{scheme}://{host}" for scheme in schemes}


def is_same_text(given: str, secret: str) -> bool:
    """Compare a text to a secret in a time that does not depend on where they differ."""
    # JSON may hold half a surrogate pair, which UTF-8 cannot write.
    return hmac.compare_digest(given.encode(errors="surrogatepass"), secret.encode())


def has_bearer_token(authorization: str, token: str) -> bool:
    """Return whether an `Authorization` header carries this bearer token."""
    scheme, _, given = authorization.strip().partition(" ")
    return is_same_text(given.strip(), token.strip()) and scheme.lower() == "bearer"
