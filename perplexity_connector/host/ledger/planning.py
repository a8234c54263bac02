"""Jobs and their rows: begun, planned, started, ended."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from perplexity_connector.host.ledger.entries import (
    NewJob,
    NewLine,
    NewRow,
    Retry,
)


def begin_job(connection: Connection, new: NewJob, *, now: int) -> None:
    """Begin a job, or note the newest connection fingerprint of a known one."""
    raise NotImplementedError


def rename_job(connection: Connection, job_id: str, name: str | None) -> None:
    """Give a job another name: the old job of `--fresh` frees its name for the new one."""
    raise NotImplementedError


def add_rows(
    connection: Connection,
    job_id: str,
    rows: Sequence[NewRow],
    lines: Sequence[NewLine],
    *,
    is_alive: Callable[[str], bool],
    now: int,
) -> None:
    """Plan rows and note the lines of the table, in batches; only differences are written.

    Changed content under a key begins a new round. A changed line counts as not written. The row of a
    line is in the same batch or known. Raises `FencedError` if a living process works on a changed row.
    """
    raise NotImplementedError


def start_job(
    connection: Connection,
    owner: str,
    job_id: str,
    *,
    cap: int | None,
    retry: Retry | None = None,
    last_line: int | None = None,
    is_alive: Callable[[str], bool],
    now: int,
) -> None:
    """Begin to write for a job: take over, drop lines after `last_line`, and plan what is retried.

    `cap` replaces the old one, unless it is None. Raises `FencedError` with the pid of another process that
    writes for it.
    """
    raise NotImplementedError


def line_ends(
    connection: Connection, job_id: str, ends: Sequence[tuple[int, int | None]]
) -> None:
    """Note where the records of these lines end in the output file; None: not written."""
    raise NotImplementedError


def end_job(
    connection: Connection, owner: str, job_id: str, reason: str, *, now: int
) -> None:
    """Stop writing for a job. It has ended if no row is left to run."""
    raise NotImplementedError
