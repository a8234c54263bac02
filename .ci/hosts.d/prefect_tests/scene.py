"""The scene of all checks: one server, one sandbox, and two workers for each part."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.prefect_job import Job
from benchmarks.prefect_stage import Program, Stage, staged
from perplexity_connector.sandbox import Sandbox
from perplexity_connector.sandbox.keys import FIFTY_PER_SECOND_KEY

# The key of every connection here: it must be nowhere in clear.
SENTINEL = FIFTY_PER_SECOND_KEY
# A stream takes about half a second, so that a kill meets runs under way.
PACE_S = 0.01
# A lease is 60 s, a heartbeat is missed after 90 s, and a run starts in 30 s.
RECOVERED_S = 400


class Scene:
    """A stage with its sandbox. `rows` is the size of a table."""

    def __init__(self, stage: Stage, sandbox: Sandbox, rows: int) -> None:
        """Set Prefect up."""
        self.stage = stage
        self.sandbox = sandbox
        self.rows = rows
        stage.set_up({"limited": SENTINEL})

    def job(self, name: str, **options: Any) -> Job:
        """Make a table."""
        options.setdefault("rows", self.rows)
        return Job(self.stage, self.sandbox, name, **options)

    @contextmanager
    def workers(self, *names: str, **more: str) -> Iterator[list[Program]]:
        """Run workers until the block ends."""
        workers = [self.stage.start_worker(name, **more) for name in names]
        try:
            yield workers
        finally:
            for worker in workers:
                if worker.process.poll() is None:
                    worker.stop()


@contextmanager
def scene(folder: Path, rows: int, **databases: str) -> Iterator[Scene]:
    """Run a server and a sandbox until the block ends."""
    with (
        Sandbox(delta_seconds=PACE_S) as sandbox,
        staged(folder, sandbox.url, **databases) as stage,
    ):
        yield Scene(stage, sandbox, rows)


def accept(job: Job, *, at_most_unsure: int) -> str:
    """Hold a job against all promises, and return its figures."""
    records = job.records()
    assert sorted(record["word"] for record in records) == job.words, "rows are lost"
    states = {record["word"]: record["_status"] for record in records}
    billed = job.billed()
    for word, state in states.items():
        assert state in {"done", "unsure"}, (word, state)
        assert billed[word] == 1 or (state == "unsure" and not billed[word]), word
    unsure = set(job.unsure())
    assert len(unsure) <= at_most_unsure, len(unsure)
    finished = [item for item in job.items() if item["type"] == "table.finished"]
    assert {row["run_id"] for row in finished[-1]["unsure"]} == unsure
    assert not job.cancelled(), "a run was cancelled"
    assert job.refused() < 0.01, job.refused()
    return (
        f"{len(records)} rows, {sum(billed.values())} billed, 0 lost, 0 billed twice, "
        f"{len(unsure)} unsure and named, 0 cancelled, {job.refused():.2%} refused (429)"
    )
