"""From whatever goes wrong on the way to an exact, honest error.

Nothing that the provider wrote becomes part of a message: a body may repeat the key or the question. Its error type is
taken over as `provider_code` when it looks like one, and a field that it names when it is one of ours.
"""

import re
import time
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from perplexity_connector.contract import (
    ConnectorError,
    Effect,
    ErrorCode,
    FieldError,
    JsonObject,
)
from perplexity_connector.contract.json import as_list, as_object, as_text, load_json
from perplexity_connector.perplexity.forms.create_chat_completion import ChatInput
from perplexity_connector.perplexity.forms.execute_search import SearchInput

_DOCS = "https://docs.perplexity.ai/docs"


class _Words(NamedTuple):
    what: str
    remedy: str
    docs: str | None = None


_WORDS = {
    ErrorCode.INVALID_INPUT: _Words(
        "Perplexity refused the request.", "Check the step's values."
    ),
    ErrorCode.INVALID_CREDENTIALS: _Words(
        "Perplexity refused the API key.",
        "Check it in the connection, or create a new one in the API console.",
        f"{_DOCS}/admin/api-key-management",
    ),
    ErrorCode.PERMISSION_DENIED: _Words(
        "The API key is valid but may not do this.",
        "Use a key of an API group, or ask its owner for access.",
        f"{_DOCS}/getting-started/api-groups",
    ),
    ErrorCode.QUOTA_EXHAUSTED: _Words(
        "The account behind the API key has no credits left.",
        "Buy credits in the API console, under Billing.",
        "https://console.perplexity.ai",
    ),
    ErrorCode.UNSUPPORTED: _Words(
        "Perplexity no longer offers what was asked for.",
        "Update the connector; if it is up to date, report this.",
        f"{_DOCS}/agent-api/migrate-from-sonar/overview",
    ),
    ErrorCode.NOT_FOUND: _Words(
        "Perplexity does not know this address.", "Check the base URL setting."
    ),
    ErrorCode.RATE_LIMITED: _Words(
        "Too many requests for this API key.",
        "Wait a little, or run fewer steps at once.",
        f"{_DOCS}/admin/rate-limits-usage-tiers",
    ),
    ErrorCode.UNAVAILABLE: _Words(
        "Perplexity could not be reached, or failed on its side.", "Try again later."
    ),
    ErrorCode.TIMEOUT: _Words(
        "Perplexity did not answer in time.", "Try again, or allow more time."
    ),
    ErrorCode.UPSTREAM_FAILED: _Words(
        "Perplexity began the run but did not finish it.",
        "Try again, or ask differently.",
    ),
    ErrorCode.INVALID_RESPONSE: _Words(
        "What came back is not an answer of the Perplexity API.",
        "Check the base URL setting and any proxy between here and there.",
    ),
}

_CLOCK_TOLERANCE_S = 2.0

_BY_STATUS = {
    400: ErrorCode.INVALID_INPUT,
    401: ErrorCode.INVALID_CREDENTIALS,
    402: ErrorCode.QUOTA_EXHAUSTED,
    403: ErrorCode.PERMISSION_DENIED,
    404: ErrorCode.NOT_FOUND,
    408: ErrorCode.TIMEOUT,
    410: ErrorCode.UNSUPPORTED,
    413: ErrorCode.INVALID_INPUT,
    422: ErrorCode.INVALID_INPUT,
    424: ErrorCode.UPSTREAM_FAILED,
    429: ErrorCode.RATE_LIMITED,
    504: ErrorCode.TIMEOUT,
    524: ErrorCode.TIMEOUT,
}

# The two types that say more than their status does (perplexity_api 5.2).
_BY_TYPE = {
    "chat_completions_not_available": ErrorCode.UNSUPPORTED,
    "insufficient_quota": ErrorCode.QUOTA_EXHAUSTED,
}

_FIELD_OF_TYPE = {
    "invalid_model": "model",
    "invalid_message": "messages",
    "invalid_search_domain_filter": "search_domain_filter",
}
_FIELD_OF_WIRE_NAME = {
    "max_output_tokens": "max_tokens",
    "input": "messages",
    "preset": "model",
    "reasoning": "reasoning_effort",
} | {name: name for name in (*ChatInput.model_fields, *SearchInput.model_fields)}
# On a chat's tool; of a search the same name is a field.
_FIELD_OF_TOOL_OPTION = {
    "search_context_size": "web_search_options",
    "user_location": "web_search_options",
}


