"""Refusals in the provider's envelope, and the HTML pages that proxies send in its place.

The envelope never names a field: of 27 recorded refusals none has `param` (docs/provider.md "Refusals").
"""

from collections.abc import Iterator
from contextlib import contextmanager
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

    def __init__(self, status: int, kind: str, message: str) -> None:
        """Put the error into the usual envelope, whose `code` repeats the status."""
        super().__init__(message)
        self.status = status
        self.body: JsonObject = {
            "error": {"message": message, "type": kind, "code": status}
        }


class BrokenRuleError(ApiError):
    """A 400 of a field's own rule. The Agent API says before it where the field is."""

    def __init__(self, message: str) -> None:
        """Refuse with the type `invalid_request`."""
        super().__init__(400, "invalid_request", message)


def invalid(message: str, kind: str = "invalid_request") -> ApiError:
    """Return a 400."""
    return ApiError(400, kind, message)


@contextmanager
def rules_of(place: str) -> Iterator[None]:
    """Put `place` before the message of each broken rule."""
    try:
        yield
    except BrokenRuleError as broken:
        message = f"{place}: {broken}"
        raise BrokenRuleError(message) from None


def retired() -> ApiError:
    """Return the 403 that every chat completions path has sent since 2026-09-27."""
    return ApiError(403, "chat_completions_not_available", RETIRED_MESSAGE)
