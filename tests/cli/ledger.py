"""A ledger in memory, as the command line and a host use one, and a host's way of writing into it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from perplexity_connector.contract import EnvelopeDocument, JsonObject
from perplexity_connector.host.ledger.entries import (
    Claim,
    FencedError,
    KnownJob,
    KnownRun,
    LimitKey,
    NewRun,
    RunEnd,
    State,
    UsageRow,
)
from perplexity_connector.host.ledger.flow_entries import (
    HistoryEntry,
    HistoryKind,
    KnownFlow,
)
from tests.cli.flow_ledger import FakeFlows

if TYPE_CHECKING:
    from concurrent.futures import Future

NOW = 1_790_000_000_000
_ACTION: dict[str, Any] = {
    "connector": "toy",
    "action": "look",
    "version": 1,
    "connection": None,
    "is_sandbox": False,
}
RUN = KnownRun(
    run_id="run_1",
    job_id="run_1",
    **_ACTION,
    number=0,
    key="",
    state="begun",
    created_at=NOW,
    ended_at=None,
    attempts=0,
    status=None,
    error_code=None,
    effect=None,
    usage=None,
    cost=None,
    cost_basis=None,
    kept=0,
    perhaps_twice=False,
    model=None,
    input={"query": "moon"},
    summary=None,
    checkpoint={"response_id": "resp_1"},
)
JOB = KnownJob(
    job_id="job_1",
    name="/home/ada/out.csv",
    **_ACTION,
    template_digest=None,
    columns=None,
    output="/home/ada/out.csv",
    created_at=NOW + 1,
    ended_at=None,
    starts=1,
    cancel_requested=False,
    content_erased=False,
    cap=None,
    committed=0,
    cost=0,
    counts={"done": 2, "unsure": 1},
    perhaps_twice=0,
    is_stale=False,
)


class FakeLedger(FakeFlows):
    """Keeps runs in a dictionary, newest last, and flows.

    * `entries`, `held`: the runs by id, and those of another process that lives.
    * `rows`, `known_jobs`: the usage and the jobs that it returns.
    * `warnings`: what `close` returns.
    """

    place = "memory"
    is_local = True
    record_content = True
    is_open = False

    def __init__(self) -> None:
        """Keep nothing yet."""
        super().__init__()
        self.entries: dict[str, KnownRun] = {}
        self.held: set[str] = set()
        self.rows: list[UsageRow] = []
        self.known_jobs: list[KnownJob] = []
        self.warnings: list[str] = []

    def keep(self, *run_ids: str, **parts: Any) -> None:
        """Keep runs that are alike but for their ids."""
        for run_id in run_ids:
            run = replace(RUN, run_id=run_id, job_id=run_id, **parts)
            self.entries[run_id] = run

    @property
    def unfinished(self) -> list[str]:
        """The ids of the runs that can be followed, newest first."""
        return [run.run_id for run in self._newest() if run.state == "begun"]

    # Of a host.

    def begin_run(self, run: NewRun, **how: Any) -> "Future[Claim]":
        """Keep a new run."""
        del how
        parts = {name: getattr(run, name) for name in _SHARED}
        self.keep(run.run_id, **parts, state="claimed", checkpoint=None)
        return self._did(_claim(self.entries[run.run_id]))

    def sent(self, claim: Claim) -> "Future[None]":
        """Set the state."""
        return self._change(claim, state="sent")

    def back(self, claim: Claim) -> "Future[None]":
        """Set the state."""
        return self._change(claim, state="claimed")

    def keep_in_doubt(self, claim: Claim) -> "Future[None]":
        """Do nothing: nothing has a price here."""
        del claim
        return self._did(None)

    def reserve_again(self, claim: Claim, price: int | None) -> "Future[None]":
        """Do nothing: nothing has a price here."""
        del claim, price
        return self._did(None)

    def checkpoint(self, claim: Claim, state: JsonObject) -> "Future[None]":
        """Set the checkpoint."""
        if not state:
            return self._change(claim, checkpoint=None)
        return self._change(claim, state="begun", checkpoint=state)

    def percentile(self, *what: Any) -> "Future[int | None]":
        """Know no cost of before."""
        del what
        return self._did(None)

    def set_rate(self, key: LimitKey, rate: float, *, used: int) -> "Future[None]":
        """Do nothing: only this process runs."""
        del key, rate, used
        return self._did(None)

    def stop_turns(self, key: LimitKey, seconds: float) -> "Future[None]":
        """Do nothing: only this process runs."""
        del key, seconds
        return self._did(None)

    def owns(self, claim: Claim) -> "Future[bool]":
        """Return that it does."""
        return self._did(claim.run_id in self.entries)

    def end_run(self, claim: Claim, end: RunEnd) -> "Future[str]":
        """Set the end."""
        run = self.entries[claim.run_id]
        self.entries[claim.run_id] = replace(
            run,
            state=end.state,
            status=end.status,
            error_code=end.error_code,
            output=end.envelope,
            summary=end.summary,
        )
        return self._did(str(end.state))

    def on_cancel(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Never call it."""
        return lambda: self.asked.append(callback)

    # Of the command line.

    def resume_run(self, run_id: str) -> "Future[Claim]":
        """Return the claim of a run that no other process has."""
        if run_id in self.held:
            return self._failed(FencedError("It lives."))
        if self.entries[run_id].state != "begun":
            return self._failed(LookupError(run_id))
        return self._did(_claim(self.entries[run_id]))

    def runs(
        self,
        *,
        status: str | None = None,
        since: int | None = None,
        job_id: str | None = None,
        limit: int = 50,
    ) -> "Future[Sequence[KnownRun]]":
        """Return the newest runs; those of rows only with their job."""
        runs = [
            run
            for run in self._newest()
            if status in {None, run.state}
            and run.created_at >= (since or 0)
            and run.job_id == (job_id or run.run_id)
        ]
        return self._did(runs[:limit])

    def run(self, run_id: str) -> "Future[KnownRun | None]":
        """Return the run."""
        return self._did(self.entries.get(run_id))

    def last_run(
        self, connector: str, action: str, connection: str | None
    ) -> "Future[KnownRun | None]":
        """Return the newest run like this that is done."""
        wanted = (connector, action, connection, "done", False, None)
        alike = (
            run
            for run in self._newest()
            if wanted
            == (
                *(run.connector, run.action, run.connection),
                *(run.state, run.is_sandbox, run.flow_id),
            )
        )
        return self._did(next(alike, None))

    def find_job(self, id_or_name: str) -> "Future[KnownJob | None]":
        """Return the job of that id or name."""
        found = [
            each for each in self.known_jobs if id_or_name in {each.job_id, each.name}
        ]
        return self._did(next(iter(found), None))

    def jobs(
        self, *, since: int | None = None, limit: int = 50
    ) -> "Future[Sequence[KnownJob]]":
        """Return the jobs."""
        del since
        return self._did(self.known_jobs[:limit])

    def history(
        self, *, search: str | None = None, limit: int = 50
    ) -> "Future[Sequence[HistoryEntry]]":
        """Return runs outside jobs, jobs and flows, newest first."""
        del search
        entries = [
            *(
                _entry("run", run.run_id, run)
                for run in self._newest()
                if run.job_id == run.run_id
            ),
            *(_entry("table", job.job_id, job) for job in self.known_jobs),
            *(_entry("flow", flow.flow_id, flow) for flow in self.known_flows),
        ]
        entries.sort(key=lambda entry: entry.at, reverse=True)
        return self._did(entries[:limit])

    def usage(self, by: str, since: int | None = None) -> "Future[Sequence[UsageRow]]":
        """Return the rows."""
        self.asked.append((by, since))
        return self._did(self.rows)

    def cancel(self, id: str) -> "Future[bool]":
        """Return whether another process has it."""
        self.asked.append(id)
        return self._did(id in self.held)

    def forget(self, id: str) -> "Future[None]":
        """Drop a run."""
        if id in self.held:
            return self._failed(FencedError("It lives."))
        if not self.problem:
            self.entries.pop(id, None)
        self.asked.append(id)
        return self._did(None)

    def close(self, timeout: float) -> list[str]:
        """Return the warnings."""
        del timeout
        return self.warnings

    def _newest(self) -> Iterator[KnownRun]:
        return reversed(list(self.entries.values()))

    def _change(self, claim: Claim, **parts: Any) -> "Future[None]":
        self.entries[claim.run_id] = replace(self.entries[claim.run_id], **parts)
        return self._did(None)


