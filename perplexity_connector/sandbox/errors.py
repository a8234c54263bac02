"""Refusals in the provider's envelope, and the HTML pages that proxies send in its place."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perplexity_connector.sandbox.jsontypes import JsonObject

RETIRED_MESSAGE = (
    "Sonar is now the Agent API. Use /v1/responses instead of /v1/sonar. "
    "Migrate here: https://docs.perplexity.ai/docs/agent-api/migrate-from-sonar/overview"
)
PROXY_PAGE = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Sign in to this network.</body></html>\n"
BAD_GATEWAY_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>api.perplexity.ai | 502: Bad gateway</title></head>"
    "<body><h1>Bad gateway</h1>Cloudflare Ray ID: 97440000c0ffee00</body></html>\n"
)


class ApiError(Exception):
    """A refused request: `status` is the HTTP status, `body` the JSON object of the answer."""

    def __init__(
        self, status: int, kind: str, message: str, param: str | None = None
    ) -> None:
        """Put the error into the usual envelope, whose `code` repeats the status."""
        super().__init__(message)
        self.status = status
        error: JsonObject = {"message": message, "type": kind, "code": status}
        if param is not None:
            error["param"] = param
        self.body: JsonObject = {"error": error}


def invalid(
    message: str, param: str | None = None, kind: str = "invalid_request"
) -> ApiError:
    """Return a 400."""
    return ApiError(400, kind, message, param)


def query_missing() -> ApiError:
    """Return a 422 in the shape that the published specification has for `/search`."""
    error = ApiError(422, "missing", "Field required")
    detail: JsonObject = {
        "loc": ["body", "query"],
        "msg": "Field required",
        "type": "missing",
    }
    error.body = {"detail": [detail]}
    return error


def retired() -> ApiError:
    """Return the 403 that every chat completions path has sent since 2026-09-27."""
    return ApiError(403, "chat_completions_not_available", RETIRED_MESSAGE)
