"""How long the content of runs is kept, and what ends a run from outside."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection


def cancel(connection: Connection, run_or_job_id: str) -> bool:
    """Ask the owner of a run, or of a job's runs, to stop. Returns whether one is held. Raises `LookupError`."""
    raise NotImplementedError


def cancelled_runs(connection: Connection, owner: str) -> Sequence[str]:
    """Return the ids of the runs that this owner holds and should stop."""
    raise NotImplementedError


def erase(connection: Connection, job_id: str) -> None:
    """Erase the content of a job or of a run outside a job. Digest, state and cost stay."""
    raise NotImplementedError


def erase_expired(connection: Connection, *, ended_before: int) -> int:
    """Erase the content of jobs that ended before this time. Returns how many."""
    raise NotImplementedError


def forget(
    connection: Connection,
    job_or_run_id: str,
    *,
    is_alive: Callable[[str], bool],
    now: int,
) -> None:
    """Close a job, or a run outside a job, and erase its content.

    Raises `LookupError`, and `FencedError` while a process works on it.
    """
    raise NotImplementedError
