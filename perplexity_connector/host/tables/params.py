"""The parameters of a table and of its job."""

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Required, TypeAlias, TypedDict

from perplexity_connector.host.runs.params import GivenConnection

if TYPE_CHECKING:
    from perplexity_connector.contract import TablePlannedItem

__all__ = ["FlowTableOptions", "JobOptions", "TableOptions"]

Retry: TypeAlias = Literal["failed", "unsure"]
Confirm: TypeAlias = Callable[["TablePlannedItem"], Awaitable[bool] | bool]


class AnyTableOptions(TypedDict, total=False):
    """The keywords of `stream_table` and `stream_flow_table`; each but `out` may be left out.

    See `docs/tables.md`.

    * `out`: the output, CSV or JSON Lines by its extension. Its real path names the job.
    * `job`: another name for the job. It is required where the ledger is not a local file.
    * `key`: the column that names a row; else the digest of its inputs does.
    * `columns`: the columns for the run's output by name, each a JSON Pointer into it.
    * `budget`: USD that the job may cost, over all its starts. It replaces an earlier one.
    * `at_once`: how many rows run at once; 16 if left out.
    * `ordered`: write the records in the table's order.
    * `fresh`: begin a new job, and keep the old output as `OUT.1`.
    * `retry`: run rows again that have `failed`, or that are `unsure` and may be paid twice.
    * `raw`: do not escape text of a run that a spreadsheet reads as a formula.
    * `plan_only`: only yield the plan.
    * `enter_only`: enter the job and its rows into the ledger for `stream_job`, and send nothing.
    * `timeout`: seconds for each run; the manifest's if left out.
    * `confirm`: called with the plan, and awaited if it is a coroutine function. False ends it.
    """

    out: Required[str | Path]
    job: str | None
    key: str | None
    columns: Mapping[str, str] | None
    budget: float | Decimal | str | None
    at_once: int
    ordered: bool
    fresh: bool
    retry: Retry | None
    raw: bool
    plan_only: bool
    enter_only: bool
    timeout: float | None
    confirm: Confirm | None


class TableOptions(AnyTableOptions, total=False):
    """The keywords of `stream_table`: those of `AnyTableOptions`, and two more.

    * `connection`, `version`: for each run, see `RunOptions`.
    """

    connection: GivenConnection
    version: int | None


class FlowTableOptions(AnyTableOptions, total=False):
    """The keywords of `stream_flow_table`: those of `AnyTableOptions`, and one more.

    * `connections`: by connector id; used instead of the connections that the steps name.
    """

    connections: Mapping[str, GivenConnection] | None


class JobOptions(TypedDict, total=False):
    """The keywords of `stream_job`; each may be left out.

    * `connection`: for each run, see `RunOptions`; if left out, the stored one that the job has by name.
    * `connections`: for a job that runs a flow, as in `FlowTableOptions`.
    * `at_once`: how many rows this process runs at once; 16 if left out.
    * `timeout`: for each run, see `RunOptions`.
    * `start`: the number of the start that this process belongs to, from `table.entered`. If left out,
      a new start begins, which also follows runs that earlier ones have left to the provider.
    * `retry`: as in `TableOptions`. It counts for a new start only.
    """

    connection: GivenConnection
    connections: Mapping[str, GivenConnection] | None
    at_once: int
    timeout: float | None
    start: int | None
    retry: Retry | None
