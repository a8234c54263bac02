"""Serve any number of clients over streamable HTTP."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from perplexity_connector.adapters.mcp.bodies import RepairedBodies
from perplexity_connector.adapters.mcp.refusals import LoggedRefusals
from perplexity_connector.adapters.mcp.server import ActionServer
from perplexity_connector.adapters.mcp.sessions import BoundedSessions
from perplexity_connector.contract import Secret
from perplexity_connector.serving.listener import is_loopback, listen
from perplexity_connector.serving.middleware import (
    RefusalMiddleware,
    has_bearer_token,
    is_loopback_host,
    is_own_origin,
)
from perplexity_connector.serving.server import quiet_config

PATH = "/mcp"
_LARGEST_BODY = 4 * 1024 * 1024
_IDLE_SECONDS = 600
_GRACE_SECONDS = 1
_SCHEMES = ("http", "https")
# A header carries no other characters unchanged.
_TOKEN = re.compile("[!-~]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """Where to serve, and whom.

    `address` is an IP address or `localhost`; `port` 0 takes any free port. Without a `token`,
    anyone who reaches the port spends the credential's money. More admitted connections than
    `concurrency` are answered with 503. Of more than `sessions` the longest idle ends.

    * `names`: further names of a server on loopback, as a proxy or a container sends them in `Host`.
    """

    port: int
    address: str = "127.0.0.1"
    token: Secret | None = None
    names: Collection[str] = ()
    concurrency: int = 256
    sessions: int = 1000

    def __post_init__(self) -> None:
        """Raise `ValueError` for a token that no client can send."""
        token = self.token.reveal() if self.token else ""
        if token and not _TOKEN.fullmatch(token.strip()):
            message = "a token is visible ASCII characters, without spaces"
            raise ValueError(message)

    @property
    def is_loopback(self) -> bool:
        """Return whether only this machine can reach the address."""
        return is_loopback(self.address)

    def refuse(self, request: Request) -> Response | None:
        """Return the answer to a request that must not reach a tool, or None."""
        headers = request.headers
        host = headers.get("host", "")
        # Beyond loopback the server may have any name. There the token stops a page that uses DNS rebinding.
        if self.is_loopback and not (is_loopback_host(host) or self._is_name(host)):
            return PlainTextResponse("This server does not have that name.", 421)
        # Clients that are not browsers send no origin.
        origin = headers.get("origin", f"http://{host}")
        if not (
            is_own_origin(origin, host, _SCHEMES)
            or self._is_name(origin.partition("://")[2])
        ):
            return PlainTextResponse("Pages of another origin are refused.", 403)
        authorization = headers.get("authorization", "")
        if self.token and not has_bearer_token(authorization, self.token.reveal()):
            challenge = {"WWW-Authenticate": "Bearer"}
            return PlainTextResponse("A valid bearer token is needed.", 401, challenge)
        return None

    def _is_name(self, host: str) -> bool:
        """Return whether a host, with or without a port, is one of `names`."""
        return bool(host) and _bare(host) in map(_bare, self.names)


def _bare(host: str) -> str:
    return re.sub(r":[0-9]+$", "", host).lower()


async def serve_http(
    server: ActionServer, options: HttpOptions, ready: Callable[[str], None]
) -> None:
    """Serve until SIGINT or SIGTERM, which cancel the active runs.

    `ready` is called with the URL once it can be reached. Raises `OSError` for an address or a port
    that cannot be used, `ValueError` if a token is missing. Refused requests are logged.
    """
    if not options.token and not options.is_loopback:
        message = "serving beyond this machine needs a token"
        raise ValueError(message)
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        max_request_body_size=_LARGEST_BODY,
        # Reached only when runs keep more sessions than `options.sessions` open.
        max_sessions=options.sessions + options.concurrency,
        session_idle_timeout=_IDLE_SECONDS,
        # `HttpOptions.refuse` checks Host and Origin, before the body is read.
        transport_security=TransportSecuritySettings(
            enable_dns_rebinding_protection=False
        ),
    )
    bounded = BoundedSessions(
        RepairedBodies(app, most=_LARGEST_BODY),
        path=PATH,
        most=options.sessions,
        has_run=server.has_run,
    )
    config = quiet_config(
        LoggedRefusals(RefusalMiddleware(bounded, options.refuse)),
        grace_seconds=_GRACE_SECONDS,
        max_connections=options.concurrency,
    )
    with listen(options.address, options.port) as listener:
        name = f"[{options.address}]" if ":" in options.address else options.address
        ready(f"http://{name}:{listener.getsockname()[1]}{PATH}")
        await uvicorn.Server(config).serve(sockets=[listener])
