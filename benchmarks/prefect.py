"""Measure tables on Prefect: one and two workers side by side with `run-table` alone.

`python -m benchmarks.prefect [--rows 2000] [--ledger URL]`, in an environment with `[prefect]`. The chats run against
the sandbox with its key of 50 a second, so a second worker makes a table safer and not faster.
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.prefect_job import Job
from benchmarks.prefect_stage import Program, Stage, staged
from perplexity_connector.sandbox import Sandbox
from perplexity_connector.sandbox.keys import FIFTY_PER_SECOND_KEY

# What a start costs without its rows.
_FEW = 20
_LOOK_S = 0.02


class _Figures(NamedTuple):
    """Seconds until the first chat, from there to the last one, and until all has ended; CPU seconds; share of 429."""

    first: float
    chats: float
    ended: float
    cpu: float
    refused: float


class _Bench:
    """A stage, and the size of its tables."""

    def __init__(self, stage: Stage, sandbox: Sandbox, rows: int) -> None:
        self._stage = stage
        self._sandbox = sandbox
        self._rows = rows

    def lines(self) -> Iterator[str]:
        """Yield a line for each way to run the table."""
        alone, bare = self._measured(
            "alone", lambda job: job.start_alone(FIFTY_PER_SECOND_KEY), []
        )
        yield self._line("run-table alone", alone, bare)
        workers: list[Program] = []
        for count, title in ((1, "one worker"), (2, "two workers")):
            workers.append(self._stage.start_worker(f"worker-{count}"))
            found, row = self._measured(
                title.replace(" ", "-"),
                partial(Job.start, chunks=count),
                workers,
            )
            yield self._line(title, found, row)
            yield (
                f"  more than alone: {found.ended - alone.ended:.1f} s, or "
                f"{(found.ended - alone.ended) / self._rows * 1000:.1f} ms a row; "
                f"CPU a row {(row - bare) * 1000:+.2f} ms"
            )

    def _measured(
        self, name: str, start: Callable[[Job], Program], workers: list[Program]
    ) -> tuple[_Figures, float]:
        """Return the figures of the whole table, and the CPU seconds of a row."""
        few = self._run(
            Job(self._stage, self._sandbox, f"{name}-few", _FEW), start, workers
        )
        job = Job(self._stage, self._sandbox, name, self._rows)
        found = self._run(job, start, workers)
        return found, (found.cpu - few.cpu) / (self._rows - _FEW)

    def _run(
        self, job: Job, start: Callable[[Job], Program], workers: list[Program]
    ) -> _Figures:
        cpu, began = _cpu_seconds(workers), time.monotonic()
        program, first, last = start(job), 0.0, 0.0
        before = seen = self._sandbox.billed_runs
        while program.process.poll() is None:
            if (billed := self._sandbox.billed_runs) != seen:
                seen, last = billed, time.monotonic() - began
                first = first or last
            time.sleep(_LOOK_S)
        ended = time.monotonic() - began
        if program.process.returncode or seen - before != len(job.words):
            raise RuntimeError(job.items()[-1:], program.log)
        used = _cpu_seconds(workers) - cpu
        return _Figures(first, last - first, ended, used, job.refused())

    def _line(self, title: str, found: _Figures, row: float) -> str:
        return (
            f"{title}: {self._rows} rows in {found.ended:.1f} s; the first chat after {found.first:.1f} s, "
            f"all in {found.chats:.1f} s ({self._rows / found.chats:.1f} a second); "
            f"CPU a row {row * 1000:.2f} ms; refused (429) {found.refused:.2%}"
        )


def _cpu_seconds(workers: Sequence[Program]) -> float:
    """Return the CPU time of workers and their runs, and of all programs that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (
        ended.ru_utime
        + ended.ru_stime
        + sum(worker.cpu_seconds() for worker in workers)
    )


def main(arguments: Sequence[str]) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prefect")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--ledger", help="the URL of a database; a file by default")
    options = parser.parse_args(arguments)
    databases = {"ledger": options.ledger} if options.ledger else {}
    with (
        TemporaryDirectory() as name,
        Sandbox() as sandbox,
        staged(Path(name), sandbox.url, **databases) as stage,
    ):
        stage.set_up({"limited": FIFTY_PER_SECOND_KEY})
        for line in _Bench(stage, sandbox, options.rows).lines():
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
