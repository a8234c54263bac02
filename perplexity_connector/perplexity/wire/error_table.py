"""The one table of words: error code -> message, remedy, documentation, connection outcome.

Change the words for an error here. `provider_errors` uses a row for a failed run, and
`connection_status` uses the same row for a connection test.
"""

from collections.abc import Mapping
from typing import NamedTuple

from perplexity_connector.contract import ConnectionOutcome, ErrorCode

_DOCS = "https://docs.perplexity.ai/docs"


class ErrorRow(NamedTuple):
    """The fixed words for one error.

    * `message`: the problem, one sentence.
    * `remedy`: what the user can do.
    * `docs_url`: the provider's page about it, if there is one.
    * `outcome`: how a connection test ends that meets this error. `UNKNOWN` means that the error
      says nothing about the API key or the network.
    * `test_remedy`: the remedy of a connection test, where it differs from `remedy`.
    """

    message: str
    remedy: str
    docs_url: str | None = None
    outcome: ConnectionOutcome = ConnectionOutcome.UNKNOWN
    test_remedy: str | None = None


ERROR_TABLE: Mapping[ErrorCode, ErrorRow] = {
    ErrorCode.INVALID_INPUT: ErrorRow(
        "Perplexity refused the request.", "Check the step's values."
    ),
    ErrorCode.INVALID_CREDENTIALS: ErrorRow(
        "Perplexity refused the API key: it is wrong, or was revoked.",
        "Check that it was copied whole (it begins with pplx-), or create a new one in the API console.",
        docs_url=f"{_DOCS}/admin/api-key-management",
        outcome=ConnectionOutcome.INVALID_CREDENTIALS,
    ),
    ErrorCode.PERMISSION_DENIED: ErrorRow(
        "The API key is valid, but it may not do this.",
        "Use a key of an API group that may, or ask the group's owner for access.",
        docs_url=f"{_DOCS}/getting-started/api-groups",
        outcome=ConnectionOutcome.PERMISSION_DENIED,
    ),
    ErrorCode.QUOTA_EXHAUSTED: ErrorRow(
        "The account behind the API key has no credits left.",
        "Buy credits in the API console, under Billing.",
        docs_url="https://console.perplexity.ai",
        outcome=ConnectionOutcome.QUOTA_EXHAUSTED,
    ),
    ErrorCode.UNSUPPORTED: ErrorRow(
        "Perplexity no longer offers this.",
        "Update the connector; if it is up to date, report this.",
        docs_url=f"{_DOCS}/agent-api/migrate-from-sonar/overview",
    ),
    ErrorCode.NOT_FOUND: ErrorRow(
        "Perplexity does not know this address.", "Check the base URL setting."
    ),
    ErrorCode.RATE_LIMITED: ErrorRow(
        "There are too many requests with this API key.",
        "Wait a little, or run fewer steps at once.",
        docs_url=f"{_DOCS}/admin/rate-limits-usage-tiers",
        outcome=ConnectionOutcome.RATE_LIMITED,
    ),
    ErrorCode.UNAVAILABLE: ErrorRow(
        "Perplexity could not be reached, or failed on its side.",
        "Try again later, or check the network, the proxy and the base URL setting.",
        outcome=ConnectionOutcome.UNREACHABLE,
    ),
    ErrorCode.TIMEOUT: ErrorRow(
        "Perplexity did not answer in time.",
        "Try again, or allow more time.",
        outcome=ConnectionOutcome.UNREACHABLE,
        test_remedy="Try again later, or check the network and the proxy.",
    ),
    ErrorCode.UPSTREAM_FAILED: ErrorRow(
        "Perplexity began the run but did not finish it.",
        "Try again, or ask differently.",
    ),
    ErrorCode.INVALID_RESPONSE: ErrorRow(
        "The answer is not one of the Perplexity API.",
        "Check the base URL setting, and any proxy or sign-in page on the way.",
    ),
}

# Three failures on this side, before anything is sent.
UNTRUSTED_CERTIFICATE = ErrorRow(
    "The certificate of the server, or of a proxy, is not trusted.",
    "If your network inspects TLS, set SSL_CERT_FILE to a PEM file with its certificate authority. "
    "If not, check the base URL setting and this machine's clock.",
    outcome=ConnectionOutcome.UNREACHABLE,
)
NO_USABLE_KEY = ERROR_TABLE[ErrorCode.INVALID_CREDENTIALS]._replace(
    message="No usable API key was given: it is missing, or has spaces or signs that no key has.",
    remedy="Fill in the API Key with a key from the API console; it begins with pplx-.",
)
BEARER_BEFORE_KEY = NO_USABLE_KEY._replace(
    message="The API key has the word Bearer before it, as in a header.",
    remedy="Fill in the key alone; it begins with pplx-.",
)
