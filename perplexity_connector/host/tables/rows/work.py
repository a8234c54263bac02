"""What a process runs of a job."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from perplexity_connector.host.runs.params import GivenConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The action that each row runs."""

    connector: str
    action: str
    version: int
    connection: GivenConnection = field(repr=False)
    timeout: float | None
    idempotent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The rows of a job, as one process runs them.

    * `at_once`: how many at once.
    * `has_keys`: whether a column of the table names each row.
    * `groups`: the price groups whose price is an estimate.
    * `left`: how many rows are left.
    * `output`: the path of the output, as the ledger has it.
    * `beside`: the file beside which ends go that the ledger cannot take; None: into the last item.
    """

    job_id: str
    step: Step
    at_once: int
    has_keys: bool
    groups: Collection[str]
    left: int
    output: str
    beside: Path | None
