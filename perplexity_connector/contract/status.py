"""The result of a connection test."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perplexity_connector.contract.descriptions import ConnectionStatusDocument

__all__ = ["ConnectionOutcome", "ConnectionStatus"]


class ConnectionOutcome(StrEnum):
    """Every way a connection test can end. Hosts branch on these; messages may change."""

    OK = "ok"
    INVALID_CREDENTIALS = "invalid_credentials"
    PERMISSION_DENIED = "permission_denied"
    QUOTA_EXHAUSTED = "quota_exhausted"
    RATE_LIMITED = "rate_limited"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionStatus:
    """The result of a connection test: the outcome, a sentence about it, and what to do next.

    `credit_checked` says whether the test could check that there is credit left; most free tests
    cannot. `retry_after` is in seconds. `request_id` is the provider's, for its support.
    """

    outcome: ConnectionOutcome
    message: str
    next_step: str = ""
    credit_checked: bool = False
    retry_after: float | None = None
    http_status: int | None = None
    request_id: str | None = None
    docs_url: str | None = None

    def to_dict(self) -> "ConnectionStatusDocument":
        """Return the status as plain JSON, with every key present."""
        return {
            "outcome": self.outcome.value,
            "message": self.message,
            "next_step": self.next_step,
            "credit_checked": self.credit_checked,
            "retry_after": self.retry_after,
            "http_status": self.http_status,
            "request_id": self.request_id,
            "docs_url": self.docs_url,
        }
