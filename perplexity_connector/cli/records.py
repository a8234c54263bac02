"""The ledger as the commands use it: they wait for its answers. No answer of a run is lost by its problems."""

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from perplexity_connector.cli.exits import UsageError
from perplexity_connector.cli.output import say
from perplexity_connector.contract import ConnectorError, ErrorCode, JsonObject
from perplexity_connector.contract.json import is_flow_id
from perplexity_connector.host.ledger.entries import FencedError, LedgerError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from perplexity_connector.contract import EnvelopeDocument
    from perplexity_connector.host import Ledger, StepRun
    from perplexity_connector.host.ledger.entries import KnownJob, KnownRun
    from perplexity_connector.host.ledger.flow_entries import KnownFlow

_T = TypeVar("_T")

LAST = "last"
# For one answer of the ledger. Another process may hold it for some seconds.
_ANSWER_S = 30.0
# At the end of a command, for all that is queued.
_CLOSE_S = 5.0
_LISTED = 20


class Records:
    """The ledger of one command.

    * `ledger`: the ledger. The command's host writes its runs.
    * `_begun`: the runs of this command that have had a checkpoint.
    * `_cleared`: those of them whose checkpoint was cleared: nothing goes on at the provider.
    * `_said`: the problems of the ledger that a warning of a run, or an error, has named.
    """

    def __init__(self, ledger: "Ledger") -> None:
        """Use this ledger. It is opened when it is needed."""
        self.ledger = ledger
        self._begun: set[str] = set()
        self._cleared: set[str] = set()
        self._said = ""

    def __enter__(self) -> Self:
        """Begin a command."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let the ledger write all that is queued, and name its other problems on stderr."""
        for problem in self.ledger.close(_CLOSE_S):
            if problem not in self._said:
                say(f"warning: {problem}")

    def heed(self, envelope: "EnvelopeDocument") -> None:
        """Remember the warnings of a run that the user has seen."""
        for warning in envelope["warnings"]:
            if warning["code"] == "not_recorded":
                self._said += warning["message"]

    def note(self, run: "StepRun", state: JsonObject) -> None:
        """Remember that a run has a checkpoint, or that it was cleared. The host records it."""
        if state:
            self._begun.add(run.run_id)
        else:
            self._cleared.add(run.run_id)

    def was_begun(self, run_id: str) -> bool:
        """Return whether the run, now or before, has had a checkpoint."""
        return run_id in self._begun

    def is_cleared(self, run_id: str) -> bool:
        """Return whether this command has seen that nothing of the run goes on."""
        return run_id in self._cleared

    def find(self, run_id: str) -> "KnownRun | None":
        """Return a run; None without it, or if the ledger cannot be read: the end says so."""
        try:
            return self.ledger.run(run_id).result(_ANSWER_S)
        except (LedgerError, TimeoutError):
            return None

    def get(self, run_id: str) -> "KnownRun":
        """Return a run. `last` is the newest unfinished one; without one, the newest.

        Raises `UsageError` for an unknown id, naming the unfinished runs; else as `answer`.
        """
        name = self._last() if run_id == LAST else run_id
        if run := self.answer(self.ledger.run(name)):
            return run
        if is_flow_id(name):
            message = (
                "That is a flow. Use: perplexity-connector run-flow --resume FLOW_ID"
            )
            raise UsageError(message)
        if self.find_job(name):
            message = "That is a table's job. Start its command again: finished rows are not paid again."
            raise UsageError(message)
        known = ", ".join(self.unfinished()) or "none"
        message = f"Unknown run. Unfinished runs, newest first: {known}."
        raise UsageError(message)

    def find_flow(self, flow_id: str) -> "KnownFlow | None":
        """Return a flow; None as for `find`."""
        try:
            return self.ledger.flow(flow_id).result(_ANSWER_S)
        except (LedgerError, TimeoutError):
            return None

    def last_flow(self, source: str | None) -> "KnownFlow | None":
        """Return the newest flow of a source that ran for no table; None as for `find`."""
        if source is None:
            return None
        try:
            return self.ledger.last_flow(source).result(_ANSWER_S)
        except (LedgerError, TimeoutError):
            return None

    def get_flow(self, flow_id: str) -> "KnownFlow":
        """Return a flow. `last` is the newest that was cut short; without one, the newest.

        Raises `UsageError` for an unknown id; else as `answer`.
        """
        name = self._last_flow() if flow_id == LAST else flow_id
        if flow := self.answer(self.ledger.flow(name)):
            return flow
        message = "Unknown flow run. The command `runs` lists the known ones."
        raise UsageError(message)

    def _last_flow(self) -> str:
        flows = self.ledger.flows
        cut_short = self.answer(flows(status="interrupted", limit=1))
        newest = cut_short or self.answer(flows(limit=1))
        return newest[0].flow_id if newest else LAST

    def find_job(self, name: str) -> "KnownJob | None":
        """Return the job of that id, name or output file; None without it. Raises as `answer`."""
        # A job without a name of its own has the real path of its output.
        for known in (name, str(Path(name).resolve())):
            if job := self.answer(self.ledger.find_job(known)):
                return job
        return None

    def _last(self) -> str:
        newest = self.answer(self.ledger.runs(limit=1))
        return next(iter([*self.unfinished(), *(run.run_id for run in newest)]), LAST)

    def unfinished(self) -> list[str]:
        """Return the ids of the runs that can be followed, newest first. Raises as `answer`."""
        runs = self.answer(self.ledger.runs(status="begun", limit=_LISTED))
        return [run.run_id for run in runs]

    def forget(self, run_id: str) -> None:
        """Drop a run, or a job, and all that was asked and answered in it. Raises as `answer`."""
        self.answer(self.ledger.forget(run_id))

    def answer(self, future: "Future[_T]") -> _T:
        """Wait for the ledger.

        Raises `UsageError` if there is nothing to do it with, `ConnectorError`: `unavailable` if
        another process works on that run, or holds the ledger for long; `internal` if the ledger
        cannot be used.
        """
        try:
            return future.result(_ANSWER_S)
        except LookupError:
            message = "Nothing of that id can be followed or changed. The command `runs` lists the known ones."
            raise UsageError(message) from None
        except FencedError:
            message = (
                "Another process is working on this run. Try again when it has ended."
            )
            raise ConnectorError(ErrorCode.UNAVAILABLE, message) from None
        except TimeoutError:
            message = "The ledger is busy. Try again."
            raise ConnectorError(ErrorCode.UNAVAILABLE, message) from None
        except LedgerError as problem:
            self._said += str(problem)
            raise ConnectorError(ErrorCode.INTERNAL, str(problem)) from None
