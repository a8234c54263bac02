"""The flows that the ledger knows."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, RowMapping, func, or_, select

from perplexity_connector.contract import JsonObject
from perplexity_connector.host.ledger.flow_entries import (
    WHOLE,
    HistoryStatus,
    KnownFlow,
    KnownStep,
)
from perplexity_connector.host.ledger.records.searching import has_text, page
from perplexity_connector.host.ledger.schema import (
    flow_steps,
    flows,
    job_flows,
    runs,
)
from perplexity_connector.host.ledger.texts import unpacked

if TYPE_CHECKING:
    from sqlalchemy import Select

_IsAlive: TypeAlias = Callable[[str], bool]
# A step, or its run for one item: flow, step, item.
_Key: TypeAlias = tuple[str, str, int]

# A flow of a table's row is in no list.
is_listed = flows.c.row_id.is_(None)
# The columns of a flow that no reader needs.
_NOT_KNOWN = ("owner", "cancel_requested")
_JSON = ("document", "inputs", "part")
_owners = select(flows.c.owner).distinct().where(flows.c.owner.is_not(None))
_key = (flow_steps.c.flow_id, flow_steps.c.step, flow_steps.c.item)
_steps = (
    select(
        *_key,
        flow_steps.c.state,
        flow_steps.c.run_id,
        flow_steps.c.kept_from,
        runs.c.state.label("run_state"),
    )
    .outerjoin_from(flow_steps, runs, runs.c.id == flow_steps.c.run_id)
    .order_by(flow_steps.c.id)
)
_record = func.coalesce(flow_steps.c.record, runs.c.output).label("record")
_costs = (
    select(*_key, func.sum(runs.c.cost).label("cost"))
    .join_from(flow_steps, runs, runs.c.id == flow_steps.c.run_id)
    .where(runs.c.cost.is_not(None))
    .group_by(*_key)
)


def find_flow(
    connection: Connection, flow_id: str, *, is_alive: _IsAlive
) -> KnownFlow | None:
    """Return a flow with its steps and their records."""
    of_id = select(flows).where(flows.c.id == flow_id)
    return _first(connection, of_id, is_alive)


def known_flow(
    connection: Connection, flow_id: str, *, is_alive: _IsAlive
) -> KnownFlow:
    """Return a flow that there must be, with its steps and their records."""
    (known,) = _known(connection, select(flows).where(flows.c.id == flow_id), is_alive)
    return known


def last_flow(
    connection: Connection, source: str, *, is_alive: _IsAlive
) -> KnownFlow | None:
    """Return the newest flow of a source that ran for no table."""
    of_source = select(flows).where(flows.c.source == source, is_listed)
    return _first(connection, of_source, is_alive)


def row_flow(
    connection: Connection, row_id: int, *, is_alive: _IsAlive
) -> KnownFlow | None:
    """Return the newest flow of a table's row."""
    of_row = select(flows).where(flows.c.row_id == row_id)
    return _first(connection, of_row, is_alive)


def job_flow(connection: Connection, job_id: str) -> JsonObject | None:
    """Return the flow that a job runs for each row."""
    of_job = select(job_flows.c.document).where(job_flows.c.job_id == job_id)
    return unpacked(connection.scalar(of_job))


def find_flows(  # noqa: PLR0913 - the options of the list, and what every transaction has
    connection: Connection,
    *,
    search: str | None,
    before: tuple[int, str] | None,
    limit: int,
    status: HistoryStatus | None,
    is_alive: _IsAlive,
) -> Sequence[KnownFlow]:
    """Return the flows that ran for no table, newest first, without items and records."""
    found = select(flows).where(is_listed)
    if search:
        found = found.where(flow_has(search))
    if status:
        found = found.where(_has_status(connection, status, is_alive))
    newest = page(found, flows.c.created_at, flows.c.id, before=before, limit=limit)
    return _known(connection, newest, is_alive, has_records=False)


def flows_of(
    connection: Connection, ids: Collection[str], is_alive: _IsAlive
) -> Sequence[KnownFlow]:
    """Return these flows, in any order, without items and records."""
    found = select(flows).where(flows.c.id.in_(ids))
    return _known(connection, found, is_alive, has_records=False)


