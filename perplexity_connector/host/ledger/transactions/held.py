"""A run together with its row: read at once, and changed only where owner and epoch are as read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    func,
    select,
    update,
)

from perplexity_connector.host.ledger.entries import Claim, FencedError, State
from perplexity_connector.host.ledger.schema import jobs, owners, rows, runs
from perplexity_connector.host.ledger.texts import unpacked_ids
from perplexity_connector.host.ledger.transactions.prepared import Prepared


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A run and its row, as they were read.

    * `row_state`, `row_round`, `owner`, `epoch`: of the row. Its round may be a newer one.
    * the others: of the run.
    """

    row_id: int
    row_state: State
    row_round: int
    owner: str | None
    epoch: int
    run_id: str
    job_id: str
    round: int
    state: State
    idempotent: bool
    sent_by: str | None
    sent_epoch: int | None
    reserved: int
    kept: int
    cost: int | None
    budgets: str
    checkpoint: str | None = field(repr=False)

    @property
    def is_lone(self) -> bool:
        """Return whether the run is outside a job."""
        return self.run_id == self.job_id

    @property
    def budget_ids(self) -> Sequence[str]:
        """Return the budgets of the run."""
        return unpacked_ids(self.budgets)


_held = (
    select(
        rows.c.id.label("row_id"),
        rows.c.state.label("row_state"),
        rows.c.round.label("row_round"),
        rows.c.owner,
        rows.c.epoch,
        runs.c.id.label("run_id"),
        runs.c.job_id,
        runs.c.round,
        runs.c.state,
        runs.c.idempotent,
        runs.c.sent_by,
        runs.c.sent_epoch,
        runs.c.reserved,
        runs.c.kept,
        runs.c.cost,
        runs.c.budgets,
        runs.c.checkpoint,
    )
    .join_from(runs, rows, rows.c.id == runs.c.row_id)
    .with_for_update()
)
_of_run = Prepared(_held.where(runs.c.id == bindparam("run")))
_move_row = Prepared(
    update(rows)
    .where(rows.c.id == bindparam("row"), rows.c.epoch == bindparam("as_read"))
    .values(
        state=bindparam("to_state"),
        round=bindparam("to_round"),
        owner=bindparam("to_owner"),
        epoch=bindparam("to_epoch"),
    )
)
_end_job = Prepared(
    update(jobs).where(jobs.c.id == bindparam("job")).values(ended_at=bindparam("at"))
)
# Not the row's round and one: a late answer may have made an older round the current one.
_next_round = (
    select(func.coalesce(func.max(runs.c.round) + 1, 0))
    .where(runs.c.job_id == rows.c.job_id, runs.c.row_id == rows.c.id)
    .scalar_subquery()
)
_PLANNED = {
    "state": "planned",
    "owner": None,
    "epoch": rows.c.epoch + 1,
    "round": _next_round,
}


def held(connection: Connection, run_id: str) -> Held | None:
    """Read a run and its row, and lock both."""
    found = _of_run.read(connection, {"run": run_id})
    return Held(**found[0]) if found else None


def held_where(connection: Connection, *where: ColumnElement[bool]) -> Sequence[Held]:
    """Read the runs of these rows in their current round, and lock both."""
    current = _held.where(runs.c.round == rows.c.round, *where).order_by(rows.c.id)
    return [Held(**found) for found in connection.execute(current).mappings()]


def owned(connection: Connection, owner: str, claim: Claim) -> Held:
    """Read the run of a claim that this owner still has. Raises `FencedError`."""
    seen = held(connection, claim.run_id)
    if seen is None or not is_owner(seen, owner, claim):
        raise fenced(connection, seen.owner if seen else None)
    return seen


def is_owner(seen: Held, owner: str, claim: Claim) -> bool:
    """Return whether the row is still that of the claim."""
    return seen.owner == owner and seen.epoch == claim.epoch


def is_sender(seen: Held, owner: str, claim: Claim) -> bool:
    """Return whether this owner sent the run, under this claim."""
    return seen.sent_by == owner and seen.sent_epoch == claim.epoch


def fenced(connection: Connection, owner: str | None) -> FencedError:
    """Return the error that names the process of the present owner."""
    found = select(owners.c.pid).where(owners.c.id == owner)
    pid = connection.scalar(found) if owner else None
    message = "Another process has taken it over."
    return FencedError(f"Process {pid} has it." if pid else message, pid)


def require_dead(
    connection: Connection,
    owners: Iterable[str | None],
    is_alive: Callable[[str], bool],
) -> None:
    """Raise `FencedError` with the pid of the first of these owners that lives."""
    for owner in owners:
        if owner and is_alive(owner):
            raise fenced(connection, owner)


def move_row(
    connection: Connection,
    seen: Held,
    state: State,
    *,
    owner: str | None = None,
    epoch: int | None = None,
) -> bool:
    """Change a row that is still as it was read. By default it has no owner then, and a new epoch."""
    change = {
        "row": seen.row_id,
        "as_read": seen.epoch,
        "to_state": state,
        "to_round": seen.round,
        "to_owner": owner,
        "to_epoch": seen.epoch + 1 if epoch is None else epoch,
    }
    return bool(_move_row.change(connection, change))


def plan_rows(connection: Connection, *where: ColumnElement[bool]) -> None:
    """Plan these rows again in a new round: older runs keep their costs."""
    connection.execute(update(rows).where(*where).values(_PLANNED))


def follow(connection: Connection, *where: ColumnElement[bool]) -> None:
    """Let the next claims follow the checkpoints of these rows."""
    connection.execute(update(rows).where(*where).values(to_follow=True))


def change_run(
    connection: Connection, run_id: str, changes: Mapping[str, object]
) -> None:
    """Change a run, whose row this transaction has changed or locked."""
    connection.execute(update(runs).where(runs.c.id == run_id).values(**changes))


def take_back(
    connection: Connection,
    seen: Held,
    state: State,
    *,
    owner: str | None = None,
    epoch: int | None = None,
) -> bool:
    """Make an older run the row's current one again, if no newer one of the row has begun."""
    if seen.row_round != seen.round and seen.row_state != "planned":
        return False
    of_row = (runs.c.job_id == seen.job_id, runs.c.row_id == seen.row_id)
    connection.execute(delete(runs).where(*of_row, runs.c.state == "planned"))
    return move_row(connection, seen, state, owner=owner, epoch=epoch)


def end_lone(connection: Connection, seen: Held, now: int) -> None:
    """Note the end of a run outside a job."""
    if seen.is_lone:
        _end_job.change(connection, {"job": seen.job_id, "at": now})


def reopen(connection: Connection, seen: Held) -> None:
    """Note that a run outside a job goes on."""
    if seen.is_lone:
        _end_job.change(connection, {"job": seen.job_id, "at": None})