_SHARED = ("connector", "action", "version", "connection", "is_sandbox", "input")


def _entry(
    kind: HistoryKind, id: str, of: KnownRun | KnownJob | KnownFlow
) -> HistoryEntry:
    return HistoryEntry(
        kind=kind,
        id=id,
        title="",
        at=of.created_at,
        ended_at=of.ended_at,
        status="running",
        cost=None,
        is_sandbox=of.is_sandbox,
    )


def _claim(run: KnownRun) -> Claim:
    return Claim(
        job_id=run.job_id,
        row_id=1,
        run_id=run.run_id,
        epoch=1,
        round=1,
        number=0,
        key="",
        state=run.state,
        input=run.input,
        checkpoint=run.checkpoint,
    )


def end_of(envelope: EnvelopeDocument, *, is_followed: bool) -> RunEnd:
    """The end that a host writes: a run whose end was not seen stays `begun` with its checkpoint."""
    error = envelope["error"]
    code = error["code"] if error else None
    is_seen = error is None or (
        code == "upstream_failed" and error["http_status"] is None
    )
    ended: State = "failed" if error else "done"
    state: State = "begun" if is_followed and not is_seen else ended
    return RunEnd(
        envelope=envelope,
        state=state,
        status=envelope["status"],
        error_code=code,
        summary=envelope["summary"],
        ended_at=NOW,
    )
