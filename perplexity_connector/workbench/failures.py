"""Errors as HTTP answers: a `ConnectorError` as JSON, with its status."""

from collections.abc import Mapping

from starlette.responses import JSONResponse

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


def error_response(error: ConnectorError) -> JSONResponse:
    """Return the error as `{"error": …}`."""
    status = (
        error.status if isinstance(error, RefusedError) else STATUS_BY_CODE[error.code]
    )
    return JSONResponse({"error": error.to_dict()}, status)
