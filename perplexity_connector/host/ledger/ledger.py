"""The ledger of a host: its jobs, rows, runs and budgets, in one database.

Importing this module imports neither SQLAlchemy nor `concurrent.futures`: both come with the first use.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from perplexity_connector.contract import JsonObject

if TYPE_CHECKING:
    from concurrent.futures import Future

    from perplexity_connector.host.ledger.entries import (
        Claim,
        KnownJob,
        KnownRun,
        NewJob,
        NewLine,
        NewRow,
        NewRun,
        RunEnd,
        UsageRow,
    )

__all__ = ["Ledger"]


class Ledger:
    """The recorded work of all processes that share a database.

    Each method returns a future, which resolves after the commit. It raises `LedgerError` if the
    ledger cannot be opened or written. Methods may be called from any thread, except in a callback.
    After a fork, every method of a ledger that was used before raises `LedgerError` itself.

    * `place`: where it is, without a password.
    * `is_local`: whether it is a file of this machine.
    * `record_content`: whether inputs and outputs outlive the end of their job.
    """

    place: str
    is_local: bool
    record_content: bool

    def __init__(
        self,
        url: str | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        record_content: bool | None = None,
        keep_days: int | None = None,
    ) -> None:
        """Use the database of a URL. It is opened with the first call of another method.

        Without a URL, `AUTOMATION_HOST_LEDGER` counts, else a file in the user's state folder.
        `AUTOMATION_HOST_RECORD_CONTENT` and `AUTOMATION_HOST_KEEP_DAYS` count likewise.
        """
        raise NotImplementedError

    # A run.

    def begin_run(self, run: "NewRun") -> "Future[Claim]":
        """Record a lone run with its reservation. `OverBudgetError` if that does not fit."""
        raise NotImplementedError

    def sent(self, claim: "Claim") -> "Future[None]":
        """Record that the request leaves now. `FencedError` if another owner has the row."""
        raise NotImplementedError

    def back(self, claim: "Claim") -> "Future[None]":
        """Record that an attempt ended without effect: the run is claimed again."""
        raise NotImplementedError

    def reserve_again(self, claim: "Claim", price: int | None) -> "Future[None]":
        """Keep the reservation of an attempt in doubt, and reserve as much for its repeat."""
        raise NotImplementedError

    def checkpoint(self, claim: "Claim", state: JsonObject) -> "Future[None]":
        """Record a checkpoint, which makes the run `begun`. An empty one clears it."""
        raise NotImplementedError

    def owns(self, claim: "Claim") -> "Future[bool]":
        """Return whether the row is still ours."""
        raise NotImplementedError

    def end_run(self, claim: "Claim", end: "RunEnd") -> "Future[str]":
        """Record the end of a run. Return the state that it has now."""
        raise NotImplementedError

    def resume_run(self, run_id: str) -> "Future[Claim]":
        """Take over a begun run of a process that ended.

        `LookupError` if there is nothing to follow, `FencedError` if its process lives.
        """
        raise NotImplementedError

    # A job.

    def find_job(self, name: str) -> "Future[KnownJob | None]":
        """Return the job of that name or id."""
        raise NotImplementedError

    def begin_job(self, job: "NewJob") -> "Future[None]":
        """Record a new job."""
        raise NotImplementedError

    def add_rows(
        self, job_id: str, rows: "Sequence[NewRow]", lines: "Sequence[NewLine]"
    ) -> "Future[None]":
        """Record some rows of a job and their lines. Call it in batches."""
        raise NotImplementedError

    def start_job(
        self,
        job_id: str,
        *,
        cap: int | None = None,
        retry: Literal["failed", "unsure"] | None = None,
    ) -> "Future[None]":
        """Count a start. Take over the rows of dead processes, and plan rows again that `retry` names.

        A cap replaces the job's own.
        """
        raise NotImplementedError

    def claim_row(
        self, job_id: str, percentiles: Mapping[str, int] | None = None
    ) -> "Future[Claim | None]":
        """Claim the next planned row with its reservation; None if nothing is planned.

        `OverBudgetError` if the reservation does not fit.
        """
        raise NotImplementedError

    def put_back(self, claim: "Claim") -> "Future[None]":
        """Plan a claimed row again. Its cost or reservation stays counted."""
        raise NotImplementedError

    def line_ends(self, job_id: str, ends: Sequence[tuple[int, int]]) -> "Future[None]":
        """Record where the records of some lines end in the output."""
        raise NotImplementedError

    def end_job(self, job_id: str, reason: str) -> "Future[None]":
        """Record the end of this start of a job."""
        raise NotImplementedError

    # What is recorded.

    def runs(
        self, *, status: str | None = None, since: int | None = None, limit: int = 50
    ) -> "Future[list[KnownRun]]":
        """Return the newest runs."""
        raise NotImplementedError

    def run(self, run_id: str) -> "Future[KnownRun | None]":
        """Return a run."""
        raise NotImplementedError

    def job(self, job: str) -> "Future[KnownJob | None]":
        """Return a job, by its id or name."""
        raise NotImplementedError

    def usage(self, by: str, since: int | None = None) -> "Future[list[UsageRow]]":
        """Return cost and tokens by `model`, `action`, `connection` or `day`."""
        raise NotImplementedError

    def percentile(
        self, connector: str, action: str, group: str
    ) -> "Future[int | None]":
        """Return the cost that 99 of 100 own runs do not exceed; None below 50 runs."""
        raise NotImplementedError

    def cancel(self, id: str) -> "Future[bool]":
        """Ask the owner of a run or job to stop it. Return whether anything is under way."""
        raise NotImplementedError

    def forget(self, id: str) -> "Future[None]":
        """Close a run or job, and erase its content."""
        raise NotImplementedError

    def erase_expired(self) -> "Future[int]":
        """Erase the content of jobs that ended too long ago. Return of how many."""
        raise NotImplementedError

    # The process.

    def on_cancel(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call this with the id of each run of this process that another one asked to stop.

        The writer thread calls it. Return a function that ends this.
        """
        raise NotImplementedError

    def close(self, timeout: float = 30.0) -> list[str]:
        """Wait until all is written. Return all problems since the last call, as texts.

        The last `Ledger` of a database that is closed ends the writer thread. A later call opens it again.
        """
        raise NotImplementedError
