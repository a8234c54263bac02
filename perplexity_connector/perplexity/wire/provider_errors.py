"""Map transport failures and HTTP errors to `ConnectorError`.

No text of the provider becomes part of a message: a body may repeat the key or the question. Its
error type is used as `provider_code` if it has the form of one, and the fields that it names are
found by `refused_fields`.
"""

import re
from collections.abc import Mapping, Sequence

from perplexity_connector.contract import (
    ConnectorError,
    Effect,
    ErrorCode,
    FieldError,
    JsonObject,
)
from perplexity_connector.contract.json import load_json
from perplexity_connector.contract.readers import as_object, as_text
from perplexity_connector.perplexity.wire.error_table import ERROR_TABLE, ErrorRow
from perplexity_connector.perplexity.wire.rate_headers import (
    rate_limit_from_headers,
    retry_after_from_headers,
)

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

# 408 and 499: a gateway stopped waiting for a request that may have arrived. 424: the run began
# and failed (docs/provider.md, "Refusals").
_AFTER_THE_START = frozenset({408, 424, 499})

# The two types that are more exact than their HTTP status (docs/provider.md, "Refusals").
_BY_TYPE = {
    "chat_completions_not_available": ErrorCode.UNSUPPORTED,
    "insufficient_quota": ErrorCode.QUOTA_EXHAUSTED,
}

# The known types and their HTTP status (docs/provider.md, "Refusals"), for errors with HTTP 200.
_STATUS_OF_TYPE = {
    "bad_request": 400,
    "invalid_country_code": 400,
    "invalid_date_format": 400,
    "invalid_language_code": 400,
    "invalid_message": 400,
    "invalid_model": 400,
    "invalid_parameter": 400,
    "invalid_request": 400,
    "invalid_search_domain_filter": 400,
    "invalid_api_key": 401,
    "insufficient_quota": 401,
    "chat_completions_not_available": 403,
    "forbidden": 403,
    "not_found": 404,
    "payload_too_large": 413,
    "external_connector_error": 424,
    "request_rate_limit_exceeded": 429,
    "internal_error": 500,
    "bad_gateway": 502,
    "upstream_structured_output_failed": 502,
    "gateway_timeout": 504,
}
_REFUSED = frozenset({400, 401, 402, 403, 404, 429})


class UnsentError(ConnectorError):
    """A failure on this side, before anything was sent; `row` has its words."""

    def __init__(
        self, code: ErrorCode, row: ErrorRow, *, retryable: bool | None = None
    ) -> None:
        """Say the words of `row`."""
        super().__init__(
            code,
            row.message,
            user_message=f"{row.message} {row.remedy}",
            docs_url=row.docs_url,
            retryable=retryable,
        )
        self.row = row


def provider_error(  # noqa: PLR0913 - each keyword is one part of the contract's error
    code: ErrorCode,
    *,
    effect: Effect,
    detail: str = "",
    http_status: int | None = None,
    provider_code: str | None = None,
    request_id: str | None = None,
    fields: Sequence[FieldError] = (),
    retry_after: float | None = None,
    resets_at: float | None = None,
    partial: JsonObject | None = None,
    usage: JsonObject | None = None,
) -> ConnectorError:
    """Return the error for a code, in its fixed words.

    `detail` goes into the log message only; it must be our own text.
    """
    row = ERROR_TABLE[code]
    return ConnectorError(
        code,
        f"{row.message} ({detail})" if detail else row.message,
        user_message=f"{row.message} {row.remedy}",
        docs_url=row.docs_url,
        effect=effect,
        http_status=http_status,
        provider_code=provider_code,
        request_id=request_id,
        fields=fields,
        retry_after=retry_after,
        resets_at=resets_at,
        partial=partial,
        usage=usage,
    )


