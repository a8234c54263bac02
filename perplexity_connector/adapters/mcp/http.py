"""Serving any number of clients over streamable HTTP."""

import hmac
import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address

import uvicorn
from mcp.server import Server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from perplexity_connector.contract import Secret

PATH = "/mcp"
_LARGEST_BODY = 4 * 1024 * 1024
_MOST_SESSIONS = 1000
_IDLE_SECONDS = 600
_GRACE_SECONDS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """Where to serve, and for whom.

    `address` is an IP address or `localhost`; `port` 0 takes any free one. Without a `token` anybody who reaches the
    port spends the credential's money. More than `concurrency` connections are told 503.
    """

    port: int
    address: str = "127.0.0.1"
    token: Secret | None = None
    concurrency: int = 256

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches the address."""
        return is_loopback(self.address)


def is_loopback(address: str) -> bool:
    """Whether an address, or a name, is known to be this machine's own."""
    try:
        return address == "localhost" or ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


async def serve_http(
    server: Server[None], options: HttpOptions, ready: Callable[[str], None]
) -> None:
    """Serve until SIGINT or SIGTERM, which stop the runs under way. `ready` is told the URL once it can be reached.

    Raises `OSError` for an address or a port that cannot be had, `ValueError` where a token is missing.
    """
    if not options.token and not options.is_loopback:
        message = "serving beyond this machine needs a token"
        raise ValueError(message)
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        max_request_body_size=_LARGEST_BODY,
        max_sessions=_MOST_SESSIONS,
        session_idle_timeout=_IDLE_SECONDS,
        # The gate checks both, before the body is read.
        transport_security=TransportSecuritySettings(
            enable_dns_rebinding_protection=False
        ),
    )
    config = uvicorn.Config(
        Gate(app, options),
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=options.concurrency,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    with _listen(options) as listener:
        name = f"[{options.address}]" if ":" in options.address else options.address
        ready(f"http://{name}:{listener.getsockname()[1]}{PATH}")
        await uvicorn.Server(config).serve(sockets=[listener])


class Gate:
    """Lets in who may come in: by `Host`, by `Origin`, and by token where there is one."""

    def __init__(self, app: ASGIApp, options: HttpOptions) -> None:
        """Guard `app`."""
        self._app = app
        self._loopback = options.is_loopback
        self._token = options.token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it before its body is read."""
        refusal = (
            self._refusal(Headers(scope=scope)) if scope["type"] == "http" else None
        )
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        # Beyond loopback this server may have any name; there the token keeps out a page that rebinds its own.
        if self._loopback and not is_loopback(_name(host)):
            return PlainTextResponse("This server does not go by that name.", 421)
        # A page of another origin may not even ask. Clients that are no browser send no origin.
        if headers.get("origin", f"http://{host}") not in (
            f"http://{host}",
            f"https://{host}",
        ):
            return PlainTextResponse("Pages of another origin are not let in.", 403)
        if self._token and not _is_right(headers.get("authorization", ""), self._token):
            return PlainTextResponse(
                "A valid bearer token is needed.", 401, {"WWW-Authenticate": "Bearer"}
            )
        return None


def _is_right(authorization: str, token: Secret) -> bool:
    scheme, _, given = authorization.partition(" ")
    same = hmac.compare_digest(given.strip().encode(), token.reveal().encode())
    return same and scheme.lower() == "bearer"


def _name(host: str) -> str:
    return host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host


def _listen(options: HttpOptions) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.address else socket.AF_INET
    # asyncio turns Nagle's delay off only where the socket names its protocol; each notification is to go at once.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((options.address, options.port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener
