"""The network transport, under httpx's interface: aiohttp if it is installed, else httpx's own.

aiohttp carries a live stream with a third of the CPU time (docs/performance.md). Errors are mapped
by one question: can the request have been sent, and cost money? `ConnectError`, `ConnectTimeout`,
`ProxyError` and `UnsupportedProtocol` mean no; anything else means maybe. A custom httpx transport
must read the proxy and CA variables itself, so this one does. No proxy is used for this machine:
there it could only read the key.
"""

import logging
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextvars import ContextVar
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Self, cast

import httpx

from perplexity_connector.perplexity.wire.endpoint import is_loopback_address
from perplexity_connector.perplexity.wire.proxies import ProxyChoice, chosen_proxy
from perplexity_connector.perplexity.wire.trust import tls_context
from perplexity_connector.perplexity.wire.variables import refuse

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

_IDLE_CONNECTION_S = 5.0
# As much as httpx's own parser takes. Some gateways send more than aiohttp's default of 8 KiB.
_LONGEST_HEADER = 64 * 1024
_HTTP = frozenset({"http", "https"})
_PORTS = {"http": 80, "https": 443}
_LIBRARY_LOGS = ("connection", "http11", "http2", "proxy", "socks")

_IS_OUR_REQUEST: ContextVar[bool] = ContextVar(
    "perplexity_connector_request", default=False
)


def network(base_url: str, connect_timeout: float) -> httpx.AsyncBaseTransport:
    """Return the transport to one origin, with the proxy and the CA of the environment.

    It opens when it is entered. Connecting may take `connect_timeout` seconds. Raises
    `ConnectorError` (`invalid_input`), naming the variable, for a proxy or a CA bundle that cannot
    be used.
    """
    url = httpx.URL(base_url)
    choice = _proxy_choice(url)
    proxy = _proxy(choice) if choice else None
    context = _context(url, proxy)
    is_http_proxy = proxy is None or proxy.url.scheme in _HTTP
    if is_http_proxy and find_spec("aiohttp") is not None:
        return AiohttpTransport(context, proxy, connect_timeout)
    try:
        return plain_network(context, proxy)
    except ImportError:
        rule = "SOCKS needs a package: pip install 'httpx[socks]'."
        refuse(choice.source if choice else "", rule)


def _context(url: httpx.URL, proxy: httpx.Proxy | None) -> ssl.SSLContext:
    # Loading the CA certificates takes longer than a run on loopback, and without TLS they are not
    # needed.
    if "https" not in {url.scheme, proxy.url.scheme if proxy else ""}:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return tls_context(partial(httpx.create_ssl_context, trust_env=False))


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
        keepalive_expiry=_IDLE_CONNECTION_S,
    )
    return PlainTransport(verify=context, limits=limits, proxy=proxy)


def _is_from_others(record: logging.LogRecord) -> bool:
    del record
    return not _IS_OUR_REQUEST.get()


class UntrustedCertificateError(httpx.ConnectError):
    """The server, or the proxy, has a certificate that is not trusted. Nothing was sent."""


def _proxy_choice(url: httpx.URL) -> ProxyChoice | None:
    if _is_loopback(url.host):
        return None
    return chosen_proxy(url.scheme, url.host, url.port or _PORTS[url.scheme])


def _proxy(choice: ProxyChoice) -> httpx.Proxy:
    try:
        proxy = httpx.Proxy(choice.address)
    except (ValueError, httpx.InvalidURL):
        proxy = None
    if proxy is None or not proxy.url.host:
        refuse(choice.source, "Write it like http://proxy.example:3128.")
    return proxy


def _is_loopback(host: str) -> bool:
    name = host.removesuffix(".")
    is_local_name = name == "localhost" or name.endswith(".localhost")
    return is_local_name or is_loopback_address(name)


