"""Claims: how a process comes to hold a run."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.json import new_run_id
from perplexity_connector.host.ledger.entries import (
    Claim,
    FencedError,
    KnownLine,
    NewRun,
    State,
)
from perplexity_connector.host.ledger.schema import (
    ACTION,
    flow_steps,
    jobs,
    rows,
    runs,
)
from perplexity_connector.host.ledger.texts import (
    packed,
    packed_ids,
    unpacked,
    unpacked_ids,
)
from perplexity_connector.host.ledger.transactions.budgets import job_budget, reserve
from perplexity_connector.host.ledger.transactions.held import (
    Held,
    change_run,
    held,
    move_row,
    owned,
    require_dead,
)
from perplexity_connector.host.ledger.transactions.next_rows import next_row
from perplexity_connector.host.ledger.transactions.prepared import Prepared

_claim = Prepared(
    update(rows)
    .where(rows.c.id == bindparam("row"), rows.c.epoch == bindparam("as_read"))
    .values(
        state=bindparam("to_state"),
        owner=bindparam("to_owner"),
        epoch=bindparam("to_epoch"),
        cancel_requested=False,
        to_follow=False,
    )
)
_BEGUN = (
    "id",
    "job_id",
    "row_id",
    "round",
    *ACTION,
    "created_at",
    "price_group",
    "input",
    "state",
    "sent_by",
    "sent_epoch",
    "sent_at",
    "reserved",
    "budgets",
)
_begin = Prepared(insert(runs), _BEGUN)
_LONE = (
    "id",
    *ACTION,
    "is_sandbox",
    "created_at",
)
# A run that a flow has named for one of its steps is a part of it.
_of_flow = (
    select(flow_steps.c.flow_id)
    .where(flow_steps.c.run_id == bindparam("run"))
    .limit(1)
    .scalar_subquery()
)
_begin_lone = Prepared(insert(jobs).values(flow_id=_of_flow), _LONE)
_lone_row = insert(rows).returning(rows.c.id)
_known_job = select(jobs.c.id).where(jobs.c.id == bindparam("job"))


def begin_run(  # noqa: PLR0913 - the row it is in, and what every transaction has
    connection: Connection,
    owner: str,
    new: NewRun,
    *,
    within: Claim | None = None,
    is_alive: Callable[[str], bool],
    now: int,
) -> Claim:
    """Begin a run outside a job, with its reservation; `within`: the claim of the row that it is a part of.

    Raises `OverBudgetError`, and `FencedError` for a known id, or if another owner has that row.
    """
    if within:
        owned(connection, owner, within)
    if connection.scalar(_known_job, {"job": new.run_id}):
        message = "The ledger has a run of this id. Use another id."
        raise FencedError(message)
    price = new.price or 0
    reserve(connection, new.budgets, price, is_alive=is_alive)
    state: State = "sent" if new.idempotent else "claimed"
    began = now if new.started_at is None else new.started_at
    row_id = _enter_lone(connection, new, state, owner=owner, now=began)
    claim = Claim(
        job_id=new.run_id,
        row_id=row_id,
        run_id=new.run_id,
        epoch=1,
        round=0,
        number=0,
        key="",
        state=state,
        input=new.input,
        budgets=new.budgets,
        reserved=price,
    )
    begun = _lone_run(new, row_id, began) | _held_by(owner, claim, now)
    _begin.change(connection, begun)
    return claim


def adopt_run(
    connection: Connection, new: NewRun, checkpoint: JsonObject, *, now: int
) -> None:
    """Enter an unfinished run of an old journal: `begun`, without an owner. A known id changes nothing."""
    if connection.scalar(_known_job, {"job": new.run_id}):
        return
    row_id = _enter_lone(connection, new, "begun", owner=None, now=now)
    begun = {"state": "begun", "checkpoint": packed(checkpoint), "sent_at": now}
    connection.execute(insert(runs), _lone_run(new, row_id, now) | begun)


def claim_row(  # noqa: PLR0913 - where to reserve, and what every transaction has
    connection: Connection,
    owner: str,
    job_id: str,
    *,
    percentiles: Mapping[str, int],
    budgets: Collection[str] = (),
    is_alive: Callable[[str], bool],
    now: int,
) -> Claim | None:
    """Claim the job's next row, with its reservation in the job's budget and in `budgets`.

    A row with a checkpoint to follow comes first and reserves nothing. `percentiles`: by price group,
    the least to reserve. Return None if nothing is left to claim or the job was cancelled.
    Raises `OverBudgetError`.
    """
    found = next_row(connection, job_id)
    if found is None:
        return None
    if found["state"] == "begun":
        return _follow(connection, owner, job_id, found)
    nano = max(found["worst"], percentiles.get(found["price_group"], 0))
    ids = (job_budget(job_id), *budgets)
    reserve(connection, ids, nano, is_alive=is_alive)
    state: State = "sent" if found["idempotent"] else "claimed"
    claim = _claim_of(job_id, found, state, ids, nano)
    _take(connection, owner, claim)
    _enter_run(connection, owner, found, claim, now)
    return claim


def _follow(
    connection: Connection, owner: str, job_id: str, found: Mapping[str, Any]
) -> Claim:
    """Claim a row with a checkpoint, with the reservation that it has."""
    ids = unpacked_ids(found["budgets"])
    claim = _claim_of(job_id, found, "begun", ids, found["reserved"])
    _take(connection, owner, claim)
    return claim


def resume_run(
    connection: Connection,
    owner: str,
    run_id: str,
    *,
    is_alive: Callable[[str], bool],
) -> Claim:
    """Claim a `begun` run whose process has ended. Raises `LookupError`, and `FencedError` while it lives."""
    seen = held(connection, run_id)
    if seen is None or seen.state != "begun" or seen.row_round != seen.round:
        raise LookupError(run_id)
    require_dead(connection, [seen.owner], is_alive)
    move_row(connection, seen, "begun", owner=owner)
    _forget_cancel(connection, seen)
    return _resumed(connection, seen)


def owns(connection: Connection, owner: str, claim: Claim) -> bool:
    """Return whether this owner still has the row of the claim."""
    is_ours = (rows.c.owner == owner, rows.c.epoch == claim.epoch)
    found = select(rows.c.id).where(rows.c.id == claim.row_id, *is_ours)
    return connection.scalar(found) is not None


def _enter_lone(
    connection: Connection, new: NewRun, state: str, *, owner: str | None, now: int
) -> int:
    job = {
        "id": new.run_id,
        **{name: getattr(new, name) for name in ACTION},
        "is_sandbox": new.is_sandbox,
        "created_at": now,
    }
    row = {"job_id": new.run_id, "number": 0, "key": "", "digest": ""}
    held_by = {"state": state, "owner": owner, "epoch": 1}
    _begin_lone.change(connection, job | {"run": new.run_id})
    row_id: int = connection.execute(_lone_row, row | held_by).scalar_one()
    return row_id


def _lone_run(new: NewRun, row_id: int, now: int) -> dict[str, object]:
    return {
        "id": new.run_id,
        "job_id": new.run_id,
        "row_id": row_id,
        "round": 0,
        **{name: getattr(new, name) for name in ACTION},
        "created_at": now,
        "price_group": new.price_group,
        "input": packed(new.input),
    }


def _held_by(owner: str, claim: Claim, now: int) -> dict[str, object]:
    """Return the columns that a claim sets. An idempotent run is sent at once."""
    is_sent = claim.state == "sent"
    return {
        "state": claim.state,
        "sent_by": owner if is_sent else None,
        "sent_epoch": claim.epoch if is_sent else None,
        "sent_at": now if is_sent else None,
        "reserved": claim.reserved,
        "budgets": packed_ids(claim.budgets),
    }


def _claim_of(
    job_id: str,
    found: Mapping[str, Any],
    state: State,
    budgets: tuple[str, ...],
    reserved: int,
) -> Claim:
    return Claim(
        job_id=job_id,
        row_id=found["id"],
        run_id=found["run_id"] or new_run_id(),
        epoch=found["epoch"] + 1,
        round=found["round"],
        number=found["number"],
        key=found["key"],
        state=state,
        input=unpacked(found["input"]),
        checkpoint=unpacked(found["checkpoint"]),
        budgets=budgets,
        reserved=reserved,
        only_line=_line(found) if found["line_count"] == 1 else None,
    )


def _line(found: Mapping[str, Any]) -> KnownLine:
    return KnownLine(
        number=found["number"],
        row_number=found["number"],
        key=found["key"],
        digest=found["digest"],
        record=unpacked(found["record"]),
        output_end=found["output_end"],
        state=found["state"],
    )


def _take(connection: Connection, owner: str, claim: Claim) -> None:
    change = {
        "row": claim.row_id,
        "as_read": claim.epoch - 1,
        "to_state": claim.state,
        "to_owner": owner,
        "to_epoch": claim.epoch,
    }
    _claim.change(connection, change)


def _enter_run(
    connection: Connection, owner: str, found: Mapping[str, Any], claim: Claim, now: int
) -> None:
    changes = _held_by(owner, claim, now) | {
        **{name: found[name] for name in ACTION},
        "price_group": found["price_group"],
        "input": found["input"],
    }
    if found["run_id"]:
        change_run(connection, claim.run_id, changes)
        return
    new = {
        "id": claim.run_id,
        "job_id": claim.job_id,
        "row_id": claim.row_id,
        "round": claim.round,
        "created_at": now,
    }
    _begin.change(connection, new | changes)


def _resumed(connection: Connection, seen: Held) -> Claim:
    known = select(rows.c.number, rows.c.key, runs.c.input)
    known = known.join_from(rows, runs, runs.c.row_id == rows.c.id)
    found = connection.execute(known.where(runs.c.id == seen.run_id)).one()
    return Claim(
        job_id=seen.job_id,
        row_id=seen.row_id,
        run_id=seen.run_id,
        epoch=seen.epoch + 1,
        round=seen.round,
        number=found.number,
        key=found.key,
        state="begun",
        input=unpacked(found.input),
        checkpoint=unpacked(seen.checkpoint),
        budgets=tuple(seen.budget_ids),
        reserved=seen.reserved,
    )


def _forget_cancel(connection: Connection, seen: Held) -> None:
    """Clear the requests to cancel: they were for the process before."""
    of_row = update(rows).where(rows.c.id == seen.row_id)
    connection.execute(of_row.values(cancel_requested=False))
    if seen.is_lone:
        of_job = update(jobs).where(jobs.c.id == seen.job_id)
        connection.execute(of_job.values(cancel_requested=False))
