"""The log of a run that is one step of a table's row."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perplexity_connector.host.runs.logs.ledger_log import BudgetedRunLog
from perplexity_connector.host.runs.logs.run_log import RunLog

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from perplexity_connector.host.ledger.entries import Claim, NewRun
    from perplexity_connector.host.ledger.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterLog(RunLog):
    """The log of a run until its first entry is known. It writes nothing.

    * `make`: makes the log that the run uses. `resumes`: whether it continues an earlier run.
    """

    make: "Callable[[NewRun, bool], RunLog]"


class StepLog(BudgetedRunLog):
    """The log of a step that runs for a table's row, whose claim has reserved its price.

    `_within`: the claim of the row. The run begins only while this process has it.
    """

    def __init__(
        self, ledger: "Ledger", new: "NewRun", *, within: "Claim", resumes: bool
    ) -> None:
        """Write nothing yet."""

        async def entry() -> "NewRun":
            return new

        super().__init__(
            ledger,
            entry,
            resumes=resumes,
            idempotent=new.idempotent,
            keeps_content=True,  # until the content of the row's job is erased
        )
        self._within = within

    def _enter(self, new: "NewRun") -> "Future[Claim]":
        self._entry = self._ledger.begin_run(new, within=self._within)
        return self._entry
