"""The flows of the ledger, and its history, as data. Money, times and reprs are as in `entries`."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from perplexity_connector.contract import JsonObject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perplexity_connector.contract import RunStatusName
    from perplexity_connector.host.ledger.entries import State

StepState: TypeAlias = Literal["running", "done", "failed", "skipped", "kept"]
HistoryKind: TypeAlias = Literal["flow", "run", "table"]
# `interrupted`: it has not ended, and no process works on it.
HistoryStatus: TypeAlias = Literal[
    "running", "interrupted", "succeeded", "failed", "cancelled", "unsure"
]

# The item of a step itself. The runs of a step with `each` have the index of their item.
WHOLE = -1
# The largest number of a database: no time is later.
_LATEST = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFlow:
    """A run of a flow to begin.

    * `source`, `title`: by which its last run is found, such as its file; its name for people.
    * `part`: the part that runs, as `{"only": STEP}` or `{"from_step": STEP}`; None is all of it.
    * `is_sandbox`: its steps run in a sandbox.
    * `row_id`: the row of a table that it runs for: it is in no list, and its content is that of the job.
    """

    flow_id: str
    document: JsonObject = field(repr=False)
    inputs: JsonObject | None = field(default=None, repr=False)
    source: str | None = None
    title: str | None = None
    part: JsonObject | None = None
    is_sandbox: bool = False
    row_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownStep:
    """A step of a flow, or its run for one item.

    * `item`: the index of the item; `WHOLE` (-1) for the step itself.
    * `run_id`, `run_state`: its newest run. Without a run that began, the state is None, as for the
      step itself where its items have the runs.
    * `kept_from`: the flow whose output was kept; None if it ran here, or another output was given.
    * `cost`: the known costs of its runs, also those before a resume, and those of its items; None if none
      is known.
    * `record`: its envelope, or that of its run. A list of flows leaves it out.
    """

    step: str
    item: int
    state: StepState
    run_id: str | None
    run_state: "State | None"
    kept_from: str | None
    cost: int | None
    record: JsonObject | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFlow:
    """A run of a flow.

    * `is_running`: a living process works on it. If none does and it has no status, it was interrupted.
    * `status`: how it ended; None if it has not.
    * `document`, `inputs`: None if they were erased; a flow need not have inputs.
    * `summary`: of the last step that ended.
    * `cost`: the known costs of all runs of its steps; None if none is known.
    * `steps`: in the order in which they began, each with its items after it.
    """

    flow_id: str
    source: str | None
    title: str | None
    document: JsonObject | None = field(repr=False)
    inputs: JsonObject | None = field(repr=False)
    part: JsonObject | None
    created_at: int
    ended_at: int | None
    status: "RunStatusName | None"
    is_running: bool
    is_sandbox: bool
    content_erased: bool
    row_id: int | None
    summary: str | None = field(repr=False)
    cost: int | None
    steps: tuple[KnownStep, ...]

    @property
    def state(self) -> HistoryStatus:
        """How it ended, or whether a process works on it."""
        return self.status or ("running" if self.is_running else "interrupted")

    @property
    def cursor(self) -> str:
        """Return where the next page of a list begins, if this is the last one of the page before."""
        return cursor_of(self.created_at, self.flow_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """A flow, a run outside flows and jobs, or a table.

    * `title`: the name of a flow or a table, as far as it has one; else the action, as `connector.action`.
    * `at`: when it began.
    * `cost`: the known costs; None if there are none. That of a table is what its budget counts: costs,
      and reservations that are open or in doubt.
    * `summary`: of a run, or of the last step of a flow.
    * `inputs`, `steps`: of a flow: the values of its inputs, and the ids of its steps.
    * `counts`: the rows of a table by state.
    """

    kind: HistoryKind
    id: str
    title: str
    at: int
    ended_at: int | None
    status: HistoryStatus
    cost: int | None
    is_sandbox: bool
    summary: str | None = field(default=None, repr=False)
    inputs: JsonObject | None = field(default=None, repr=False)
    steps: tuple[str, ...] = ()
    counts: "Mapping[State, int]" = field(default_factory=dict["State", int])

    @property
    def cursor(self) -> str:
        """Return where the next page begins, if this is the last entry of the page before."""
        return cursor_of(self.at, self.id)


def cursor_of(at: int, entry_id: str) -> str:
    """Return the place after an entry in a list, as text."""
    return f"{at}-{entry_id}"


def read_cursor(cursor: str) -> tuple[int, str]:
    """Return the time and the id of a cursor. Raises `ValueError` for another text."""
    at, _, entry_id = cursor.partition("-")
    if (number := int(at)) > _LATEST:
        raise ValueError(cursor)
    return number, entry_id
