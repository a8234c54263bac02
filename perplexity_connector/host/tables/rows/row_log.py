"""The log of one row's run: it holds a request back, and says how the row ends, as the job wants it."""

from typing import TYPE_CHECKING

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host.ledger.entries import Claim, State
from perplexity_connector.host.runs.logs.ledger_log import JobLog
from perplexity_connector.host.tables.rows.brakes import Brakes

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument
    from perplexity_connector.host.ledger.ledger import Ledger


class RowLog(JobLog):
    """The log of a row while its job may be stopped.

    * `_brakes`: those of the job.
    * `_is_repeatable`: whether the action is idempotent.
    """

    def __init__(
        self, ledger: "Ledger", claim: Claim, brakes: Brakes, *, idempotent: bool
    ) -> None:
        """Write into the row of `claim`."""
        super().__init__(
            ledger,
            claim,
            idempotent=idempotent,
            settle=self._settle_row,
            may_stop=lambda: not brakes.is_leaving,
        )
        self._brakes = brakes
        self._is_repeatable = idempotent

    async def fence(self) -> None:
        """Let a request leave, unless it begins something and the job is being stopped."""
        if self._brakes.reason and not self._checkpoint:
            message = "The table was stopped before this request was sent."
            raise ConnectorError(ErrorCode.CANCELLED, message)
        await super().fence()

    def _settle_row(self, envelope: "EnvelopeDocument") -> "State | None":
        return self._brakes.state_after(
            envelope,
            is_begun=bool(self._checkpoint),
            is_harmless=self._is_repeatable or not self._is_in_doubt,
        )
