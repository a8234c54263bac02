"""The network over httpx: its own transport where aiohttp is missing or cannot be used, or a test's.

Imported on first use, because httpx takes long to import.
"""

import logging
import ssl
from contextvars import ContextVar
from functools import lru_cache
from typing import cast

import httpx

from perplexity_connector.perplexity.wire.exchange import (
    IDLE_CONNECTION_S,
    BrokenError,
    NotSentError,
    Request,
    UntrustedCertificateError,
    joined,
)

_LIBRARY_LOGS = ("connection", "http11", "http2", "proxy", "socks")
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)

_IS_OUR_REQUEST: ContextVar[bool] = ContextVar(
    "perplexity_connector_request", default=False
)
# Parsing an address takes as long as writing a request.
_url = lru_cache(maxsize=16)(httpx.URL)


class unlogged:  # noqa: N801 - used as a function, and faster than a generator
    """Keep httpx's own transport out of the log: the head of a response may repeat the key."""

    def __enter__(self) -> None:
        """Begin the block."""
        self._token = _IS_OUR_REQUEST.set(True)

    def __exit__(self, *_: object) -> None:
        """End the block."""
        _IS_OUR_REQUEST.reset(self._token)


def plain_network(
    context: ssl.SSLContext, proxy: httpx.Proxy | None
) -> httpx.AsyncBaseTransport:
    """Return httpx's own transport, which logs nothing inside `unlogged`."""
    for name in _LIBRARY_LOGS:
        logging.getLogger(f"httpcore.{name}").addFilter(_is_from_others)
    # No limit here: the host limits the number of requests. The pool only keeps idle connections.
    limits = httpx.Limits(
        max_connections=None,
        max_keepalive_connections=100,
        keepalive_expiry=IDLE_CONNECTION_S,
    )
    return httpx.AsyncHTTPTransport(verify=context, limits=limits, proxy=proxy)


def _is_from_others(record: logging.LogRecord) -> bool:
    del record
    return not _IS_OUR_REQUEST.get()


class HttpxNetwork:
    """Send requests over one of httpx's transports: its own, or a test's."""

    def __init__(
        self, transport: httpx.AsyncBaseTransport, connect_timeout: float
    ) -> None:
        """Send over `transport`; connecting may take `connect_timeout` seconds."""
        self._transport = transport
        # Only for connecting: the client measures the first byte and idle times by itself.
        self._extensions = {"timeout": {"connect": connect_timeout}}

    async def open(self) -> None:
        """Enter the transport."""
        await self._transport.__aenter__()

    async def send(self, request: Request) -> "_HttpxAnswer":
        """Send a request as one of httpx's. Raises our errors for those of httpx."""
        url = _url(request.url)
        sent = httpx.Request(
            request.method,
            url,
            # Not a variable: a crash reporter would print it.
            headers={"host": url.netloc.decode(), **request.headers},
            # Not as `content`: httpx would make the headers a second time.
            stream=httpx.ByteStream(request.content),
            extensions=self._extensions,
        )
        try:
            with unlogged():
                response = await self._transport.handle_async_request(sent)
        except httpx.HTTPError as error:
            raise _failure(error) from None
        return _HttpxAnswer(response)

    async def aclose(self) -> None:
        """Close the transport."""
        await self._transport.aclose()


class _HttpxAnswer:
    """The parts of one of httpx's responses that are used. The response would hold its request.

    * `_stream`: the body without httpx's decoders and counters, which cost time for each piece.
    * `_pieces`: the pieces of it that were not read yet.
    """

    def __init__(self, response: httpx.Response) -> None:
        self._stream = cast("httpx.AsyncByteStream", response.stream)
        self._pieces = aiter(self._stream)
        self.status = response.status_code
        self.headers = joined(response.headers.raw)

    async def read(self) -> bytes:
        try:
            with unlogged():
                return await anext(self._pieces, b"")
        except httpx.HTTPError as error:
            raise BrokenError(type(error).__name__) from None

    async def aclose(self) -> None:
        with unlogged():
            await self._stream.aclose()


def _failure(error: httpx.HTTPError) -> NotSentError | BrokenError:
    """Return our error for one of httpx's: `NotSentError` only if surely nothing was sent."""
    # Only the name of the class: the text can hold the request, and so the key.
    name = type(error).__name__
    if isinstance(error, httpx.ConnectError) and _is_about_certificate(error):
        return UntrustedCertificateError(name)
    return NotSentError(name) if isinstance(error, _NOT_SENT) else BrokenError(name)


def _is_about_certificate(error: BaseException | None) -> bool:
    """Return whether a certificate that is not trusted is among the causes of an error."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
