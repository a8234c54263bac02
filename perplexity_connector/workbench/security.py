"""Admit only the workbench's own page, in the browser that received a token.

The workbench listens on loopback. Every web page that the user opens, and every program of any
user, can send requests there. So each launch has random secrets. The address holds a token behind
`#`, which a browser does not send; the page exchanges it for the session, keeps that in
`localStorage`, and sends it in a header. A cookie would go to every port of this machine;
`localStorage` belongs to one port. `Host` must be ours, which keeps out a foreign name that
resolves to loopback (DNS rebinding). `Origin` must be ours, which keeps out a foreign page's form
or script. The files of the page contain no secret and need no session.
"""

import logging
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from perplexity_connector.contract import ErrorCode
from perplexity_connector.serving.listener import LOOPBACK
from perplexity_connector.serving.middleware import (
    RefusalMiddleware,
    is_own_origin,
    is_same_text,
)
from perplexity_connector.workbench.failures import RefusedError, error_response

_LOG = logging.getLogger("perplexity_connector.workbench")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
SESSION_HEADER = "X-Workbench-Session"
# Where a page exchanges its token for the session.
SESSION_PATH = "/api/session"
# Where a page sends a table, the one body that is not JSON.
TABLES_PATH = "/api/tables"
_JSON, _BYTES = "application/json", "application/octet-stream"
_NO_SESSION = (
    "Open the address that the workbench printed at its start: it holds the token."
)
_SAFE_METHODS = ("GET", "HEAD")


def protect(
    app: ASGIApp,
    *,
    port: int,
    session: str,
    allowed: Sequence[str] = (),
) -> ASGIApp:
    """Return `app` with the checks of this module in front, and safe headers on every answer.

    `allowed` are names, with or without a port, of proxies and tunnels that lead here.
    """
    access = _PageAccess(port, session, allowed)
    return RefusalMiddleware(_ErrorNames(app), access.refuse, _HEADERS)


class _ErrorNames:
    """An ASGI application around another one, which logs a broken request by its error's name.

    The request was answered already. The server would log the error's text, which may hold a key.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            if scope["type"] != "http":
                raise
            _LOG.error("a request broke: %s", type(error).__name__)


class _PageAccess:
    """Decides about a request by its headers, for one port and one session.

    * `_hosts`: the `Host` headers that are answered; one without a port means any port.
    * `_schemes`: how a page of ours may have been opened; TLS ends at a proxy.
    """

    def __init__(self, port: int, session: str, allowed: Sequence[str]) -> None:
        own = (f"{LOOPBACK}:{port}", f"localhost:{port}")
        self._hosts = {*own, *(name.lower() for name in allowed)}
        self._schemes = ("http", "https") if allowed else ("http",)
        self._session = session

    def refuse(self, request: Request) -> Response | None:
        """Return the answer to a request that must not reach the application, or None."""
        error = self._error(request)
        return error_response(request, error) if error else None

    def _error(self, request: Request) -> RefusedError | None:
        if problem := self._source_problem(request):
            return RefusedError(403, ErrorCode.PERMISSION_DENIED, problem)
        session = request.headers.get(SESSION_HEADER, "")
        if not (_is_public(request) or is_same_text(session, self._session)):
            return RefusedError(401, ErrorCode.INVALID_CREDENTIALS, _NO_SESSION)
        if not _has_good_body(request):
            message = (
                f"The body of a request must be {_JSON}, and that of a table {_BYTES}."
            )
            return RefusedError(415, ErrorCode.INVALID_INPUT, message)
        return None

    def _is_ours(self, host: str) -> bool:
        return not self._hosts.isdisjoint({host, host.rpartition(":")[0]})

    def _source_problem(self, request: Request) -> str:
        hosts = request.headers.getlist("host")
        if len(hosts) != 1 or not self._is_ours(hosts[0].lower()):
            return "The Host of the request is not this workbench. Start it with --allow-host; a proxy must pass Host."
        host = hosts[0].lower()
        origins = request.headers.getlist("origin")
        site = request.headers.get("sec-fetch-site")
        is_safe = request.method in _SAFE_METHODS
        # Any page may link to this page: without the session it shows nothing.
        is_link = request.url.path == "/" and is_safe
        is_foreign = site not in (None, "same-origin", "none") and not is_link
        if is_foreign or not all(
            is_own_origin(origin, host, self._schemes) for origin in origins
        ):
            return "The request was sent by another page."
        if not (is_safe or origins or site == "same-origin"):
            return "The request does not say which page sent it."
        return ""


def _is_public(request: Request) -> bool:
    # As the routes see it: `request.url` would end at an escaped `?`.
    path = str(request.scope["path"])
    return path in ("/", SESSION_PATH) or path.startswith("/static/")


def _has_good_body(request: Request) -> bool:
    """Return whether the body has a type that no form of another page can send, or is empty."""
    has_body = (
        request.headers.get("content-length", "0") != "0"
        or "transfer-encoding" in request.headers
    )
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    wanted = _BYTES if request.scope["path"] == TABLES_PATH else _JSON
    return kind == wanted or not has_body
