"""From how a free request ended to what is told of the connection: fixed words, one table.

`unreachable` is what waiting or a look at the network mends: no connection, no answer in time, an outage (5xx).
`unknown` is what a look at the base URL or at the connector mends: something answered, but not as it should (a page of
HTML, a redirect, a list of something else, a 404 that is not the provider's).
"""

from collections.abc import Mapping
from typing import NamedTuple

from perplexity_connector.contract import (
    ConnectionOutcome,
    ConnectionStatus,
    ConnectorError,
    ErrorCode,
)


class _Words(NamedTuple):
    outcome: ConnectionOutcome
    message: str
    next_step: str
    credit_checked: bool = False


# Only a request that costs something would tell about credit, unless Perplexity says by itself that there is none.
_GOOD = _Words(
    ConnectionOutcome.OK,
    "The API key works. Whether the account has credits left was not checked, since only a paid request can tell.",
    "Run a step with it.",
)
_NO_KEY = _Words(
    ConnectionOutcome.INVALID_CREDENTIALS,
    "No usable API key was given: it is missing, or holds spaces or signs that no key has.",
    "Fill in the API Key with a key from the API console; it begins with pplx-.",
)
_ELSEWHERE = _Words(
    ConnectionOutcome.UNKNOWN,
    "Something answered, but not as the Perplexity API does, so the API key could not be tested.",
    "Check the base URL setting, and any proxy or sign-in page between here and there.",
)
_STRANGE = _Words(
    ConnectionOutcome.UNKNOWN,
    "Perplexity answered in a way that this test does not know, so it cannot tell whether the API key works.",
    "Run a step to see, check the base URL setting, and update the connector if there is a newer one.",
)
_BY_CODE: Mapping[ErrorCode, _Words] = {
    ErrorCode.INVALID_CREDENTIALS: _Words(
        ConnectionOutcome.INVALID_CREDENTIALS,
        "Perplexity refused the API key: it is wrong, or was revoked.",
        "Check that it was copied whole (it begins with pplx-), or generate a new one in the API console.",
    ),
    ErrorCode.PERMISSION_DENIED: _Words(
        ConnectionOutcome.PERMISSION_DENIED,
        "The API key is valid, but may not run what this connector needs.",
        "Use a key of an API group that may, or ask the group's owner for access.",
    ),
    ErrorCode.QUOTA_EXHAUSTED: _Words(
        ConnectionOutcome.QUOTA_EXHAUSTED,
        "The account behind the API key has no credits left.",
        "Buy credits in the API console, under Billing.",
        credit_checked=True,
    ),
    ErrorCode.RATE_LIMITED: _Words(
        ConnectionOutcome.RATE_LIMITED,
        "There are too many requests with this API key just now, so it could not be tested.",
        "Wait a little, or run fewer steps at once.",
    ),
    ErrorCode.UNAVAILABLE: _Words(
        ConnectionOutcome.UNREACHABLE,
        "Perplexity could not be reached, or failed on its side, so the API key could not be tested.",
        "Check the network, the proxy and the base URL setting, or try again later.",
    ),
    ErrorCode.TIMEOUT: _Words(
        ConnectionOutcome.UNREACHABLE,
        "Perplexity did not answer in time, so the API key could not be tested.",
        "Check the network and the proxy, or try again later.",
    ),
}


def status_from_error(error: ConnectorError) -> ConnectionStatus:
    """What a request that failed tells of the connection. Nothing of the provider's text is in it."""
    return ConnectionStatus(
        **_words(error)._asdict(),
        retry_after=error.retry_after,
        http_status=error.http_status,
        request_id=error.request_id,
        docs_url=error.docs_url,
    )


def status_of_unknown_run(error: ConnectorError) -> ConnectionStatus:
    """What the answer to a look at a run that nobody began tells: a 404 in the provider's own JSON is the good one."""
    if error.code is not ErrorCode.NOT_FOUND or error.provider_code is None:
        return status_from_error(error)
    return ConnectionStatus(**_GOOD._asdict(), request_id=error.request_id)


def _words(error: ConnectorError) -> _Words:
    if error.code is ErrorCode.INVALID_CREDENTIALS and error.http_status is None:
        return _NO_KEY
    # A 403 without the provider's JSON is the page of whoever stands between, and says nothing about the key.
    known = error.provider_code is not None
    if error.code in _BY_CODE and (
        known or error.code is not ErrorCode.PERMISSION_DENIED
    ):
        return _BY_CODE[error.code]
    return _STRANGE if known and error.code is not ErrorCode.NOT_FOUND else _ELSEWHERE