class PlainTransport(httpx.AsyncHTTPTransport):
    """httpx's own transport, which names a certificate that is not trusted."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the response, or raise as httpx does."""
        try:
            return await super().handle_async_request(request)
        except httpx.ConnectError as error:
            if _is_about_certificate(error):
                raise UntrustedCertificateError(type(error).__name__) from None
            raise


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Use one aiohttp session as an httpx transport.

    It does not follow redirects, keep cookies, unpack bodies or read the environment. `_session` is
    None until it is opened.
    """

    def __init__(
        self, context: ssl.SSLContext, proxy: httpx.Proxy | None, connect_timeout: float
    ) -> None:
        """Connect with this TLS context, through the proxy if any.

        `connect_timeout` is in seconds and includes the name look-up and TLS.
        """
        self._context = context
        self._proxy = proxy
        self._proxy_headers = _proxy_headers(proxy)
        self._connect_timeout = connect_timeout
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the session, before the first request."""
        self._opened()
        return self

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the response, as soon as its head has arrived.

        Raises `ConnectError`, `ConnectTimeout`, `ProxyError` or `UnsupportedProtocol` if nothing
        was sent, another `TransportError` if something may have been.
        """
        import aiohttp  # noqa: PLC0415 - installed with the extra only

        from perplexity_connector.perplexity.wire.aiohttp_protocol import (  # noqa: PLC0415 - likewise
            named_once,
        )

        # aiohttp uses `proxy_headers` for a tunnel only. A plain request needs them itself.
        is_plain = request.url.scheme == "http"
        headers = named_once(request.headers.raw)
        headers.extend(self._proxy_headers if is_plain else [])
        try:
            response = await self._opened().request(
                request.method,
                str(request.url),
                headers=headers,
                # The client gives each body as one piece.
                data=b"".join(cast("httpx.SyncByteStream", request.stream)) or None,
                allow_redirects=False,
                proxy=str(self._proxy.url) if self._proxy else None,
                proxy_headers=self._proxy_headers,
            )
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            raise _failure(error) from None
        # Without the reason phrase, which is not needed and could end up in a log.
        return httpx.Response(
            response.status, headers=response.raw_headers, stream=_Body(response)
        )

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> "ClientSession":
        if self._session is None:
            import aiohttp  # noqa: PLC0415 - installed with the extra only

            from perplexity_connector.perplexity.wire.aiohttp_protocol import (  # noqa: PLC0415 - likewise
                TolerantConnector,
            )

            self._session = aiohttp.ClientSession(
                # limit=0 means no limit: the host limits the number of requests.
                connector=TolerantConnector(
                    limit=0, ssl=self._context, keepalive_timeout=_IDLE_CONNECTION_S
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=(
                    "accept",
                    "accept-encoding",
                    "content-type",
                    "user-agent",
                ),
                timeout=aiohttp.ClientTimeout(
                    total=None, connect=self._connect_timeout
                ),
                max_line_size=_LONGEST_HEADER,
                max_field_size=_LONGEST_HEADER,
            )
            # aiohttp would repeat a GET whose connection breaks.
            self._session._retry_connection = False  # noqa: SLF001 - no public switch
        return self._session


class _Body(httpx.AsyncByteStream):
    """The body of a response, in the pieces in which it arrives."""

    def __init__(self, response: "ClientResponse") -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        import aiohttp  # noqa: PLC0415 - installed with the extra only

        content = self._response.content
        try:
            while piece := await content.readany():
                yield piece
                # Release the piece before the next wait: a waiting stream holds no data.
                del piece
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            # When a connection breaks, aiohttp drops the pieces that it received and that were not
            # read yet. They still count.
            for piece in getattr(content, "_buffer", ()):
                yield piece
            raise httpx.ReadError(type(error).__name__) from None

    async def aclose(self) -> None:
        # A response that was read to its end has given its connection back already. After any other
        # one, the connection cannot be used again.
        self._response.close()


def _proxy_headers(proxy: httpx.Proxy | None) -> list[tuple[str, str]]:
    if proxy is None or proxy.raw_auth is None:
        return []
    credentials = b64encode(b":".join(proxy.raw_auth)).decode()
    return [("proxy-authorization", f"Basic {credentials}")]


def _is_about_certificate(error: BaseException | None) -> bool:
    """Return whether a certificate that is not trusted is among the causes of an error."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _failure(error: Exception) -> httpx.TransportError:
    """Return httpx's error for one of aiohttp's: "not connected" only if surely nothing was sent."""
    import aiohttp  # noqa: PLC0415 - installed with the extra only

    # Only the name of the class: the text of aiohttp's errors can hold the request, and so the key.
    name = type(error).__name__
    match error:
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError():
            return httpx.ProxyError(name)
        case aiohttp.ClientConnectorCertificateError():
            return UntrustedCertificateError(name)
        case aiohttp.ClientConnectorError():
            return httpx.ConnectError(name)
        case aiohttp.ConnectionTimeoutError():
            return httpx.ConnectTimeout(name)
        case aiohttp.InvalidURL():
            return httpx.UnsupportedProtocol(name)
    return httpx.RemoteProtocolError(name)
