"""The entries of the ledger, as data, and its errors.

Money is integers of nano-USD. Times are integer milliseconds of the epoch. A repr shows no input,
checkpoint or output: a crash report prints the values of a frame.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from perplexity_connector.contract import JsonObject

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument

__all__ = ["LedgerError"]

# The states of a row, and of its run in the row's current round.
State: TypeAlias = Literal[
    "planned", "claimed", "sent", "begun", "done", "failed", "unsure"
]
CostBasis: TypeAlias = Literal["provider", "list_price", "unknown"]
Retry: TypeAlias = Literal["failed", "unsure"]
UsageBy: TypeAlias = Literal["model", "action", "connection", "day"]

# The connector of a job that runs a flow for each of its rows, and of the runs of its rows. The steps' runs
# have the costs, so these runs are in no `usage`.
FLOW = ""
# A row in one of these has ended; only a retry or changed content begins a new round.
ENDED: tuple[State, ...] = ("done", "failed", "unsure")


def count_ended(counts: Mapping[State, int]) -> int:
    """Return how many rows have ended, from the rows in each state."""
    return sum(counts.get(state, 0) for state in ENDED)


class LedgerError(Exception):
    """The ledger cannot be opened or written. The text holds no password."""


class NewerLedgerError(LedgerError):
    """A newer release of this package wrote the ledger."""


class FencedError(Exception):
    """Another owner has the row. `pid`: its process, if that is known."""

    def __init__(self, message: str, pid: int | None = None) -> None:
        """Describe the refusal."""
        super().__init__(message)
        self.pid = pid


class OverBudgetError(Exception):
    """A reservation does not fit into a budget.

    `is_waiting_useful`: other runs of that budget are under way and may free a part of it.
    """

    def __init__(self, budget_id: str, *, is_waiting_useful: bool) -> None:
        """Name the budget."""
        super().__init__(f"The budget {budget_id} is used up.")
        self.budget_id = budget_id
        self.is_waiting_useful = is_waiting_useful


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAction:
    """The action of a new job or run.

    * `connection`: the name of its stored connection; None for any other connection.
    * `fingerprint`: of the connection's settings. The newest counts.
    * `idempotent`: whether the action may be repeated freely.
    * `is_sandbox`: it counts in no usage, daily budget or percentile.
    """

    connector: str
    action: str
    version: int
    connection: str | None = None
    fingerprint: str = ""
    idempotent: bool = False
    is_sandbox: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob(NewAction):
    """A job to begin.

    * `name`: its identity for a person: the real path of its output, or a chosen name.
    * `template_digest`, `columns`: the digest of the template, and the columns of the output.
    * `cap`: the most that it may cost.
    * `output`: the real path of its output.
    * `flow`: the flow that runs for each row; its connector is `FLOW` then.
    """

    job_id: str
    name: str | None
    template_digest: str | None = None
    columns: JsonObject | None = None
    cap: int | None = None
    output: str | None = None
    flow: JsonObject | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPrice:
    """The price of a row.

    * `likely`, `worst`: `worst` is reserved.
    * `price_group`: runs of one group cost alike; None if the price is a listed one.
    """

    likely: int = 0
    worst: int = 0
    price_group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRow(RowPrice):
    """A row to plan.

    * `number`: its first line in the table.
    * `key`, `digest`: its identity within the job, and the digest of its input.
    """

    number: int
    key: str
    digest: str
    input: JsonObject = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLine:
    """A line of the table. `key`: its row; `record`: the table's own columns."""

    number: int
    key: str
    record: JsonObject | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun(NewAction):
    """A run outside a job.

    * `started_at`: when it began; None is the time of its commit.
    * `price`: what to reserve in `budgets`; None without a budget.
    """

    run_id: str
    started_at: int | None = None
    input: JsonObject | None = field(default=None, repr=False)
    price: int | None = None
    price_group: str | None = None
    budgets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A run that this process holds.

    * `epoch`: rises with each change of the row's owner.
    * `round`: rises with a retry and with changed content.
    * `number`: the row's first line in the table.
    * `state`: `claimed`; `sent` for an idempotent action; `begun` with a `checkpoint` to follow.
    * `budgets`, `reserved`: its reservation, and where it counts.
    * `only_line`: the row's line; None without one, or if it has doubles.
    """

    job_id: str
    row_id: int
    run_id: str
    epoch: int
    round: int
    number: int
    key: str
    state: State
    input: JsonObject | None = field(default=None, repr=False)
    checkpoint: JsonObject | None = field(default=None, repr=False)
    budgets: tuple[str, ...] = ()
    reserved: int = 0
    only_line: "KnownLine | None" = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """How a run ended.

    * `state`: `done`, `failed` or `unsure` are its end; `begun` is followed, by another process of its
      job if this one has only left it, else at the next start; `planned` counts as not started;
      `claimed` stays with this process.
    * `status`, `error_code`, `effect`, `attempts`, `usage`, `summary`: of its envelope.
    * `cost`: None if it is not known.
    """

    envelope: "EnvelopeDocument | None" = field(default=None, repr=False)
    state: State
    status: str | None = None
    error_code: str | None = None
    effect: str | None = None
    attempts: int = 0
    usage: JsonObject | None = None
    cost: int | None = None
    cost_basis: CostBasis = "unknown"
    model: str | None = None
    summary: str | None = field(default=None, repr=False)
    ended_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRun:
    """A run in the ledger.

    * `is_sandbox`, `number`, `key`: of its job and row; a run outside a job has no number and key.
    * `kept`: the reservations of its sends that are in doubt, together with an open one.
    * `perhaps_twice`: its request was sent again although the first may have been billed.
    * `output`: its envelope. A list of runs leaves it out.
    """

    run_id: str
    job_id: str
    connector: str
    action: str
    version: int
    connection: str | None
    is_sandbox: bool
    number: int
    key: str
    state: State
    created_at: int
    ended_at: int | None
    attempts: int
    status: str | None
    error_code: str | None
    effect: str | None
    usage: JsonObject | None
    cost: int | None
    cost_basis: str | None
    kept: int
    perhaps_twice: bool
    model: str | None
    input: JsonObject | None = field(repr=False)
    summary: str | None = field(repr=False)
    checkpoint: JsonObject | None = field(default=None, repr=False)
    output: "EnvelopeDocument | None" = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownJob:
    """A job in the ledger.

    * `cap`, `committed`: its budget: costs and reservations together.
    * `cost`: the known costs of all its runs, earlier rounds too.
    * `end_reason`: why the last process stopped to work for it; None while a start goes on.
    * `is_stale`: whether the output has records that are out of date.
    * `counts`: rows of the present table by state.
    * `perhaps_twice`: how many of its runs were perhaps billed twice.
    """

    job_id: str
    name: str | None
    connector: str
    action: str
    version: int
    connection: str | None
    template_digest: str | None
    columns: JsonObject | None
    output: str | None
    is_sandbox: bool
    created_at: int
    ended_at: int | None
    end_reason: str | None = None
    starts: int
    cancel_requested: bool
    content_erased: bool
    is_stale: bool
    cap: int | None
    committed: int
    cost: int
    counts: Mapping[State, int]
    perhaps_twice: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRow(RowPrice):
    """A row in the ledger, for the plan. `digest`: of its input."""

    key: str
    digest: str
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLine(RowPrice):
    """A line of a table, with the outcome of its row.

    * `row_number`: the row's own line; a double has another number.
    * `key`, `digest`: of its row.
    * `record`: the table's own columns.
    * `output_end`: where its record ends in the output file; None if it is not written.
    * `run_id` to `output`: of the row's current run, if it has one.
    * its price: that of its row, in the lines for a plan.
    """

    number: int
    row_number: int
    key: str
    digest: str
    record: JsonObject | None = field(repr=False)
    output_end: int | None
    state: State
    run_id: str | None = None
    error_code: str | None = None
    cost: int | None = None
    output: "EnvelopeDocument | None" = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRows:
    """The rows of one price group that are to be run, and reserve money: how many, and their prices.

    * `likely`, `worst`: of all together; `largest`: the worst price of the dearest.
    """

    count: int
    likely: int
    worst: int
    largest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPlan:
    """The plan of a table that was entered completely, and the present state of its rows.

    * `digest`: of all that the plan was made of.
    * `document`: the part of it that its rows and lines do not have.
    * `rows`, `lines`: how many there are, by state. Doubles are lines of one row.
    * `open`: the rows to run by price group, without those that have begun.
    """

    digest: str
    document: JsonObject = field(repr=False)
    rows: Mapping[State, int]
    lines: Mapping[State, int]
    open: Mapping[str | None, OpenRows]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """The use of one model, action, connection or day.

    * `cost`: the known costs; `listed`: whether a list price is among them; `unpriced`: the runs
      that have no known cost.
    * `kept`: the reservations that are open or in doubt.
    """

    name: str
    runs: int
    cost: int
    listed: bool
    unpriced: int
    kept: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitKey:
    """Whose limit it is: that of an action and of a key, whose digits are in `fingerprint`."""

    connector: str
    action: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnTimes:
    """When some requests may start. All times are of this process's monotonic clock, in seconds.

    * `starts`: for each request, in order; None for one whose deadline comes first.
    * `free_at`: when the next request may start, after these.
    * `rate`: requests a second; None if the limit is not known.
    """

    starts: tuple[float | None, ...]
    free_at: float
    rate: float | None
