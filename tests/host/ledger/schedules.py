"""A random schedule: four processes, a provider that bills, and what must hold whenever they stop.

One move is one transaction, or what happens between two. A process that stalls lost its lease: others take
over its rows, and it goes on without knowing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from sqlalchemy import select

from perplexity_connector.host.ledger.entries import (
    Claim,
    FencedError,
    OverBudgetError,
    Retry,
)
from perplexity_connector.host.ledger.records.reading import find_failures
from perplexity_connector.host.ledger.schema import budgets, rows, runs
from perplexity_connector.host.ledger.texts import unpacked_ids
from perplexity_connector.host.ledger.transactions import run_ends, run_units
from tests.host.ledger.books import DAY, JOB, Books

Phase: TypeAlias = Literal["idle", "claimed", "leaving", "sent", "begun"]
PRICE = 10


@dataclass
class Process:
    """A process: its name as an owner, and the run that it works on."""

    owner: str
    phase: Phase = "idle"
    claim: Claim | None = None


@dataclass
class Provider:
    """The other side.

    * `billed`, `last`: what each run has cost there, and its last request alone.
    * `asked`: how often each run may have had an effect.
    * `doubtful`: runs whose request left and whose end no process has entered.
    """

    billed: Counter[str] = field(default_factory=Counter)
    last: dict[str, int] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    doubtful: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Plan:
    """A schedule. `moves`: which process does what; `caps`: of the job and of the day."""

    idempotent: bool
    repeats: bool
    count: int
    caps: tuple[int | None, int | None]
    moves: tuple[tuple[int, int], ...]


class Schedule:
    """A plan on its way.

    * `allowed`: how many paid requests a row may have: one, and one for each time that the user asked.
    * `given_up`: runs in doubt that the user stopped.
    * `answers`: runs whose answer the ledger took.
    """

    def __init__(self, books: Books, plan: Plan) -> None:
        """Begin the job with the first process."""
        self.books, self.plan, self.provider = books, plan, Provider()
        self.names = iter(f"p{number}" for number in range(1000))
        self.processes = [Process(next(self.names)) for _ in range(4)]
        self.row_of: dict[str, int] = {}
        self.allowed: Counter[int] = Counter()
        self.given_up: set[str] = set()
        self.answers: set[str] = set()
        self.lone = 0
        job_cap, day_cap = plan.caps
        books.clear()
        books.plan(
            plan.count,
            price=PRICE,
            cap=job_cap,
            idempotent=plan.idempotent,
            owner=self.processes[0].owner,
        )
        books.cap(DAY, day_cap)

    def run(self) -> None:
        """Make every move, then let all processes die but one, which finishes."""
        for number, what in self.plan.moves:
            process = self.processes[number]
            try:
                getattr(self, f"_{process.phase}")(process, what)
            except FencedError:
                process.phase, process.claim = "idle", None
            self.books.now += 1
        self._finish()

    def _idle(self, process: Process, what: int) -> None:
        if what < 6:
            self._take(process)
        elif what == 6:
            self._begin_lone(process)
        elif what == 7:
            self.books.take_over()
        else:
            self._restart(process)

    def _claimed(self, process: Process, what: int) -> None:
        claim = _claim(process)
        if what == 6:
            self.books.do(run_ends.put_back, process.owner, claim, now=self.books.now)
            _free(process)
        elif what == 9:
            self._end(process, "failed", effect="none", cost=None)
        elif not self._stopped(process, what):
            self.books.sent(process.owner, claim)
            process.phase = "leaving"

    def _leaving(self, process: Process, what: int) -> None:
        """Between the fence and the provider."""
        if self._stopped(process, what):
            return
        claim = _claim(process)
        if what == 3:
            self.books.do(run_units.back, process.owner, claim)
            process.phase = "claimed"
            return
        self.provider.asked[claim.run_id] += 1
        self.provider.last[claim.run_id] = PRICE - what % 3
        self.provider.billed[claim.run_id] += PRICE - what % 3
        self.provider.doubtful.add(claim.run_id)
        process.phase = "sent"

    def _sent(self, process: Process, what: int) -> None:
        if self._stopped(process, what):
            return
        if what in {4, 9} and self.plan.idempotent:
            self._repeat(process)
        elif what == 4:
            self._end(process, "unsure", effect="unknown", cost=None)
        elif what in {2, 5} and not self.plan.idempotent:
            self._check(process)
        elif what == 6:
            self._give_up(process)
        elif what == 9:
            self._end(process, "failed", effect="unknown", cost=self._bill(process))
        else:
            self._end(process, "done", effect=None, cost=self._bill(process))

    def _begun(self, process: Process, what: int) -> None:
        if self._stopped(process, what):
            return
        if what == 5:
            self._end(process, "begun", effect="unknown", cost=None)
        elif what == 6:
            self._give_up(process)
        elif what == 9:
            self._check(process)
        else:
            self._end(process, "done", effect=None, cost=self._bill(process))

    def _take(self, process: Process) -> None:
        try:
            claim = self.books.claim(process.owner, budgets=(DAY,))
        except OverBudgetError:
            return
        if claim:
            self._hold(process, claim)

    def _begin_lone(self, process: Process) -> None:
        self.lone += 1
        try:
            claim = self.books.begin(
                process.owner,
                f"run_{self.lone}",
                idempotent=self.plan.idempotent,
                price=PRICE,
                budgets=(DAY,),
            )
        except OverBudgetError:
            return
        self._hold(process, claim)

    def _hold(self, process: Process, claim: Claim) -> None:
        self.row_of[claim.run_id] = claim.row_id
        phase: Phase = "claimed"
        if claim.state == "sent":
            phase = "leaving"
        elif claim.state == "begun":
            phase = "begun"
        process.phase, process.claim = phase, claim

    def _restart(self, process: Process) -> None:
        """Start the same command again, which only one process may."""
        kind: Retry = "failed" if self.books.now % 2 else "unsure"
        retry = kind if self.plan.repeats else None
        self.books.take_over()
        again = self._rows_in(kind) if self.plan.repeats else ()
        self.books.start(process.owner, retry=retry)
        self.allowed.update(again)

    def _rows_in(self, state: str) -> list[int]:
        of_job = (rows.c.job_id == JOB, rows.c.state == state)
        with self.books.engine.begin() as connection:
            return list(connection.scalars(select(rows.c.id).where(*of_job)))

    def _repeat(self, process: Process) -> None:
        """Ask again after an attempt in doubt, under a second reservation; without room the run fails."""
        claim = _claim(process)
        try:
            self.books.do(
                run_units.reserve_again,
                process.owner,
                claim,
                PRICE,
                is_alive=self.books.is_alive,
            )
        except OverBudgetError:
            self._end(process, "failed", effect="unknown", cost=None)
            return
        process.phase = "leaving"

    def _check(self, process: Process) -> None:
        claim, state = _claim(process), {"id": "provider"}
        self.books.do(run_units.checkpoint, process.owner, claim, state)
        process.phase = "begun"

    def _give_up(self, process: Process) -> None:
        """Stop a run for the user, who pays again when the row runs again."""
        claim = _claim(process)
        self.books.do(run_ends.put_back, process.owner, claim, now=self.books.now)
        self.given_up.add(claim.run_id)
        self.allowed[claim.row_id] += 1
        _free(process)

    def _bill(self, process: Process) -> int:
        """Return the cost of the last request: earlier ones are in doubt."""
        return self.provider.last[_claim(process).run_id]

    def _end(self, process: Process, state: Any, **known: Any) -> None:
        claim = _claim(process)
        reached = self.books.end(process.owner, claim, state, **known)
        if reached == "done":
            self.answers.add(claim.run_id)
        if reached in {"done", "failed"}:
            self.provider.doubtful.discard(claim.run_id)
        if reached == "failed":
            self.allowed[claim.row_id] += claim.run_id in self.provider.asked
        _free(process)

    def _stopped(self, process: Process, what: int) -> bool:
        """Kill the process, or let it lose its lease and go on."""
        if what not in {7, 8}:
            return False
        self.books.dead.add(process.owner)
        if what == 8:
            number = self.processes.index(process)
            self.processes[number] = Process(next(self.names))
        return True

    def _finish(self) -> None:
        """Let a last process take everything over."""
        self.books.dead.update(process.owner for process in self.processes)
        last = Process(next(self.names))
        self.books.take_over()
        self.books.start(last.owner)
        while True:
            claim = self._last_claim(last)
            if claim is None:
                return
            self._hold(last, claim)
            while last.phase != "idle":
                getattr(self, f"_{last.phase}")(last, 0)

    def _last_claim(self, last: Process) -> Claim | None:
        """Claim for the last process: where the budget is used up, there is nothing to wait for."""
        try:
            return self.books.claim(last.owner, budgets=(DAY,))
        except OverBudgetError as error:
            is_waiting_useful = error.is_waiting_useful
        assert not is_waiting_useful
        return None


def _claim(process: Process) -> Claim:
    assert process.claim is not None
    return process.claim


def _free(process: Process) -> None:
    process.phase, process.claim = "idle", None


def check(schedule: Schedule) -> None:
    """Check what must hold after any schedule."""
    books, provider = schedule.books, schedule.provider
    with books.engine.begin() as connection:
        known = connection.execute(select(runs)).mappings().all()
        state_of = {row.id: row for row in connection.execute(select(rows))}
        limits = connection.execute(select(budgets)).all()
        named = find_failures(connection, JOB)
    by_id = {run["id"]: run for run in known}
    for budget in limits:
        of_budget = [run for run in known if budget.id in unpacked_ids(run["budgets"])]
        billed = sum(provider.billed[run["id"]] for run in of_budget)
        _check_budget(budget, of_budget, billed)
    _check_states(schedule, by_id, state_of)
    _check_requests(schedule, by_id)
    unsure_rows = {row.key for row in state_of.values() if row.state == "unsure"}
    unsure_rows.discard("")
    assert unsure_rows == {line.key for line in named if line.state == "unsure"}


def _check_budget(budget: Any, of_budget: Iterable[Any], billed: int) -> None:
    """Check that the counter is the sum over its runs, and that neither it nor the bill exceeds the cap."""
    counted = sum(
        (run["cost"] or 0) + run["reserved"] + run["kept"] for run in of_budget
    )
    assert budget.committed == counted
    assert billed <= counted
    assert budget.cap is None or counted <= budget.cap


def _check_states(
    schedule: Schedule, by_id: Mapping[str, Any], state_of: Mapping[int, Any]
) -> None:
    """Check that a row and its run agree, nothing is under way, and no row or run is lost."""
    assert len(state_of) == schedule.plan.count + len(
        [run_id for run_id in by_id if by_id[run_id]["job_id"] != JOB]
    )
    current = {(run["row_id"], run["round"]): run["state"] for run in by_id.values()}
    for row in state_of.values():
        assert row.owner is None
        assert row.state in {"planned", "begun", "done", "failed", "unsure"}
        assert row.key == "" or row.state != "begun"
        assert current.get((row.id, row.round), "planned") == row.state
    assert set(schedule.provider.asked) <= set(by_id)
    assert all(by_id[run_id]["state"] == "done" for run_id in schedule.answers)


def _check_requests(schedule: Schedule, by_id: Mapping[str, Any]) -> None:
    """Check that nothing is asked twice in secret, and that each doubt is named."""
    asked = schedule.provider.asked
    if schedule.plan.idempotent:
        return
    assert all(count == 1 for count in asked.values())
    of_row = Counter(schedule.row_of[run_id] for run_id in asked)
    assert all(count <= 1 + schedule.allowed[row] for row, count in of_row.items())
    for run_id in schedule.provider.doubtful - schedule.given_up:
        assert by_id[run_id]["state"] in {"unsure", "begun"}
