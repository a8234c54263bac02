"""The way onto the network: aiohttp underneath httpx's interface where it is installed, httpx's own way where not.

aiohttp carries a live stream at a third of the CPU (docs/performance.md). What it raises is told apart here by the one
thing that costs money: what is a `ConnectError`, `ConnectTimeout`, `ProxyError` or `UnsupportedProtocol` was never
sent; everything else may have been. httpx leaves the usual variables (proxies, CA) to whoever brings a transport.
"""

import logging
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.request import getproxies, proxy_bypass

import httpx

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

_IDLE_CONNECTION_S = 5.0
# httpx's own parser takes as much; aiohttp's default of 8 KiB is less than some gateways' headers.
_LONGEST_HEADER = 64 * 1024
_LIBRARY_LOGS = ("connection", "http11", "http2", "proxy", "socks")

_OURS: ContextVar[bool] = ContextVar("perplexity_connector_request", default=False)


def network(base_url: str, connect_timeout: float) -> httpx.AsyncBaseTransport:
    """The transport to one origin, with the proxy and the CA that the environment names. It opens on first use.

    Raises `ImportError` or `ValueError` for a proxy of a kind that cannot be used.
    """
    url = httpx.URL(base_url)
    proxy = _proxy(url)
    # Loading the authorities takes longer than a run on loopback.
    secure = url.scheme == "https" or (
        proxy is not None and proxy.url.scheme == "https"
    )
    context = (
        httpx.create_ssl_context()
        if secure
        else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    )
    if find_spec("aiohttp") is not None and (
        proxy is None or proxy.url.scheme in {"http", "https"}
    ):
        return AiohttpTransport(context, proxy, connect_timeout)
    return plain_network(context, proxy)


@contextmanager
def unlogged() -> Iterator[None]:
    """While entered, httpx's own way says nothing: a provider may repeat the key in the head of its answer."""
    token = _OURS.set(True)
    try:
        yield
    finally:
        _OURS.reset(token)


def plain_network(
    context: ssl.SSLContext, proxy: httpx.Proxy | None
) -> httpx.AsyncBaseTransport:
    """The transport that httpx brings along, silent while `unlogged`."""
    for name in _LIBRARY_LOGS:
        logging.getLogger(f"httpcore.{name}").addFilter(_not_ours)
    # The host bounds what is in flight; the pool only keeps what is idle.
    limits = httpx.Limits(
        max_connections=None,
        max_keepalive_connections=100,
        keepalive_expiry=_IDLE_CONNECTION_S,
    )
    return httpx.AsyncHTTPTransport(verify=context, limits=limits, proxy=proxy)


def _not_ours(record: logging.LogRecord) -> bool:
    del record
    return not _OURS.get()


def _proxy(url: httpx.URL) -> httpx.Proxy | None:
    found = getproxies()
    address = found.get(url.scheme) or found.get("all")
    if not address or proxy_bypass(url.host):
        return None
    return httpx.Proxy(address if "://" in address else f"http://{address}")


class AiohttpTransport(httpx.AsyncBaseTransport):
    """One aiohttp session as an httpx transport: no redirects, cookies, unpacking or environment of its own."""

    def __init__(
        self, context: ssl.SSLContext, proxy: httpx.Proxy | None, connect_timeout: float
    ) -> None:
        """Take the TLS context, the proxy if any, and the seconds that connecting may take, names and TLS included."""
        self._context = context
        self._proxy = proxy
        self._introduction = _introduction(proxy)
        self._connect_timeout = connect_timeout
        self._session: ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, as soon as its head is there.

        Raises `ConnectError`, `ConnectTimeout`, `ProxyError` or `UnsupportedProtocol` when nothing was sent, another
        `TransportError` when something may have been.
        """
        import aiohttp  # noqa: PLC0415 - comes with the extra only

        # To a proxy that is handed the request itself, aiohttp introduces nobody.
        introduction = self._introduction if request.url.scheme == "http" else []
        try:
            response = await self._opened().request(
                request.method,
                str(request.url),
                headers=[*request.headers.multi_items(), *introduction],
                data=await request.aread() or None,
                allow_redirects=False,
                proxy=str(self._proxy.url) if self._proxy else None,
                proxy_headers=self._introduction,
            )
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            raise _failure(error) from None
        # Without the reason phrase, which nobody reads and a log might hold.
        return httpx.Response(
            response.status, headers=response.raw_headers, stream=_Body(response)
        )

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> "ClientSession":
        if self._session is None:
            import aiohttp  # noqa: PLC0415 - comes with the extra only

            self._session = aiohttp.ClientSession(
                # limit=0 is none: the host bounds what is in flight.
                connector=aiohttp.TCPConnector(
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
            # It would ask again, unasked, where a connection breaks under a GET. It has no public switch for that.
            self._session._retry_connection = False  # noqa: SLF001
        return self._session


class _Body(httpx.AsyncByteStream):
    """The body of an answer, in the pieces in which it came."""

    def __init__(self, response: "ClientResponse") -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        import aiohttp  # noqa: PLC0415 - comes with the extra only

        content = self._response.content
        try:
            while piece := await content.readany():
                yield piece
                # Let go before the next wait: a thousand streams that wait would hold a thousand pieces.
                del piece
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            # aiohttp forgets what had come, unread, when a connection breaks; it was received all the same.
            for piece in getattr(content, "_buffer", ()):
                yield piece
            raise httpx.ReadError(type(error).__name__) from None

    async def aclose(self) -> None:
        # An answer that was read to its end has given its connection back already; any other one's is of no use.
        self._response.close()


def _introduction(proxy: httpx.Proxy | None) -> list[tuple[str, str]]:
    if proxy is None or proxy.raw_auth is None:
        return []
    return [
        (
            "proxy-authorization",
            f"Basic {b64encode(b':'.join(proxy.raw_auth)).decode()}",
        )
    ]


def _failure(error: Exception) -> httpx.TransportError:
    """The error in httpx's words. Only what surely comes before sending is told as not connected."""
    import aiohttp  # noqa: PLC0415 - comes with the extra only

    # Never the text of it: aiohttp's errors hold the request, and the key with it.
    name = type(error).__name__
    match error:
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError():
            return httpx.ProxyError(name)
        case aiohttp.ClientConnectorError():
            return httpx.ConnectError(name)
        case aiohttp.ConnectionTimeoutError():
            return httpx.ConnectTimeout(name)
        case aiohttp.InvalidURL():
            return httpx.UnsupportedProtocol(name)
    return httpx.RemoteProtocolError(name)
