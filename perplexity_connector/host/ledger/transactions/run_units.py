"""The steps of one run until its end: sent, back, reserved again, its checkpoint."""

from collections.abc import Callable

from sqlalchemy import Connection, String, bindparam, case, update

from perplexity_connector.contract import JsonObject
from perplexity_connector.host.ledger.entries import Claim
from perplexity_connector.host.ledger.schema import rows, runs
from perplexity_connector.host.ledger.texts import packed
from perplexity_connector.host.ledger.transactions.budgets import reserve
from perplexity_connector.host.ledger.transactions.held import (
    change_run,
    fenced,
    held,
    is_sender,
    owned,
    reopen,
    take_back,
)
from perplexity_connector.host.ledger.transactions.prepared import Prepared

# A run with a checkpoint stays `begun`: its requests only follow it.
_to_state = bindparam("to_state", type_=String)
_our_row = update(rows).where(
    rows.c.id == bindparam("row"),
    rows.c.owner == bindparam("by"),
    rows.c.epoch == bindparam("as_claimed"),
)
_step_row = Prepared(
    _our_row.values(state=case((rows.c.state == "begun", "begun"), else_=_to_state))
)
_set_row = Prepared(_our_row.values(state=_to_state))
_our_run = update(runs).where(runs.c.id == bindparam("run"))
_step_run = Prepared(
    _our_run.where(runs.c.state != "begun").values(
        state=_to_state,
        sent_by=bindparam("to_sender"),
        sent_epoch=bindparam("to_epoch"),
        sent_at=bindparam("to_time"),
    )
)
_checkpoint = Prepared(
    _our_run.values(state=_to_state, checkpoint=bindparam("to_checkpoint"))
)
_keep = Prepared(
    _our_run.values(kept=runs.c.kept + runs.c.reserved, reserved=bindparam("nano"))
)


def sent(connection: Connection, owner: str, claim: Claim, *, now: int) -> None:
    """Note that the request leaves: the fence. Raises `FencedError` if another owner has the row."""
    _step(connection, owner, claim, "sent")
    change = {
        "run": claim.run_id,
        "to_state": "sent",
        "to_sender": owner,
        "to_epoch": claim.epoch,
        "to_time": now,
    }
    _step_run.change(connection, change)


def back(connection: Connection, owner: str, claim: Claim) -> None:
    """Note that an attempt ended without effect: the run is only claimed again. Raises `FencedError`."""
    _step(connection, owner, claim, "claimed")
    change = {
        "run": claim.run_id,
        "to_state": "claimed",
        "to_sender": None,
        "to_epoch": None,
        "to_time": None,
    }
    _step_run.change(connection, change)


def keep(connection: Connection, owner: str, claim: Claim) -> None:
    """Keep the reservation of an attempt in doubt. What the run reserves later comes on top.

    A run that waits for that is not one that others wait for. Raises `FencedError`.
    """
    owned(connection, owner, claim)
    _keep.change(connection, {"run": claim.run_id, "nano": 0})


def reserve_again(
    connection: Connection,
    owner: str,
    claim: Claim,
    nano: int,
    *,
    is_alive: Callable[[str], bool],
) -> None:
    """Reserve for a repeat after an attempt in doubt, whose reservation is kept.

    Raises `OverBudgetError` and `FencedError`.
    """
    reserve(connection, claim.budgets, nano, is_alive=is_alive)
    owned(connection, owner, claim)
    _keep.change(connection, {"run": claim.run_id, "nano": nano})


def checkpoint(
    connection: Connection, owner: str, claim: Claim, state: JsonObject
) -> None:
    """Keep a checkpoint: the run is `begun`. An empty one clears it.

    From the process that sent the run it is taken after a takeover too, if the run is `unsure`.
    Raises `FencedError`.
    """
    to_state = "begun" if state else "sent"
    row = {"row": claim.row_id, "by": owner, "as_claimed": claim.epoch}
    if not _set_row.change(connection, row | {"to_state": to_state}):
        _take_late(connection, owner, claim, state)
    kept = packed(state or None)
    change = {"run": claim.run_id, "to_state": to_state, "to_checkpoint": kept}
    _checkpoint.change(connection, change)


def _step(connection: Connection, owner: str, claim: Claim, state: str) -> None:
    row = {"row": claim.row_id, "by": owner, "as_claimed": claim.epoch}
    if not _step_row.change(connection, row | {"to_state": state}):
        seen = held(connection, claim.run_id)
        raise fenced(connection, seen.owner if seen else None)


def _take_late(
    connection: Connection, owner: str, claim: Claim, state: JsonObject
) -> None:
    """Give an unsure row back to the process that sent its run, and now knows how to follow it."""
    seen = held(connection, claim.run_id)
    if (
        not state
        or seen is None
        or seen.state != "unsure"
        or not is_sender(seen, owner, claim)
        or not take_back(connection, seen, "begun", owner=owner, epoch=claim.epoch)
    ):
        raise fenced(connection, seen.owner if seen else None)
    change_run(connection, seen.run_id, {"ended_at": None, "effect": None})
    reopen(connection, seen)
