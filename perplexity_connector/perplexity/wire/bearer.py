"""The header of a request that names the key."""

import re
from collections.abc import Mapping

from perplexity_connector.contract import ErrorCode, Secret
from perplexity_connector.perplexity.wire.error_table import (
    BEARER_BEFORE_KEY,
    NO_USABLE_KEY,
)
from perplexity_connector.perplexity.wire.provider_errors import UnsentError


def bearer(credentials: Mapping[str, str | Secret]) -> str:
    """Return the header that names the key.

    Raises `UnsentError` (`invalid_credentials`) for a text that cannot be a key.
    """
    # Crash reporters print variables, but none of these names.
    secret = credentials.get("api_key", "")
    api_key = (secret.reveal() if isinstance(secret, Secret) else secret).strip()
    if not re.fullmatch("[!-~]+", api_key):
        # Checked here, because an HTTP library that refuses a header quotes it in its error.
        is_header = re.match(r"(?i)bearer\b", api_key)
        row = BEARER_BEFORE_KEY if is_header else NO_USABLE_KEY
        raise UnsentError(ErrorCode.INVALID_CREDENTIALS, row)
    return f"Bearer {api_key}"
