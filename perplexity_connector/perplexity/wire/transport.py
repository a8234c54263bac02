"""Choose the network: aiohttp if it is installed, else httpx's own transport.

aiohttp carries a live stream with a third of the CPU time (docs/performance.md). Errors are mapped
by one question: can the request have been sent, and cost money? `NotSentError` means no,
`BrokenError` means maybe. Neither library reads the proxy and CA variables as httpx's client does,
so this module does. No proxy is used for this machine: there it could only read the key.

Both libraries are imported on first use. aiohttp is an extra; beside it, httpx is needed only for a
proxy, or for authorities where the system has none.
"""

import ssl
from base64 import b64encode
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from perplexity_connector.perplexity.wire.endpoint import is_loopback_address
from perplexity_connector.perplexity.wire.exchange import (
    IDLE_CONNECTION_S,
    BrokenError,
    Network,
    NotSentError,
    Request,
    UntrustedCertificateError,
    joined,
)
from perplexity_connector.perplexity.wire.proxies import ProxyChoice, chosen_proxy
from perplexity_connector.perplexity.wire.trust import tls_context
from perplexity_connector.perplexity.wire.variables import refuse

if TYPE_CHECKING:
    import httpx
    from aiohttp import ClientResponse, ClientSession

# As much as httpx's own parser takes. Some gateways send more than aiohttp's default of 8 KiB.
_LONGEST_HEADER = 64 * 1024
_HTTP = frozenset({"http", "https"})
_PORTS = {"http": 80, "https": 443}


def network(base_url: str, connect_timeout: float) -> Network:
    """Return the network to one origin, with the proxy and the CA of the environment.

    Connecting may take `connect_timeout` seconds. Raises `ConnectorError` (`invalid_input`), naming
    the variable, for a proxy or a CA bundle that cannot be used.
    """
    url = urlsplit(base_url)
    choice = _proxy_choice(url)
    proxy = _proxy(choice) if choice else None
    context = _context(url, proxy)
    is_http_proxy = proxy is None or proxy.url.scheme in _HTTP
    if is_http_proxy and find_spec("aiohttp") is not None:
        return AiohttpNetwork(context, proxy, connect_timeout)
    from perplexity_connector.perplexity.wire.httpx_network import (  # noqa: PLC0415 - not needed beside aiohttp
        HttpxNetwork,
        plain_network,
    )

    try:
        return HttpxNetwork(plain_network(context, proxy), connect_timeout)
    except ImportError:
        rule = "SOCKS needs a package: pip install 'httpx[socks]'."
        refuse(choice.source if choice else "", rule)


def _context(url: SplitResult, proxy: "httpx.Proxy | None") -> ssl.SSLContext:
    # Loading the CA certificates takes longer than a run on loopback, and without TLS they are not
    # needed.
    if "https" not in {url.scheme, proxy.url.scheme if proxy else ""}:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return tls_context(_shipped_authorities)


def _shipped_authorities() -> ssl.SSLContext:
    import httpx  # noqa: PLC0415 - few machines have no store of their own

    return httpx.create_ssl_context(trust_env=False)


def _proxy_choice(url: SplitResult) -> ProxyChoice | None:
    host = url.hostname or ""
    if _is_loopback(host):
        return None
    return chosen_proxy(url.scheme, host, url.port or _PORTS[url.scheme])


def _proxy(choice: ProxyChoice) -> "httpx.Proxy":
    import httpx  # noqa: PLC0415 - few networks have a proxy

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


class AiohttpNetwork:
    """Send requests over one aiohttp session.

    It does not follow redirects, keep cookies, unpack bodies or read the environment.

    * `_proxy`: the address of the proxy, if any, without its user and password.
    * `_proxy_headers`: the header with its user and password, if it has them.
    * `_session`: None until it is opened.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        proxy: "httpx.Proxy | None",
        connect_timeout: float,
    ) -> None:
        """Connect with this TLS context, through the proxy if any.

        `connect_timeout` is in seconds and includes the name look-up and TLS.
        """
        self._context = context
        self._proxy = str(proxy.url) if proxy else None
        self._proxy_headers = _proxy_headers(proxy)
        self._connect_timeout = connect_timeout
        self._session: ClientSession | None = None

    async def open(self) -> None:
        """Open the session."""
        self._opened()

    async def send(self, request: Request) -> "_AiohttpAnswer":
        """Send a request. Raises our errors for those of aiohttp."""
        import aiohttp  # noqa: PLC0415 - installed with the extra only

        try:
            response = await self._opened().request(
                request.method,
                request.url,
                headers=self._headers(request),
                data=request.content or None,
                allow_redirects=False,
                proxy=self._proxy,
                proxy_headers=self._proxy_headers,
            )
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            raise _failure(error) from None
        return _AiohttpAnswer(response)

    def _headers(self, request: Request) -> Mapping[str, str]:
        # aiohttp uses `proxy_headers` for a tunnel only. A plain request needs them itself.
        if self._proxy_headers and request.url.startswith("http:"):
            return {**request.headers, **self._proxy_headers}
        return request.headers

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
                    limit=0, ssl=self._context, keepalive_timeout=IDLE_CONNECTION_S
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


class _AiohttpAnswer:
    """One of aiohttp's responses."""

    def __init__(self, response: "ClientResponse") -> None:
        self._response = response
        self.status = response.status
        self.headers = joined(response.raw_headers)

    async def read(self) -> bytes:
        import aiohttp  # noqa: PLC0415 - installed with the extra only

        content = self._response.content
        try:
            return await content.readany()
        except (aiohttp.ClientError, OSError, RuntimeError):
            # When a connection breaks, aiohttp drops the pieces that it received and that were not
            # read yet. They still count.
            if pieces := getattr(content, "_buffer", None):
                piece: bytes = pieces.popleft()
                return piece
            kind = "ReadError"
            raise BrokenError(kind) from None

    async def aclose(self) -> None:
        # A response that was read to its end has given its connection back already. After any other
        # one, the connection cannot be used again.
        self._response.close()


def _proxy_headers(proxy: "httpx.Proxy | None") -> Mapping[str, str]:
    if proxy is None or proxy.raw_auth is None:
        return {}
    credentials = b64encode(b":".join(proxy.raw_auth)).decode()
    return {"proxy-authorization": f"Basic {credentials}"}


def _failure(error: Exception) -> NotSentError | BrokenError:
    """Return our error for one of aiohttp's: `NotSentError` only if surely nothing was sent."""
    import aiohttp  # noqa: PLC0415 - installed with the extra only

    # Words of our own, the same as over httpx: the text of aiohttp's errors can hold the request, and
    # so the key.
    match error:
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError():
            return NotSentError("ProxyError")
        case aiohttp.ClientConnectorCertificateError():
            return UntrustedCertificateError("ConnectError")
        case aiohttp.ClientConnectorError():
            return NotSentError("ConnectError")
        case aiohttp.ConnectionTimeoutError():
            return NotSentError("ConnectTimeout")
        case aiohttp.InvalidURL():
            return NotSentError("UnsupportedProtocol")
    return BrokenError("RemoteProtocolError")
