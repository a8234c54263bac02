"""Twenty schedules of real processes that are killed: `schedules.py URL FOLDER`."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, select, update
from worker import PRICE, cost_of

from perplexity_connector.host import Ledger
from perplexity_connector.host.ledger.entries import NewJob, NewLine, NewRow
from perplexity_connector.host.ledger.schema import budgets, owners, rows, runs

SCHEDULES = 20
ROWS = 40
PROCESSES = 4
KILLS = 5
WORKER = str(Path(__file__).with_name("worker.py"))


class Schedule:
    """One job, and the processes that work on it."""

    def __init__(self, engine: Engine, url: str, folder: Path, seed: int) -> None:
        """Prepare the schedule of a seed; nine in ten have a cap below their need."""
        self.engine, self.url = engine, url
        self.asked = folder / f"asked_{seed}"
        self.asked.touch()
        self.chance = random.Random(seed)  # noqa: S311 - a schedule that can be repeated
        self.idempotent = bool(seed % 2)
        # The processes see by the name which kind it is.
        self.job_id = f"job_{'repeat' if self.idempotent else 'once'}_{seed}"
        self.cap = None if seed % 10 == 9 else ROWS * PRICE * (3 + seed % 6) // 10

    def plan(self, ledger: Ledger) -> None:
        """Plan the job."""
        new = NewJob(
            job_id=self.job_id,
            name=None,
            connector="toy",
            action="ask",
            version=1,
            idempotent=self.idempotent,
            cap=self.cap,
        )
        keys = [(number, str(number)) for number in range(ROWS)]
        planned = [
            NewRow(number=number, key=key, digest=key, input={}, worst=PRICE)
            for number, key in keys
        ]
        lines = [NewLine(number=number, key=key) for number, key in keys]
        ledger.begin_job(new).result()
        ledger.add_rows(self.job_id, planned, lines).result()

    def run(self) -> int:
        """Let four processes work, kill some, and let a last one finish. Return how many were killed."""
        working = [self._start() for _ in range(PROCESSES)]
        killed = 0
        for _ in range(KILLS):
            place = self.chance.randrange(PROCESSES)
            process = working[place]
            assert process.stdout
            process.stdout.readline()
            time.sleep(self.chance.random() * 0.15)
            killed += process.poll() is None
            self._kill(process)
            working[place] = self._start()
        for process in working:
            assert process.wait(120) == 0
        # What the last one killed had is taken over with the next opening.
        last = self._start()
        assert last.wait(120) == 0
        return killed

    def check(self) -> str:
        """Check every promise, and return a line about this schedule."""
        of_job = rows.c.job_id == self.job_id
        with self.engine.begin() as connection:
            known = connection.execute(select(rows).where(of_job)).all()
            made = connection.execute(
                select(runs).where(runs.c.job_id == self.job_id)
            ).all()
            budget = connection.execute(
                select(budgets).where(budgets.c.id == f"job:{self.job_id}")
            ).one()
        asked = [line.split() for line in self.asked.read_text().splitlines()]
        billed = sum(cost_of(int(row)) for _run, row in asked)
        counted = sum((run.cost or 0) + run.reserved + run.kept for run in made)
        assert budget.committed == counted
        assert billed <= counted
        assert self.cap is None or counted <= self.cap
        self._check_rows(known, made, counted)
        states = {run.id: run.state for run in made}
        assert {run_id for run_id, _row in asked} <= set(states)
        if not self.idempotent:
            self._check_once(asked, states)
        counts = Counter(row.state for row in known)
        return f"cap {self.cap}, counted {counted}, billed {billed}, {dict(counts)}"

    def _check_rows(self, known: Any, made: Any, counted: int) -> None:
        """Check that no row is lost, and that each agrees with its run."""
        assert len(known) == ROWS
        states = {(run.row_id, run.round): run.state for run in made}
        for row in known:
            assert row.owner is None
            assert states.get((row.id, row.round), "planned") == row.state
            assert row.state in {"done", "failed", "unsure", "planned"}
        if any(row.state == "planned" for row in known):
            assert self.cap is not None
            assert counted + PRICE > self.cap

    def _check_once(self, asked: list[list[str]], states: dict[str, str]) -> None:
        """Check that nothing was asked twice, and that each doubt has its name."""
        of_run = Counter(run_id for run_id, _row in asked)
        of_row = Counter(row for _run, row in asked)
        assert set(of_run.values()) <= {1}
        assert set(of_row.values()) <= {1}
        assert all(states[run_id] in {"done", "unsure"} for run_id in of_run)

    def _start(self) -> subprocess.Popen[str]:
        seed = str(self.chance.randrange(10**9))
        command = [sys.executable, WORKER, self.url, self.job_id, str(self.asked), seed]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own

    def _kill(self, process: subprocess.Popen[str]) -> None:
        """Kill a process; its lease, if it has one, is taken to have ended."""
        process.send_signal(signal.SIGKILL)
        process.wait()
        of_process = (owners.c.pid == process.pid, owners.c.lease_until.is_not(None))
        with self.engine.begin() as connection:
            connection.execute(update(owners).where(*of_process).values(lease_until=0))


def main(url: str, folder: Path) -> None:
    """Run all schedules, and print a line for each."""
    engine = create_engine(url)
    ledger = Ledger(url)
    killed = 0
    for seed in range(SCHEDULES):
        schedule = Schedule(engine, url, folder, seed)
        schedule.plan(ledger)
        killed += schedule.run()
        print(f"{seed}: {schedule.check()}", flush=True)  # noqa: T201 - the result
    print(f"{killed} processes were killed at work")  # noqa: T201 - the result
    assert killed > SCHEDULES
    assert ledger.close() == []


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
