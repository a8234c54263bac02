"""The course of one run: sent, back, its checkpoint and its end."""

from collections.abc import Callable

from sqlalchemy import Connection

from perplexity_connector.contract import JsonObject
from perplexity_connector.host.ledger.entries import Claim, RunEnd, State


def sent(connection: Connection, owner: str, claim: Claim, *, now: int) -> None:
    """Note that the request leaves: the fence. Raises `FencedError` if another owner has the row."""
    raise NotImplementedError


def back(connection: Connection, owner: str, claim: Claim) -> None:
    """Note that an attempt ended without effect: the run is only claimed again. Raises `FencedError`."""
    raise NotImplementedError


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
    raise NotImplementedError


def checkpoint(
    connection: Connection, owner: str, claim: Claim, state: JsonObject
) -> None:
    """Keep a checkpoint: the run is `begun`. An empty one clears it.

    From the process that sent the run it is taken after a takeover too, if the run is `unsure`.
    Raises `FencedError`.
    """
    raise NotImplementedError


def end_run(
    connection: Connection, owner: str, claim: Claim, end: RunEnd
) -> State:
    """End a run, and replace its reservation by its cost. Returns the state that it then has.

    An answer from the process that sent the run is taken after a takeover too; a `done` is never
    replaced. Raises `FencedError`.
    """
    raise NotImplementedError


def put_back(connection: Connection, owner: str, claim: Claim, *, now: int) -> None:
    """Plan the row again, in a new round if the old one may have cost something. Raises `FencedError`."""
    raise NotImplementedError
