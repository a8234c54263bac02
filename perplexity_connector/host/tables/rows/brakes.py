"""When a whole job stops: because of a row's error, or because a person wants it."""

from typing import TYPE_CHECKING, Literal, TypeAlias

from perplexity_connector.contract import ErrorCode

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument, ErrorDocument
    from perplexity_connector.host.ledger.entries import State

Reason: TypeAlias = Literal["budget", "stopped", "failed"]

# The next row would end like it.
_FOR_ALL = frozenset(
    {
        ErrorCode.INVALID_CREDENTIALS,
        ErrorCode.PERMISSION_DENIED,
        ErrorCode.QUOTA_EXHAUSTED,
        ErrorCode.UNSUPPORTED,
    }
)
# The job stops after so many `unavailable` rows without a success between.
_MANY = 20


def stops_all(error: "ErrorDocument") -> bool:
    """Return whether the next row would end with the same error."""
    return error["code"] in _FOR_ALL


class Brakes:
    """Stops a job.

    * `reason`: why nothing new is sent; None while the job goes on.
    * `cause`: the code of the row's error that stopped it; None for other reasons.
    * `message`: the words of that error, or which budget is used up; None for other reasons.
    * `is_leaving`: whether the runs under way are left to the provider, for the next start.
    * `is_cancelling`: whether a person wants the provider to stop them.
    * `_unavailable`: how many rows were `unavailable` since the last success.
    """

    def __init__(self) -> None:
        """Let the job go on."""
        self.reason: Reason | None = None
        self.cause: str | None = None
        self.message: str | None = None
        self.is_leaving = False
        self.is_cancelling = False
        self._unavailable = 0

    def stop(
        self, reason: Reason, message: str | None = None, cause: str | None = None
    ) -> None:
        """Send nothing new. The first reason counts."""
        if self.reason is None:
            self.reason, self.message, self.cause = reason, message, cause

    def state_after(
        self, envelope: "EnvelopeDocument", *, is_begun: bool, is_harmless: bool
    ) -> "State | None":
        """Return the state of a row whose run has ended like that; None for the usual rule.

        `is_begun`: the run can still be followed at the provider. `is_harmless`: a repeat buys nothing
        twice. A row that counts as not started is `planned` again. One that is only `claimed` waits for
        the end of others.
        """
        if envelope["status"] == "succeeded":
            self._unavailable = 0
            return None
        error = envelope["error"]
        may_repeat = is_harmless or error["effect"] == "none"
        if envelope["status"] == "cancelled":
            return self._after_cancel(
                envelope, is_begun=is_begun, may_repeat=may_repeat
            )
        if stops_all(error):
            reason: Reason = "budget" if error["cause"] == "budget" else "failed"
            self.stop(reason, error["user_message"], error["code"])
            return "planned" if may_repeat and not is_begun else None
        if error["code"] == ErrorCode.UNAVAILABLE:
            self._unavailable += 1
            if self._unavailable >= _MANY:
                self.stop("failed", error["user_message"], error["code"])
            return "claimed" if may_repeat and not is_begun else None
        return None

    def _after_cancel(
        self, envelope: "EnvelopeDocument", *, is_begun: bool, may_repeat: bool
    ) -> "State | None":
        if is_begun:
            goes_on = self.is_leaving or any(
                warning["code"] == "stop_unconfirmed"
                for warning in envelope["warnings"]
            )
            return None if goes_on else "planned"
        if not may_repeat:
            return None
        return "planned" if self.reason else "claimed"
