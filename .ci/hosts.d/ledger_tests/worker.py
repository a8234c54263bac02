"""A process that works on a job, until it is killed or nothing is left: `worker.py URL JOB ASKED SEED`.

ASKED is the provider: a line for each request that reached it, written at once.
"""

import os
import random
import sys
import time
from contextlib import suppress
from pathlib import Path

from perplexity_connector.host import Ledger
from perplexity_connector.host.ledger.entries import (
    Claim,
    FencedError,
    OverBudgetError,
    RunEnd,
    State,
)

PRICE = 10


def cost_of(row_id: int) -> int:
    """Return the price of a row at the provider."""
    return PRICE - row_id % 3


class Worker:
    """One process: its ledger, its job, and the way to the provider."""

    def __init__(self, url: str, job_id: str, asked: Path, seed: int) -> None:
        """Open the ledger; the rows of dead processes are taken over with this."""
        self.ledger = Ledger(url)
        self.job_id = job_id
        self.asked = os.open(asked, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.chance = random.Random(seed)  # noqa: S311 - a schedule that can be repeated

    def run(self) -> None:
        """Work until nothing is left, or the budget is used up."""
        with suppress(FencedError):  # another process writes: this one helps
            self.ledger.start_job(self.job_id).result()
        print("ready", flush=True)  # noqa: T201 - it may be killed from now on
        while self._has_more():
            pass
        self.ledger.end_job(self.job_id, "done").result()
        problems = self.ledger.close(30)
        assert not problems, problems

    def _has_more(self) -> bool:
        try:
            claim = self.ledger.claim_row(self.job_id).result()
        except OverBudgetError as error:
            self._pause()
            return error.is_waiting_useful
        if claim is None:
            return False
        with suppress(FencedError):  # only an owner whose lease has ended meets this
            self._follow(claim) if claim.state == "begun" else self._send(claim)
        return True

    def _send(self, claim: Claim) -> None:
        self._pause()
        if claim.state == "claimed":
            self.ledger.sent(claim).result()
        self._pause()
        if self.chance.random() < 0.1:  # refused: without effect
            self.ledger.back(claim).result()
            self._pause()
            self.ledger.sent(claim).result()
        self._ask(claim)
        outcome = self.chance.random()
        if outcome < 0.2:
            self.ledger.checkpoint(claim, {"id": claim.run_id}).result()
            self._follow(claim)
        elif outcome < 0.35:
            self._lose(claim)
        else:
            self._end(claim, "done", cost_of(claim.row_id))

    def _ask(self, claim: Claim) -> None:
        os.write(self.asked, f"{claim.run_id} {claim.row_id}\n".encode())
        self._pause()

    def _follow(self, claim: Claim) -> None:
        self._pause()
        self._end(claim, "done", cost_of(claim.row_id))

    def _lose(self, claim: Claim) -> None:
        """Lose the connection: only what may be repeated is asked again, under a second reservation."""
        if "repeat" not in self.job_id:
            self._end(claim, "unsure", None)
            return
        try:
            self.ledger.reserve_again(claim, PRICE).result()
        except OverBudgetError:
            self._end(claim, "failed", None)
            return
        self._ask(claim)
        self._end(claim, "done", cost_of(claim.row_id))

    def _end(self, claim: Claim, state: State, cost: int | None) -> None:
        self._pause()
        end = RunEnd(
            state=state,
            cost=cost,
            cost_basis="provider",
            effect=None if state == "done" else "unknown",
            ended_at=time.time_ns() // 1_000_000,
        )
        self.ledger.end_run(claim, end).result()

    def _pause(self) -> None:
        time.sleep(self.chance.random() * 0.006)


if __name__ == "__main__":
    given_url, given_job, given_file, given_seed = sys.argv[1:]
    Worker(given_url, given_job, Path(given_file), int(given_seed)).run()
