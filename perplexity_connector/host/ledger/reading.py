"""What the ledger knows: runs, jobs, lines, usage and percentiles."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection

from perplexity_connector.host.ledger.entries import (
    KnownJob,
    KnownLine,
    KnownRow,
    KnownRun,
    UsageBy,
    UsageRow,
)


def find_runs(
    connection: Connection,
    *,
    status: str | None = None,
    since: int | None = None,
    limit: int = 50,
    job_id: str | None = None,
) -> Sequence[KnownRun]:
    """Return runs, newest first. `status`: a state, or the status of an envelope."""
    raise NotImplementedError


def find_run(connection: Connection, run_id: str) -> KnownRun | None:
    """Return a run with its output and its checkpoint."""
    raise NotImplementedError


def find_job(connection: Connection, id_or_name: str) -> KnownJob | None:
    """Return a job by its id or its name."""
    raise NotImplementedError


def find_rows(
    connection: Connection, job_id: str, keys: Collection[str]
) -> Mapping[str, KnownRow]:
    """Return the rows of these keys, for the plan."""
    raise NotImplementedError


def find_lines(
    connection: Connection,
    job_id: str,
    *,
    after: int = -1,
    limit: int = 1000,
    is_unwritten: bool = False,
) -> Sequence[KnownLine]:
    """Return lines after that number whose row has ended; or only those that are not written."""
    raise NotImplementedError


def last_written(connection: Connection, job_id: str) -> Sequence[KnownLine]:
    """Return the last two lines in the output file, by where their records end."""
    raise NotImplementedError


def find_failures(connection: Connection, job_id: str) -> Sequence[KnownLine]:
    """Return the lines whose row failed or is unsure, without their content."""
    raise NotImplementedError


def usage(
    connection: Connection, by: UsageBy, *, since: int | None = None
) -> Sequence[UsageRow]:
    """Return what was used, the dearest first; runs of a sandbox are left out."""
    raise NotImplementedError


def percentile(
    connection: Connection, connector: str, action: str, group: str
) -> int | None:
    """Return the 99th percentile of the costs of this price group; None for fewer than 50 runs."""
    raise NotImplementedError
