"""Failures as answers: a `ConnectorError` as JSON, and the HTTP status that goes with it."""

from collections.abc import Mapping

from starlette.responses import JSONResponse

from perplexity_connector.contract import ConnectorError, ErrorCode

# A connection that the host refuses is no 401 here: that one says that the page's own cookie is not good.
_STATUSES: Mapping[ErrorCode, int] = {
    ErrorCode.INVALID_INPUT: 400,
    ErrorCode.INVALID_CREDENTIALS: 400,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.UNAVAILABLE: 503,
    ErrorCode.TIMEOUT: 504,
}


class RefusedError(ConnectorError):
    """A request that is refused for its form, with a status of its own."""

    def __init__(self, status: int, code: ErrorCode, message: str) -> None:
        """Refuse with that HTTP status."""
        super().__init__(code, message)
        self.status = status


def answer(error: ConnectorError) -> JSONResponse:
    """The error as `{"error": …}`."""
    status = (
        error.status
        if isinstance(error, RefusedError)
        else _STATUSES.get(error.code, 500)
    )
    return JSONResponse({"error": error.to_dict()}, status)
