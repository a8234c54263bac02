"""A ledger in memory, and the owners that write in it: each transaction commits alone, as a unit does."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, create_engine, event, select
from sqlalchemy.pool import StaticPool

from perplexity_connector.host.ledger.entries import (
    Claim,
    NewJob,
    NewLine,
    NewRow,
    NewRun,
    Retry,
    RunEnd,
    State,
)
from perplexity_connector.host.ledger.schema import budgets, metadata, rows, runs
from perplexity_connector.host.ledger.transactions import budgets as budget_units
from perplexity_connector.host.ledger.transactions import claims, run_ends, run_units
from perplexity_connector.host.ledger.transactions.planning import (
    begin_job,
    end_job,
    start_job,
)
from perplexity_connector.host.ledger.transactions.row_planning import add_rows
from perplexity_connector.host.ledger.transactions.takeovers import take_over

P = ParamSpec("P")
R = TypeVar("R")
JOB = "job_1"
DAY = "day:2026-11-26"


def a_job(job_id: str = JOB, *, name: str | None = "out.csv", **known: Any) -> NewJob:
    """Return a job to begin."""
    return NewJob(
        job_id=job_id, name=name, connector="toy", action="ask", version=1, **known
    )


class Books:
    """A ledger, the time, and which owners live."""

    def __init__(self, url: str = "sqlite://") -> None:
        """Make the tables."""
        self.engine = create_engine(url, poolclass=StaticPool)
        self.now = 1_000
        self.dead: set[str] = set()
        if url.startswith("sqlite"):
            event.listen(self.engine, "connect", _without_waiting)
        metadata.create_all(self.engine)
        # Children before parents.
        tables = [table.name for table in reversed(metadata.sorted_tables)]
        self._emptied = [f"DELETE FROM {name}" for name in tables]  # noqa: S608 - our own names

    def is_alive(self, owner: str) -> bool:
        """Return whether an owner was not killed."""
        return owner not in self.dead

    def do(
        self,
        unit: Callable[Concatenate[Connection, P], R],
        *args: P.args,
        **options: P.kwargs,
    ) -> R:
        """Run a unit in a transaction of its own."""
        with self.engine.begin() as connection:
            return unit(connection, *args, **options)

    def clear(self) -> None:
        """Empty every table."""
        self.now, self.dead = 1_000, set()
        with self.engine.begin() as connection:
            for statement in self._emptied:
                connection.exec_driver_sql(statement)

    def plan(
        self,
        count: int = 3,
        *,
        price: int = 10,
        cap: int | None = None,
        idempotent: bool = False,
        owner: str = "a",
        name: str | None = "out.csv",
    ) -> None:
        """Begin and start a job of so many rows."""
        new = a_job(name=name, idempotent=idempotent, cap=cap)
        self.do(begin_job, new, now=self.now)
        self.add([str(number) for number in range(count)], price=price)
        self.start(owner)

    def add(
        self, keys: Sequence[str], *, digest: str = "digest", price: int = 10
    ) -> None:
        """Plan a table with one line for each key."""
        new = [
            NewRow(number=number, key=key, digest=digest, input={"q": key}, worst=price)
            for number, key in enumerate(keys)
        ]
        lines = [
            NewLine(number=number, key=key, record={"name": key})
            for number, key in enumerate(keys)
        ]
        self.do(add_rows, JOB, new, lines, is_alive=self.is_alive, now=self.now)

    def start(
        self,
        owner: str,
        *,
        cap: int | None = None,
        retry: Retry | None = None,
        last_line: int | None = None,
    ) -> None:
        """Begin to write for the job."""
        self.do(
            start_job,
            owner,
            JOB,
            cap=cap,
            retry=retry,
            last_line=last_line,
            is_alive=self.is_alive,
            now=self.now,
        )

    def end_job(
        self,
        reason: str | None,
        owner: str = "a",
        *,
        is_writer: bool = True,
        now: int = 5,
    ) -> bool:
        """Stop to work for the job."""
        return self.do(
            end_job,
            owner,
            JOB,
            reason,
            is_writer=is_writer,
            is_alive=self.is_alive,
            now=now,
        )

    def claim(
        self,
        owner: str = "a",
        *,
        percentiles: Mapping[str, int] | None = None,
        budgets: Sequence[str] = (),
    ) -> Claim | None:
        """Claim the next row."""
        return self.do(
            claims.claim_row,
            owner,
            JOB,
            percentiles=percentiles or {},
            budgets=budgets,
            is_alive=self.is_alive,
            now=self.now,
        )

    def claimed(self, owner: str = "a") -> Claim:
        """Claim the next row, which there must be."""
        claim = self.claim(owner)
        assert claim is not None
        return claim

    def sent(self, owner: str, claim: Claim) -> None:
        """Pass the fence."""
        self.do(run_units.sent, owner, claim, now=self.now)

    def end(
        self, owner: str, claim: Claim, state: State = "done", **known: Any
    ) -> State:
        """End a run."""
        end = RunEnd(state=state, ended_at=self.now, **known)
        return self.do(run_ends.end_run, owner, claim, end)

    def begin(
        self,
        owner: str,
        run_id: str = "run_1",
        *,
        within: Claim | None = None,
        **known: Any,
    ) -> Claim:
        """Begin a run outside a job."""
        new = NewRun(run_id=run_id, connector="toy", action="ask", version=1, **known)
        return self.do(
            claims.begin_run,
            owner,
            new,
            within=within,
            is_alive=self.is_alive,
            now=self.now,
        )

    def take_over(self) -> int:
        """Take the rows of dead owners away."""
        return self.do(take_over, is_alive=self.is_alive, now=self.now)

    def cap(self, budget_id: str, cap: int | None) -> None:
        """Set a cap."""
        self.do(budget_units.set_cap, budget_id, cap)

    def committed(self, budget_id: str = f"job:{JOB}") -> int:
        """Return what a budget has counted."""
        of_budget = select(budgets.c.committed).where(budgets.c.id == budget_id)
        with self.engine.begin() as connection:
            return connection.execute(of_budget).scalar_one()

    def row(self, key: str = "0") -> Mapping[str, Any]:
        """Return a row of the job."""
        return self._one(select(rows).where(rows.c.key == key))

    def run(self, run_id: str) -> Mapping[str, Any]:
        """Return a run."""
        return self._one(select(runs).where(runs.c.id == run_id))

    def _one(self, found: Any) -> Mapping[str, Any]:
        with self.engine.begin() as connection:
            return dict(connection.execute(found).mappings().one())


def _without_waiting(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA foreign_keys=ON")
