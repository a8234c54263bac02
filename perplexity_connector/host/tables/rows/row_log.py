"""The log of one row's run. It holds a request back while the job stops, and sets the state of the row."""

from typing import TYPE_CHECKING

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host.ledger.entries import Claim, State
from perplexity_connector.host.runs.logs.ledger_log import LedgerLog
from perplexity_connector.host.runs.logs.run_end import is_lost
from perplexity_connector.host.tables.rows.brakes import Brakes

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument
    from perplexity_connector.host.ledger.ledger import Ledger


class BrakedLog(LedgerLog):
    """The log of a run while its job may be stopped. `_brakes`: those of the job."""

    _brakes: Brakes

    async def fence(self) -> None:
        """Let a request leave, unless it begins something and the job is being stopped."""
        if self._brakes.reason and not self._checkpoint:
            message = "The table was stopped before this request was sent."
            raise ConnectorError(ErrorCode.CANCELLED, message)
        await super().fence()

    async def may_stop(self) -> bool:
        """Return whether the provider may be asked to stop the run: not if the next start follows it."""
        return not self._brakes.is_leaving and await super().may_stop()

    def _state_of(self, envelope: "EnvelopeDocument") -> "State":
        state = super()._state_of(envelope)
        # A run that the provider does not know can never be followed to its end.
        is_unsure = state == "begun" and is_lost(envelope["error"])
        return "unsure" if is_unsure else state


class RowLog(BrakedLog):
    """The log of a row."""

    def __init__(
        self, ledger: "Ledger", claim: Claim, brakes: Brakes, *, idempotent: bool
    ) -> None:
        """Write into the row of `claim`."""
        super().__init__(ledger, claim, idempotent=idempotent)
        self._brakes = brakes

    def _state_of(self, envelope: "EnvelopeDocument") -> "State":
        state = self._brakes.state_after(
            envelope,
            is_begun=bool(self._checkpoint),
            is_harmless=self._idempotent or not self._is_in_doubt,
        )
        return super()._state_of(envelope) if state is None else state