def provider_error(
    code: ErrorCode, *, effect: Effect, detail: str = "", **more: Any
) -> ConnectorError:
    """The error of a code in its fixed words; `detail` is for the log, and ours."""
    words = _WORDS[code]
    message = f"{words.what} ({detail})" if detail else words.what
    return ConnectorError(
        code,
        message,
        user_message=f"{words.what} {words.remedy}",
        effect=effect,
        docs_url=words.docs,
        **more,
    )


def error_from_response(
    status: int, headers: Mapping[str, str], body: bytes
) -> ConnectorError:
    """The error for an answer that is no success, whatever its body: JSON of any shape, HTML, or nothing."""
    told = _told(body)
    error = as_object(told.get("error"))
    kind = as_text(error.get("type"))
    code = _BY_TYPE.get(kind) or _BY_STATUS.get(status) or _by_class(status)
    fields = _fields(kind, error, told) if code is ErrorCode.INVALID_INPUT else []
    resets_at = rate(headers)[2]
    return provider_error(
        code,
        effect=Effect.NONE if 400 <= status < 500 and status != 424 else Effect.UNKNOWN,  # noqa: PLR2004 - HTTP
        detail=f"HTTP {status}",
        http_status=status,
        provider_code=provider_code(kind),
        request_id=request_id(headers),
        fields=fields,
        retry_after=_retry_after(headers, resets_at)
        if code is ErrorCode.RATE_LIMITED
        else _told_wait(headers),
        resets_at=resets_at if code is ErrorCode.RATE_LIMITED else None,
    )


def rate(headers: Mapping[str, str]) -> tuple[int | None, int | None, float | None]:
    """The rate headers: requests allowed, requests left, and when the count starts anew, on this machine's clock."""
    found = [
        headers.get(f"x-ratelimit-{name}", "")
        for name in ("limit", "remaining", "reset")
    ]
    limit, remaining, reset = (
        int(value) if re.fullmatch("[0-9]{1,15}", value) else None for value in found
    )
    return limit, remaining, None if reset is None else reset - _clock_ahead(headers)


def _clock_ahead(headers: Mapping[str, str]) -> float:
    # The reset time is on the provider's clock, which its Date header tells to the second.
    date = _epoch(headers.get("date", ""))
    ahead = 0.0 if date is None else date - time.time()
    return ahead if abs(ahead) > _CLOCK_TOLERANCE_S else 0.0


def request_id(headers: Mapping[str, str]) -> str | None:
    """The provider's id of a request, for its support. Only what looks like a UUID: anything else may be an echo."""
    found = headers.get("x-request-id", "")
    return found if re.fullmatch("[0-9A-Fa-f-]{8,64}", found) else None


def provider_code(kind: str) -> str | None:
    """A provider's error type where it looks like one; with digits or dashes in it, it may be an echo of a key."""
    return kind if re.fullmatch("[a-z][a-z_]{0,63}", kind) else None


def _by_class(status: int) -> ErrorCode:
    return ErrorCode.UNAVAILABLE if status >= 500 else ErrorCode.INVALID_RESPONSE  # noqa: PLR2004 - HTTP


def _told(body: bytes) -> JsonObject:
    try:
        return as_object(load_json(body))
    except ValueError:
        return {}  # HTML from a proxy, or nothing


def _fields(kind: str, error: JsonObject, told: JsonObject) -> list[FieldError]:
    bad_request = re.findall(r"At body -> ([\w >-]+)", as_text(error.get("message")))
    details = [
        as_list(as_object(entry).get("loc")) for entry in as_list(told.get("detail"))
    ]
    paths = [
        *(
            re.findall(r"\w+", path)
            for path in (as_text(error.get("param")), *bad_request)
        ),
        *([as_text(part) for part in path] for path in details),
    ]
    names = {_FIELD_OF_TYPE.get(kind), *map(_outermost, paths)}
    remedy = "Perplexity does not accept this value. Change it or leave it out."
    return [
        FieldError(pointer=f"/{name}", code="refused", message=remedy)
        for name in sorted(filter(None, names))
    ]


def _outermost(path: Sequence[str]) -> str | None:
    # In `tools[0].user_location.country` the first: what stands further in may be named like a field of the other form.
    names = (
        _FIELD_OF_WIRE_NAME | _FIELD_OF_TOOL_OPTION
        if "tools" in path
        else _FIELD_OF_WIRE_NAME
    )
    return next((names[word] for word in path if word in names), None)


def _retry_after(headers: Mapping[str, str], resets_at: float | None) -> float | None:
    told = _told_wait(headers)
    if told is None and resets_at is not None and resets_at > time.time():
        return resets_at - time.time()
    return told


def _told_wait(headers: Mapping[str, str]) -> float | None:
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", value):
        return float(value)
    at = _epoch(value)
    return None if at is None else max(0.0, at - time.time())


def _epoch(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None
