"""The items of a table's run as JSON documents, for a checker: those of `Host.stream_table` and `stream_job`."""

from typing import Literal, NotRequired, TypeAlias, TypedDict

__all__ = [
    "InvalidLineDocument",
    "JobItem",
    "RowFinishedItem",
    "RowState",
    "TableEnteredItem",
    "TableFinishedItem",
    "TableItem",
    "TablePlannedItem",
    "TablePriceDocument",
    "UnsureRowDocument",
]

# The states of a row in the ledger, in their order.
RowState: TypeAlias = Literal[
    "planned", "claimed", "sent", "begun", "done", "failed", "unsure"
]


class InvalidLineDocument(TypedDict):
    """A line of a table that does not run. `pointer` leads into its input; empty for the line itself."""

    line: int
    pointer: str
    message: str


class TablePriceDocument(TypedDict):
    """The price of all that is left to run: `likely` and `worst`, of the whole table.

    `basis` is `list_price` where every row has one. With `estimate`, a row may cost more than `worst`.
    """

    likely: float
    worst: float
    currency: str
    basis: Literal["list_price", "estimate"]


class TablePlannedItem(TypedDict):
    """The plan of a table: the first item, before anything is sent.

    * `job_id`: the job, for `Host.cancel`. A new one is recorded when it begins.
    * `rows`: the valid lines. Each has one record in the output.
    * `doubles`: those whose inputs are the same as an earlier line's. They share its run.
    * `done`: those that need no run: their row has ended.
    * `runs`: how many runs are left, those that go on among them.
    * `going_on`: the runs that an earlier start has begun. They are followed, not paid again.
    * `changed`: the lines whose content is new under a known key. They run again.
    * `invalid`: one item for each line that does not run.
    * `price`: an action without prices counts as 1 USD a run, an estimate.
    * `seconds`: how long it takes at the known rate limit; None while that is unknown.
    * `output`: the path of the output.
    * `kept_as`: with `fresh`, the path that the old output gets.
    """

    type: Literal["table.planned"]
    job_id: str
    rows: int
    doubles: int
    done: int
    runs: int
    going_on: int
    changed: list[int]
    invalid: list[InvalidLineDocument]
    price: TablePriceDocument
    seconds: float | None
    output: str
    kept_as: NotRequired[str]


class TableEnteredItem(TypedDict):
    """The last item of `stream_table` with `enter_only`: the ledger has the job and its rows.

    * `job`: its name, for `stream_job` and `write_table`.
    * `start`: the number of this start.
    """

    type: Literal["table.entered"]
    job_id: str
    job: str
    start: int


class RowFinishedItem(TypedDict):
    """A row has ended in this process. `line` is its first line; `key` is empty without a key column.

    `state` is `planned` for a row that counts as not started, and `begun` for one that goes on at
    the provider. `cost` is in USD, None if it is unknown. `left` is how many rows are left; rows that
    other processes have run meanwhile still count.
    """

    type: Literal["row.finished"]
    line: int
    key: str
    run_id: str
    state: RowState
    error: str | None
    cost: float | None
    left: int


class UnsureRowDocument(TypedDict):
    """A row that may have been paid, and whose answer is lost. Only `retry="unsure"` repeats it."""

    line: int
    key: str
    run_id: str


class TableFinishedItem(TypedDict):
    """The last item of a table, or of a process that has run rows of its job.

    * `reason`: `done` if every row has ended; `budget`; `stopped`, by a signal or a cancel; `failed`
      if an error stopped the job, such as a refused key: see `cause`. For `write_table` that of the
      last process that ran rows, `done` while some go on, and `failed` if the file is not written.
    * `cause`: that error's code; None for other reasons.
    * `message`: that error's words, which budget is used up and how to go on, or why the records
      could not be written; None if all is well.
    * `rows`: how many rows are in each state. Doubles are lines of one row.
    * `failed`: the lines of the failed rows by error code.
    * `unsure`: the rows that may have been paid, by name.
    * `begun`: the ids of the runs that go on at the provider. The next start fetches their answers.
    * `cost`: USD that the job has cost so far, of all its starts.
    * `output`: the path of the output; for `stream_job` as the ledger has it, perhaps of another machine.
    * `unsaved`: the path of the records that could not be written to the output; None if all were.
      `unsaved_lines` has them where not even that path could be written.
    """

    type: Literal["table.finished"]
    job_id: str
    reason: Literal["done", "budget", "stopped", "failed"]
    cause: str | None
    message: str | None
    rows: dict[RowState, int]
    failed: dict[str, list[int]]
    unsure: list[UnsureRowDocument]
    begun: list[str]
    cost: float
    output: str
    unsaved: str | None
    unsaved_lines: list[str]


TableItem: TypeAlias = (
    TablePlannedItem | TableEnteredItem | RowFinishedItem | TableFinishedItem
)
JobItem: TypeAlias = RowFinishedItem | TableFinishedItem
