"""What a process runs of a job."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from perplexity_connector.host.tables.runnables.runnable import Runnable


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The rows of a job, as one process runs them.

    * `runnable`: what each row runs.
    * `at_once`: how many at once.
    * `has_keys`: whether a column of the table names each row.
    * `groups`: the price groups whose price is an estimate.
    * `left`: how many rows are left.
    * `output`: the path of the output, as the ledger has it.
    * `beside`: the file beside which ends go that the ledger cannot take; None: into the last item.
    """

    job_id: str
    runnable: Runnable = field(repr=False)
    at_once: int
    has_keys: bool
    groups: Collection[str]
    left: int
    output: str
    beside: Path | None
