"""Who may speak to the workbench: this page, in the browser that was given the token, and nobody else.

It listens on loopback, where every web page that the user opens, and every program of any user, can send requests to.
So each launch has a random token, which the address holds once and a cookie from then on; the `Host` must be ours (a
foreign name that resolves to loopback, DNS rebinding, is not), and the `Origin` too (a foreign page's form or script).
"""

import hmac
import logging

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perplexity_connector.contract import ErrorCode
from perplexity_connector.workbench.failures import RefusedError, answer

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
_NO_COOKIE = "Open the address that the workbench printed when it was started: it holds the token."
_SAFE_METHODS = ("GET", "HEAD")


class Guard:
    """An ASGI application around another one, which lets in only what may come in, and puts headers on every answer."""

    def __init__(self, app: ASGIApp, *, port: int, token: str) -> None:
        """Guard `app`, which is served at that port of the loopback interface."""
        self._app = app
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._token = token
        # Cookies do not tell ports apart: two workbenches at once must not overwrite each other's.
        self._cookie = f"workbench_{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; what is no request, the start and the end of the server, goes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        within = self._met(Request(scope)) or self._app
        try:
            await within(scope, receive, send_with_headers)
        except Exception as error:  # noqa: BLE001 - it was answered; its text, which the server would log, may hold a key
            _LOG.error("a request broke: %s", type(error).__name__)

    def _met(self, request: Request) -> Response | None:
        """What is answered at the door; None lets the request in."""
        token = request.query_params.get("token")
        if token is not None:
            # Whoever logs addresses in this process, the server first of all, gets the rest of it from here.
            request.scope["query_string"] = b""
        if problem := self._source_problem(request):
            return _refused(403, ErrorCode.PERMISSION_DENIED, problem)
        if request.url.path == "/" and token is not None:
            return self._welcome(token)
        if not self._is_token(request.cookies.get(self._cookie, "")):
            return _refused(401, ErrorCode.INVALID_CREDENTIALS, _NO_COOKIE)
        if not _is_json_or_empty(request):
            return _refused(
                415,
                ErrorCode.INVALID_INPUT,
                "The body of a request must be application/json.",
            )
        return None

    def _source_problem(self, request: Request) -> str:
        hosts, origins = (
            request.headers.getlist("host"),
            request.headers.getlist("origin"),
        )
        site = request.headers.get("sec-fetch-site")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return "The Host of the request is not this workbench."
        # Following a link to the page itself is anybody's right: without the cookie it gives nothing away.
        follows_a_link = request.url.path == "/" and request.method in _SAFE_METHODS
        is_foreign = site not in (None, "same-origin", "none") and not follows_a_link
        if is_foreign or any(
            origin != f"http://{hosts[0].lower()}" for origin in origins
        ):
            return "The request comes from another page."
        if (
            request.method not in _SAFE_METHODS
            and not origins
            and site != "same-origin"
        ):
            return "The request does not say which page it comes from."
        return ""

    def _welcome(self, token: str) -> Response:
        if not self._is_token(token):
            return _refused(
                401,
                ErrorCode.INVALID_CREDENTIALS,
                "This token is not that of this workbench.",
            )
        response = RedirectResponse("/", 303)
        response.set_cookie(self._cookie, self._token, httponly=True, samesite="strict")
        return response

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())


def _is_json_or_empty(request: Request) -> bool:
    has_body = (
        request.headers.get("content-length", "0") != "0"
        or "transfer-encoding" in request.headers
    )
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or not has_body


def _refused(status: int, code: ErrorCode, message: str) -> Response:
    return answer(RefusedError(status, code, message))
