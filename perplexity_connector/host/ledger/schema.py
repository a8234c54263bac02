"""The tables of the ledger. A change of them is a new `VERSION`."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    exists,
    false,
    text,
)

VERSION = 3
# So many values go into one statement: SQLite takes 32,766.
BATCH = 1000

metadata = MetaData()
# SQLite numbers rows by itself only where the type is exactly INTEGER.
_row_id = BigInteger().with_variant(Integer, "sqlite")
_held = text("owner IS NOT NULL")
_priced = text("cost IS NOT NULL")
_outside = text("flow_id IS NULL")
_listed = text("row_id IS NULL")
_of_row = text("row_id IS NOT NULL")


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=false())


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default="0")


def _action() -> Sequence[Column[Any]]:
    """Return the columns of an action, which a job and each of its runs have."""
    return (
        Column("connector", String, nullable=False),
        Column("action", String, nullable=False),
        Column("version", Integer, nullable=False),
        Column("connection", String),
        Column("fingerprint", String, nullable=False, server_default=""),
        _flag("idempotent"),
    )


ACTION = tuple(column.name for column in _action())

meta = Table("meta", metadata, Column("version", Integer, nullable=False))

# The processes that write. `lease_until` is set where they cannot hold a lock file.
owners = Table(
    "owners",
    metadata,
    Column("id", String, primary_key=True),
    Column("pid", Integer, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("lease_until", BigInteger),
)

# `committed`: costs and reservations. No cap means that it only counts.
budgets = Table(
    "budgets",
    metadata,
    Column("id", String, primary_key=True),
    Column("cap", BigInteger),
    _number("committed"),
)

# `next_at`: the next moment at which a request may start, in microseconds of the epoch on the clock that all
# processes share. `rate`: requests a second; NULL until a limit is known.
limits = Table(
    "limits",
    metadata,
    Column("connector", String, primary_key=True),
    Column("action", String, primary_key=True),
    Column("fingerprint", String, primary_key=True),
    _number("next_at"),
    Column("rate", Double),
)

# A run outside a job is a job of one row, with the run's id. `owner`: the process that writes its output.
# `flow_id`: the flow of whose step it is a run; its content is kept as long as that of the flow.
jobs = Table(
    "jobs",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, unique=True),
    *_action(),
    Column("template_digest", String),
    Column("columns", Text),
    _flag("is_sandbox"),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("end_reason", String),
    Column("starts", Integer, nullable=False, server_default="0"),
    Column("owner", String),
    _flag("cancel_requested"),
    Column("output", Text),
    _flag("content_erased"),
    _flag("is_stale"),
    Column("flow_id", String),
    Index("ix_jobs_ended", "content_erased", "ended_at"),
    Index(
        "ix_jobs_listed",
        "created_at",
        "id",
        sqlite_where=_outside,
        postgresql_where=_outside,
    ),
)

# `number`: the first line; negative for a row that is not in the present table, which is not run.
# `to_follow`: the next claim may follow its checkpoint.
rows = Table(
    "rows",
    metadata,
    Column("id", _row_id, primary_key=True),
    Column("job_id", String, ForeignKey("jobs.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("key", Text, nullable=False),
    Column("digest", String, nullable=False),
    Column("input", Text),
    _number("likely"),
    _number("worst"),
    Column("price_group", String),
    Column("state", String, nullable=False),
    Column("owner", String),
    Column("epoch", Integer, nullable=False, server_default="0"),
    Column("round", Integer, nullable=False, server_default="0"),
    _flag("cancel_requested"),
    _flag("to_follow"),
    UniqueConstraint("job_id", "key"),
    Index("ix_rows_state", "job_id", "state", "number"),
    Index("ix_rows_owner", "owner", sqlite_where=_held, postgresql_where=_held),
)

# The lines of a table: doubles are lines of one row.
lines = Table(
    "lines",
    metadata,
    Column("job_id", String, ForeignKey("jobs.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("row_id", _row_id, ForeignKey("rows.id"), nullable=False),
    Column("record", Text),
    Column("output_end", BigInteger),
    Index("ix_lines_row", "row_id"),
)

# The plan of the last table that was entered completely. `digest`: of all that it was made of. `document`: the
# part of it that the rows and lines do not have.
plans = Table(
    "plans",
    metadata,
    Column("job_id", String, ForeignKey("jobs.id"), primary_key=True),
    Column("digest", String, nullable=False),
    Column("document", Text, nullable=False),
)

# `reserved` is open until the cost replaces it. `kept`: earlier sends in doubt.
runs = Table(
    "runs",
    metadata,
    Column("id", String, primary_key=True),
    Column("job_id", String, ForeignKey("jobs.id"), nullable=False),
    Column("row_id", _row_id, ForeignKey("rows.id"), nullable=False),
    Column("step", String, nullable=False, server_default=""),
    Column("item", Integer, nullable=False, server_default="0"),
    Column("round", Integer, nullable=False),
    *_action(),
    Column("state", String, nullable=False),
    Column("sent_by", String),
    Column("sent_epoch", Integer),
    Column("created_at", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("status", String),
    Column("error_code", String),
    Column("effect", String),
    Column("usage", Text),
    Column("cost", BigInteger),
    Column("cost_basis", String),
    _number("reserved"),
    _number("kept"),
    Column("budgets", Text, nullable=False, server_default="[]"),
    _flag("perhaps_twice"),
    Column("model", String),
    Column("price_group", String),
    Column("checkpoint", Text),
    Column("input", Text),
    Column("output", Text),
    Column("summary", Text),
    UniqueConstraint("job_id", "row_id", "step", "item", "round"),
    Index("ix_runs_created", "created_at"),
    Index(
        "ix_runs_price",
        "connector",
        "action",
        "price_group",
        "cost",
        sqlite_where=_priced,
        postgresql_where=_priced,
    ),
)

# A run of a flow. `owner`: the process that works on it. `row_id`: the row of a table that it runs for, if any.
# `summary`: of its last step.
flows = Table(
    "flows",
    metadata,
    Column("id", String, primary_key=True),
    Column("source", Text),
    Column("title", Text),
    Column("document", Text),
    Column("inputs", Text),
    Column("part", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("status", String),
    Column("owner", String),
    _flag("is_sandbox"),
    _flag("content_erased"),
    _flag("cancel_requested"),
    Column("row_id", _row_id, ForeignKey("rows.id")),
    Column("summary", Text),
    Index(
        "ix_flows_listed",
        "created_at",
        "id",
        sqlite_where=_listed,
        postgresql_where=_listed,
    ),
    Index("ix_flows_source", "source", "created_at"),
    Index("ix_flows_ended", "content_erased", "ended_at"),
    Index("ix_flows_owner", "owner", sqlite_where=_held, postgresql_where=_held),
    Index("ix_flows_row", "row_id", sqlite_where=_of_row, postgresql_where=_of_row),
)

# `item`: the index of the item that it runs for; negative for the step itself. `round`: rises when it runs again.
# `record`: its envelope, which the run of an item has itself.
flow_steps = Table(
    "flow_steps",
    metadata,
    Column("id", _row_id, primary_key=True),
    Column("flow_id", String, ForeignKey("flows.id"), nullable=False),
    Column("step", String, nullable=False),
    Column("item", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("run_id", String),
    Column("kept_from", String),
    Column("record", Text),
    _flag("cancel_requested"),
    UniqueConstraint("flow_id", "step", "item", "round"),
    Index("ix_flow_steps_run", "run_id"),
)

# The flow that a job runs for each of its rows.
job_flows = Table(
    "job_flows",
    metadata,
    Column("job_id", String, ForeignKey("jobs.id"), primary_key=True),
    Column("document", Text, nullable=False),
)

# Joins a row with its run in the row's current round.
is_current = and_(
    runs.c.job_id == rows.c.job_id,
    runs.c.row_id == rows.c.id,
    runs.c.round == rows.c.round,
)
is_present = rows.c.number >= 0
# Joins a row with its first line.
is_first_line = and_(
    lines.c.job_id == rows.c.job_id,
    lines.c.number == rows.c.number,
    lines.c.row_id == rows.c.id,
)
has_line = exists().where(is_first_line)
