"""Who holds a row: claims, and the taking over of rows of dead processes."""

from collections.abc import Callable, Collection, Mapping

from sqlalchemy import Connection

from perplexity_connector.contract import JsonObject
from perplexity_connector.host.ledger.entries import Claim, NewRun


def begin_run(
    connection: Connection,
    owner: str,
    new: NewRun,
    *,
    is_alive: Callable[[str], bool],
    now: int,
) -> Claim:
    """Begin a run outside a job, with its reservation. Raises `OverBudgetError`."""
    raise NotImplementedError


def adopt_run(
    connection: Connection, new: NewRun, checkpoint: JsonObject, *, now: int
) -> None:
    """Enter an unfinished run of an old journal: `begun`, and held by none. A known id is left alone."""
    raise NotImplementedError


def claim_row(
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
    the least to reserve. Returns None if nothing is left to claim or the job was cancelled.
    Raises `OverBudgetError`.
    """
    raise NotImplementedError


def take_over(
    connection: Connection,
    *,
    is_alive: Callable[[str], bool],
    now: int,
    job_id: str | None = None,
) -> int:
    """Take the rows of dead owners away, of one job or of all. Returns how many.

    Nothing sent: planned. A checkpoint: `begun`, for the next claim. Idempotent and sent: planned in a
    new round, and counted as perhaps billed twice. Else `unsure`. A run outside a job ends instead of
    being planned.
    """
    raise NotImplementedError


def resume_run(
    connection: Connection,
    owner: str,
    run_id: str,
    *,
    is_alive: Callable[[str], bool],
) -> Claim:
    """Claim a `begun` run whose process has ended. Raises `LookupError`, and `FencedError` while it lives."""
    raise NotImplementedError


def owns(connection: Connection, owner: str, claim: Claim) -> bool:
    """Return whether this owner still has the row of the claim."""
    raise NotImplementedError
