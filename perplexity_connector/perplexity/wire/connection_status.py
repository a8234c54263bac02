"""Turn the end of a connection test's request into a `ConnectionStatus` with fixed words.

`unreachable`: wait, or check the network (no connection, no answer in time, or HTTP 5xx).
`unknown`: check the base URL or update the connector (HTML, a redirect, a list of something else,
or a 404 that is not the provider's).
"""

from perplexity_connector.contract import (
    ConnectionOutcome,
    ConnectionStatus,
    ConnectorError,
    ErrorCode,
)
from perplexity_connector.perplexity.wire.error_table import (
    ERROR_TABLE,
    NO_USABLE_KEY,
    ErrorRow,
)
from perplexity_connector.perplexity.wire.provider_errors import UnsentError

# A free request cannot show that credits are left. It can only be refused because there are none.
_OK = ErrorRow(
    "The API key works. Only a paid request can show whether the account has credits left.",
    "Run a step with it.",
    outcome=ConnectionOutcome.OK,
)
_NOT_PERPLEXITY = ERROR_TABLE[ErrorCode.INVALID_RESPONSE]
_UNEXPECTED = ErrorRow(
    "Perplexity answered in a way that this connector does not know.",
    "Run a step to see, check the base URL setting, and update the connector if there is a newer one.",
)
# After these it is still open whether the key works, and the message says so.
_KEY_NOT_TESTED = frozenset(
    {
        ConnectionOutcome.RATE_LIMITED,
        ConnectionOutcome.UNREACHABLE,
        ConnectionOutcome.UNKNOWN,
    }
)


def status_from_error(error: ConnectorError) -> ConnectionStatus:
    """Return the status for a request that failed. It holds none of the provider's own text."""
    row = _row(error)
    untested = row.outcome in _KEY_NOT_TESTED
    return ConnectionStatus(
        outcome=row.outcome,
        message=f"{row.message} The API key could not be tested."
        if untested
        else row.message,
        next_step=row.test_remedy or row.remedy,
        credit_checked=row.outcome is ConnectionOutcome.QUOTA_EXHAUSTED,
        retry_after=error.retry_after,
        http_status=error.http_status,
        request_id=error.request_id,
        docs_url=error.docs_url,
    )


def status_of_unknown_run(error: ConnectorError) -> ConnectionStatus:
    """Return the status after asking for a run id that does not exist.

    A 404 in the provider's own JSON proves that the key works.
    """
    if error.code is not ErrorCode.NOT_FOUND or error.provider_code is None:
        return status_from_error(error)
    return ConnectionStatus(
        outcome=_OK.outcome,
        message=_OK.message,
        next_step=_OK.remedy,
        request_id=error.request_id,
    )


def _row(error: ConnectorError) -> ErrorRow:
    if isinstance(error, UnsentError):
        return error.row
    if error.code is ErrorCode.INVALID_CREDENTIALS and error.http_status is None:
        return NO_USABLE_KEY
    row = ERROR_TABLE.get(error.code, _UNEXPECTED)
    if error.provider_code is None:
        # Not the provider's JSON: a 403 can be a proxy's page, which says nothing about the key.
        is_proxy_page = error.code is ErrorCode.PERMISSION_DENIED
        is_unknown = row.outcome is ConnectionOutcome.UNKNOWN
        return _NOT_PERPLEXITY if is_proxy_page or is_unknown else row
    if error.code is ErrorCode.NOT_FOUND:
        return _NOT_PERPLEXITY
    return _UNEXPECTED if row.outcome is ConnectionOutcome.UNKNOWN else row
