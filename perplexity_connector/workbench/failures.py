"""Errors as HTTP answers: JSON for the page's script, a page for a person."""

from collections.abc import Mapping
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from perplexity_connector.contract import ConnectorError, ErrorCode

# One status for every code. An invalid connection is not 401: on this server, 401 means that the page's session
# is missing or wrong.
STATUS_BY_CODE: Mapping[ErrorCode, int] = {
    ErrorCode.INVALID_INPUT: 400,
    ErrorCode.INVALID_CREDENTIALS: 400,
    ErrorCode.PERMISSION_DENIED: 500,
    ErrorCode.QUOTA_EXHAUSTED: 500,
    ErrorCode.UNSUPPORTED: 500,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.UNAVAILABLE: 503,
    ErrorCode.TIMEOUT: 504,
    ErrorCode.UPSTREAM_FAILED: 500,
    ErrorCode.INVALID_RESPONSE: 500,
    ErrorCode.CANCELLED: 500,
    ErrorCode.INTERNAL: 500,
}

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Workbench</title>
<link rel="stylesheet" href="/static/style.css">
<link rel="stylesheet" href="/static/stopped.css">
</head>
<body>
<main class="stopped">
<h1>This address does not open the workbench</h1>
<p>{message}</p>
<p>If the workbench has ended, start it again:</p>
<pre>perplexity-connector workbench</pre>
<p><a class="button" href="/">Go to the workbench</a></p>
</main>
</body>
</html>
"""


class RefusedError(ConnectorError):
    """A request that is refused for its form, with an HTTP status of its own."""

    def __init__(
        self,
        status: int,
        code: ErrorCode,
        message: str,
    ) -> None:
        """Refuse with that HTTP status."""
        super().__init__(code, message)
        self.status = status


def error_response(request: Request, error: ConnectorError) -> Response:
    """Return the error as `{"error": …}`, or as a page where a browser opens an address."""
    status = (
        error.status if isinstance(error, RefusedError) else STATUS_BY_CODE[error.code]
    )
    # The page's own script accepts any type.
    if "text/html" in request.headers.get("accept", ""):
        message = escape(error.user_message or error.message)
        return HTMLResponse(_PAGE.format(message=message), status)
    return JSONResponse({"error": error.to_dict()}, status)