def error_from_response(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    sent: JsonObject | None = None,
) -> ConnectorError:
    """Return the error for an unsuccessful response. The body may be JSON, HTML or empty.

    `sent` is the body of the request: only fields of its form are pointed at.
    """
    document = _document(body)
    error = as_object(document.get("error"))
    error_type = as_text(error.get("type"))
    code = _BY_TYPE.get(error_type) or _by_status(status)
    is_refused_input = code is ErrorCode.INVALID_INPUT
    is_limited = code is ErrorCode.RATE_LIMITED
    resets_at = rate_limit_from_headers(headers).resets_at if is_limited else None
    return provider_error(
        code,
        effect=_effect(status),
        detail=f"HTTP {status}",
        http_status=status,
        provider_code=provider_code(error_type),
        request_id=request_id(headers),
        fields=_refused_fields(document, sent or {}) if is_refused_input else (),
        retry_after=retry_after_from_headers(headers, resets_at),
        resets_at=resets_at,
    )


def error_in_answer(
    event: JsonObject,
    *,
    is_first: bool,
    sent: JsonObject,
    request_id: str | None = None,
) -> ConnectorError:
    """Return the error that an answer with HTTP 200 brings: as an event, or as its whole body.

    Its type means the same as in a refusal, and another type takes its code from `code`.
    `is_first` means that nothing else has arrived: then a type that refuses a request is proof that
    nothing was begun. `sent` is the body of the request.
    """
    inner = as_object(event.get("error"))
    # The flat form has its fields beside the event's own type.
    error = inner or event
    error_type, status = as_text(inner.get("type")), error.get("code")
    known = _STATUS_OF_TYPE.get(error_type) or _STATUS_OF_TYPE.get(as_text(status))
    code = _BY_TYPE.get(error_type) or _code_of_status(known or status)
    is_input = code is ErrorCode.INVALID_INPUT
    is_refused = is_first and _STATUS_OF_TYPE.get(error_type) in _REFUSED
    return provider_error(
        code,
        effect=Effect.NONE if is_refused else Effect.UNKNOWN,
        detail="an error with HTTP 200",
        provider_code=provider_code(error_type) or provider_code(as_text(status)),
        request_id=request_id,
        fields=_refused_fields({"error": error}, sent) if is_input else (),
    )


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the provider's id of a request, which its support asks for.

    Only a value in the form of a UUID counts: anything else may be an echo of the key.
    """
    value = headers.get("x-request-id", "")
    return value if re.fullmatch("[0-9A-Fa-f-]{8,64}", value) else None


def provider_code(error_type: str) -> str | None:
    """Return a provider's error type, or None if it has not the form of one.

    A value with digits or dashes may be an echo of the key.
    """
    return error_type if re.fullmatch("[a-z][a-z_]{0,63}", error_type) else None


def _code_of_status(status: object) -> ErrorCode:
    number = int(str(status)) if re.fullmatch("[1-5][0-9]{2}", str(status)) else 0
    if number < 400:  # noqa: PLR2004 - HTTP
        return ErrorCode.UPSTREAM_FAILED
    return _by_status(number)


def _by_status(status: int) -> ErrorCode:
    is_server_error = status >= 500  # noqa: PLR2004 - HTTP
    other = ErrorCode.UNAVAILABLE if is_server_error else ErrorCode.INVALID_RESPONSE
    return _BY_STATUS.get(status, other)


def _effect(status: int) -> Effect:
    # A 4xx was refused before anything was done, with exceptions.
    is_refusal = 400 <= status < 500 and status not in _AFTER_THE_START  # noqa: PLR2004 - HTTP
    return Effect.NONE if is_refusal else Effect.UNKNOWN


def _document(body: bytes) -> JsonObject:
    try:
        return as_object(load_json(body))
    except ValueError:
        return {}  # HTML from a proxy, or an empty body


def _refused_fields(document: JsonObject, sent: JsonObject) -> Sequence[FieldError]:
    # It knows the fields of both forms, and few runs are refused.
    from perplexity_connector.perplexity.wire import refused_fields  # noqa: PLC0415 - as above

    return refused_fields.field_errors(document, sent)
