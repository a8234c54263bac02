"""The rows of a job as a flow of Prefect: each flow run is one of several processes that run them."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, Literal, cast

from prefect import State, flow
from prefect.exceptions import TerminationSignal
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Failed

from perplexity_connector.adapters.prefect import server
from perplexity_connector.adapters.prefect.artifacts import summary_line, summary_text
from perplexity_connector.adapters.prefect.hosting import opened_host
from perplexity_connector.host import JobOptions, Ledger, SyncHost
from perplexity_connector.host.ledger.entries import count_ended

if TYPE_CHECKING:
    from perplexity_connector.contract import TableFinishedItem

# The name of the state at the ceiling of the budget.
PAUSED = "paused: budget"
# Between two updates of the progress.
_PAUSE_S = 5.0


@flow(name="run_table")
def run_table(  # noqa: PLR0913, PLR0917 - the fields of the form
    job: str,
    start: int | None = None,
    chunk: int = 1,
    connection: str | None = None,
    at_once: int = 16,
    retry: Literal["failed", "unsure"] | None = None,
) -> State[Any]:
    """Run rows of a job that is in the ledger, until no row of it is left.

    Args:
        job: The name or the id of the job.
        start: The number of its start; without one, a new start begins.
        chunk: The number of this process, by which the flow runs of one start differ.
        connection: The name of a saved block; by default the one of the job.
        at_once: How many rows this process runs at once.
        retry: For a new start, which ended rows run again. Unsure ones may be paid twice.
    """
    del chunk
    options = JobOptions(at_once=at_once, start=start, retry=retry)
    if connection:
        options["connection"] = connection
    flow_run_id = flow_run.id
    with opened_host() as (host, ledger):
        known = ledger.find_job(job).result()
        # The host says so if the ledger does not know the job.
        job_id = known.job_id if known else job
        finished = _Chunk(host, ledger, job_id, flow_run_id).run(options)
    _quietly(
        lambda: server.put_artifact(
            flow_run_id, "summary", "markdown", summary_text(finished)
        )
    )
    return _state_of(finished)


class _Chunk:
    """The rows that one flow run runs.

    * `_host`, `_ledger`, `_job_id`, `_flow_run_id`: where, and for which job.
    """

    def __init__(
        self, host: SyncHost, ledger: Ledger, job_id: str, flow_run_id: str
    ) -> None:
        """Run nothing yet."""
        self._host = host
        self._ledger = ledger
        self._job_id = job_id
        self._flow_run_id = flow_run_id

    def run(self, options: JobOptions) -> "TableFinishedItem":
        """Run rows to the end, and show how far the job is. A cancelled flow run stops them in order."""
        with ThreadPoolExecutor(max_workers=1) as thread:
            rows = thread.submit(self._rows, options)
            try:
                while not wait([rows], timeout=_PAUSE_S).done:
                    _quietly(self._show)
            except TerminationSignal:
                self._stop(rows)
                raise
            return rows.result()

    def _rows(self, options: JobOptions) -> "TableFinishedItem":
        items = self._host.stream_job(self._job_id, **options)
        return cast("TableFinishedItem", deque(items, maxlen=1).pop())

    def _show(self) -> None:
        known = self._ledger.find_job(self._job_id).result()
        counts = known.counts if known else {}
        rows, ended = sum(counts.values()), count_ended(counts)
        percent = 100 * ended / rows if rows else 100.0
        text = f"{ended} of {rows} rows"
        server.put_artifact(self._flow_run_id, "progress", "progress", percent, text)

    def _stop(self, rows: "Future[TableFinishedItem]") -> None:
        """Send nothing new. Where a person cancels, stop at the provider too; else others follow what has begun."""
        self._host.cancel(self._job_id)
        if _quietly(lambda: server.is_cancelling(self._flow_run_id)):
            self._host.cancel(self._job_id)
        wait([rows])


def _quietly(ask: Callable[[], bool | None]) -> bool | None:
    """Ask Prefect's server. No row is lost because it is away."""
    try:
        return ask()
    except Exception as error:  # noqa: BLE001 - its client raises errors of several libraries
        get_run_logger().warning("Prefect's server: %s", type(error).__name__)
        return None


def _state_of(finished: "TableFinishedItem") -> State[Any]:
    line = summary_line(finished)
    match finished["reason"]:
        case "budget":
            return Failed(name=PAUSED, message=line)
        case "stopped":
            return Cancelled(message=line)
        case "failed":
            return Failed(message=line)
    return Completed(message=line, data=dict(finished))
