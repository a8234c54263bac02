"""The end of a run: its state, its answer, and the cost in place of its reservation."""

from sqlalchemy import Connection, bindparam, update

from perplexity_connector.host.ledger.entries import ENDED, Claim, RunEnd, State
from perplexity_connector.host.ledger.schema import rows, runs
from perplexity_connector.host.ledger.texts import packed
from perplexity_connector.host.ledger.transactions.budgets import add
from perplexity_connector.host.ledger.transactions.held import (
    Held,
    end_lone,
    fenced,
    follow,
    held,
    is_owner,
    is_sender,
    move_row,
    owned,
    take_back,
)
from perplexity_connector.host.ledger.transactions.prepared import Prepared
from perplexity_connector.host.ledger.transactions.run_units import back, keep
from perplexity_connector.host.ledger.transactions.takeovers import (
    plan_again,
    plan_or_end,
)

_end = Prepared(
    update(runs)
    .where(runs.c.id == bindparam("run"))
    .values(
        {
            name: bindparam(f"to_{name}")
            for name in (
                "state",
                "ended_at",
                "attempts",
                "status",
                "error_code",
                "effect",
                "usage",
                "cost",
                "cost_basis",
                "reserved",
                "model",
                "checkpoint",
                "output",
                "summary",
            )
        }
    )
)


def end_run(connection: Connection, owner: str, claim: Claim, end: RunEnd) -> State:
    """End a run, and replace its reservation by its cost. Return the state that it then has.

    An answer from the process that sent the run is taken after a takeover too; a `done` is never
    replaced. To end a run twice changes nothing. Raises `FencedError`.
    """
    seen = held(connection, claim.run_id)
    if seen is None or not is_owner(seen, owner, claim):
        return _end_late(connection, owner, claim, seen, end)
    if end.state == "claimed":
        if _is_in_doubt(seen, end):
            keep(connection, owner, claim)
        back(connection, owner, claim)
        return "claimed"
    if end.state == "planned":
        return _plan(connection, seen, end)
    state = _end_state(seen, end)
    _write(connection, seen, end, state)
    move_row(connection, seen, state)
    if state == "begun" and end.status == "cancelled":
        # Its process has only left it: any other one may follow it now.
        follow(connection, rows.c.id == seen.row_id)
    return state


def put_back(connection: Connection, owner: str, claim: Claim, *, now: int) -> State:
    """Plan the row again, in a new round if the old one may have cost something. Return its state.

    A run with a checkpoint stays `begun`: the next start follows it. Raises `FencedError`.
    """
    seen = owned(connection, owner, claim)
    if seen.checkpoint:
        move_row(connection, seen, "begun")
        return "begun"
    plan_again(connection, seen, now, is_in_doubt=_was_sent(seen))
    return "planned"


def _end_late(
    connection: Connection, owner: str, claim: Claim, seen: Held | None, end: RunEnd
) -> State:
    """Take an answer after a takeover."""
    if seen is None:
        raise fenced(connection, None)
    if seen.state == "done":
        return "done"
    if not is_sender(seen, owner, claim):
        raise fenced(connection, seen.owner)
    if not _is_news(seen, end):
        return seen.state
    _write(connection, seen, end, end.state)
    take_back(connection, seen, end.state)
    return end.state


def _is_news(seen: Held, end: RunEnd) -> bool:
    return end.state == "done" or (end.state == "failed" and seen.state == "unsure")


def _plan(connection: Connection, seen: Held, end: RunEnd) -> State:
    if end.cost is None and not _is_in_doubt(seen, end):
        plan_again(connection, seen, end.ended_at, is_in_doubt=False)
    else:
        _write(connection, seen, end, "failed")
        plan_or_end(connection, seen, end.ended_at)
    return "failed" if seen.is_lone else "planned"


def _was_sent(seen: Held) -> bool:
    return seen.state in {"sent", "begun"}


def _is_in_doubt(seen: Held, end: RunEnd) -> bool:
    return _was_sent(seen) and end.effect != "none"


def _end_state(seen: Held, end: RunEnd) -> State:
    """Return the state that is true: without a checkpoint there is nothing to follow."""
    if end.state != "begun" or seen.checkpoint:
        return end.state
    is_harmless = seen.idempotent or end.effect == "none"
    return "failed" if is_harmless else "unsure"


def _write(connection: Connection, seen: Held, end: RunEnd, state: State) -> None:
    has_ended = state in ENDED
    cost, reserved = _money(seen, end, state)
    change = (cost or 0) + reserved - (seen.cost or 0) - seen.reserved
    add(connection, seen.budget_ids, change)
    values = {
        "run": seen.run_id,
        "to_state": state,
        "to_ended_at": end.ended_at if has_ended else None,
        "to_attempts": end.attempts,
        "to_status": end.status,
        "to_error_code": end.error_code,
        "to_effect": end.effect,
        "to_usage": packed(end.usage),
        "to_cost": cost,
        "to_cost_basis": end.cost_basis,
        "to_reserved": reserved,
        "to_model": end.model,
        "to_checkpoint": None if has_ended else seen.checkpoint,
        "to_output": packed(end.envelope),
        "to_summary": end.summary,
    }
    _end.change(connection, values)
    if has_ended:
        end_lone(connection, seen, end.ended_at)


def _money(seen: Held, end: RunEnd, state: State) -> tuple[int | None, int]:
    """Return the run's cost and its reservation from now on."""
    if state == "begun":
        return seen.cost, seen.reserved
    if end.cost is not None:
        return end.cost, 0
    is_free = state == "failed" and end.effect == "none"
    return seen.cost, 0 if is_free else seen.reserved