def flow_has(search: str) -> ColumnElement[bool]:
    """Return whether a flow has a text."""
    texts = (flows.c.title, flows.c.source, flows.c.summary)
    return has_text(search, texts, (flows.c.document, flows.c.inputs))


def sum_known(costs: Iterable[int | None]) -> int | None:
    """Return the sum of the known costs; None if none is known."""
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known else None


def _has_status(
    connection: Connection, status: HistoryStatus, is_alive: _IsAlive
) -> ColumnElement[bool]:
    living = [owner for owner in connection.scalars(_owners) if is_alive(owner)]
    if status == "running":
        return flows.c.owner.in_(living)
    if status == "interrupted":
        is_left = or_(flows.c.owner.is_(None), flows.c.owner.not_in(living))
        return flows.c.ended_at.is_(None) & is_left
    return flows.c.status == status


def _first(
    connection: Connection, found: "Select[*tuple[Any, ...]]", is_alive: _IsAlive
) -> KnownFlow | None:
    newest = page(found, flows.c.created_at, flows.c.id, before=None, limit=1)
    known = _known(connection, newest, is_alive)
    return known[0] if known else None


def _known(
    connection: Connection,
    found: "Select[*tuple[Any, ...]]",
    is_alive: _IsAlive,
    *,
    has_records: bool = True,
) -> Sequence[KnownFlow]:
    known = connection.execute(found).mappings().all()
    ids = [row["id"] for row in known]
    costs = _costs_of(connection, ids)
    steps = _steps_of(connection, ids, costs, has_records=has_records)
    return [_flow(row, steps[row["id"]], is_alive) for row in known]


def _flow(row: RowMapping, steps: Sequence[KnownStep], is_alive: _IsAlive) -> KnownFlow:
    known = dict(row)
    owner = row["owner"]
    for name in _NOT_KNOWN:
        del known[name]
    for name in _JSON:
        known[name] = unpacked(known[name])
    return KnownFlow(
        flow_id=known.pop("id"),
        is_running=owner is not None and is_alive(owner),
        cost=sum_known(step.cost for step in steps if step.item == WHOLE),
        steps=tuple(steps),
        **known,
    )


def _costs_of(connection: Connection, ids: Collection[str]) -> Mapping[_Key, int]:
    """Return the known costs of all rounds. A step's own are those of its items too."""
    found: dict[_Key, int] = defaultdict(int)
    of_flows = _costs.where(flow_steps.c.flow_id.in_(ids))
    for flow_id, step, item, cost in connection.execute(of_flows):
        # PostgreSQL's sums of integers are decimals.
        found[flow_id, step, WHOLE] += int(cost)
        if item != WHOLE:
            found[flow_id, step, item] = int(cost)
    return found


def _steps_of(
    connection: Connection,
    ids: Collection[str],
    costs: Mapping[_Key, int],
    *,
    has_records: bool,
) -> Mapping[str, Sequence[KnownStep]]:
    """Return the newest round of each step, in the order in which they began first."""
    wanted = _steps.where(flow_steps.c.flow_id.in_(ids))
    of_steps = flow_steps.c.item == WHOLE
    wanted = wanted.add_columns(_record) if has_records else wanted.where(of_steps)
    newest: dict[_Key, KnownStep] = {}
    begun: dict[tuple[str, str], int] = {}
    for row in connection.execute(wanted).mappings():
        key = (row["flow_id"], row["step"], row["item"])
        begun.setdefault(key[:2], len(begun))
        newest[key] = _step(row, costs.get(key))
    found: dict[str, list[KnownStep]] = defaultdict(list)
    for key in sorted(newest, key=lambda key: (begun[key[:2]], key[2])):
        found[key[0]].append(newest[key])
    return found


def _step(row: RowMapping, cost: int | None) -> KnownStep:
    known = dict(row)
    del known["flow_id"]
    known["record"] = unpacked(known.get("record"))
    return KnownStep(cost=cost, **known)
