"""The log of a run in the ledger."""

from typing import TYPE_CHECKING

from perplexity_connector.host.runs.run_log import RunLog

if TYPE_CHECKING:
    from perplexity_connector.host.ledger.entries import Claim
    from perplexity_connector.host.ledger.ledger import Ledger


class RowLog(RunLog):
    """The log of a row of a job, whose claim this process holds. It waits for every commit.

    * `final`: the state in which the run has ended, as the ledger has it; None before.
    """

    def __init__(
        self,
        ledger: "Ledger",
        claim: "Claim",
        *,
        idempotent: bool,
        record_content: bool,
    ) -> None:
        """Write into the row of `claim`."""
        self.final: str | None = None
        raise NotImplementedError

    def leave(self) -> None:
        """Let the run go on at the provider: from now on `may_stop` is false, and it ends as `begun`."""
        raise NotImplementedError
