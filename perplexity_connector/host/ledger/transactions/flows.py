"""Flows: begun, their steps, left, ended, and taken over by another process."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import Connection, bindparam, func, insert, select, update

from perplexity_connector.contract import JsonObject
from perplexity_connector.host.ledger.entries import Claim, FencedError
from perplexity_connector.host.ledger.flow_entries import WHOLE, NewFlow, StepState
from perplexity_connector.host.ledger.schema import flow_steps, flows
from perplexity_connector.host.ledger.texts import packed
from perplexity_connector.host.ledger.transactions.held import (
    fenced,
    owned,
    require_dead,
)
from perplexity_connector.host.ledger.transactions.prepared import Prepared
from perplexity_connector.host.ledger.transactions.takeovers import take_over

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument, RunStatusName

# A step, and the item that a run of it is for, or `WHOLE`.
StepKey: TypeAlias = tuple[str, int]

_of_id = flows.c.id == bindparam("flow")
_owner = Prepared(select(flows.c.owner).where(_of_id).with_for_update())
_known = (
    select(flows.c.owner, flows.c.status, flows.c.content_erased, flows.c.row_id)
    .where(_of_id)
    .with_for_update()
)
_owners = select(flows.c.owner).distinct().where(flows.c.owner.is_not(None))
_rounds = flow_steps.alias()
_of_step = (
    _rounds.c.flow_id == bindparam("flow"),
    _rounds.c.step == bindparam("of_step"),
    _rounds.c.item == bindparam("of_item"),
)
_newest = select(func.max(_rounds.c.round)).where(*_of_step).scalar_subquery()
_STEP = ("flow_id", "step", "item", "state", "run_id", "kept_from", "record")
_enter_step = Prepared(
    insert(flow_steps).values(round=func.coalesce(_newest + 1, 0)), _STEP
)
_end_step = Prepared(
    update(flow_steps)
    .where(
        flow_steps.c.flow_id == bindparam("flow"),
        flow_steps.c.step == bindparam("of_step"),
        flow_steps.c.item == bindparam("of_item"),
        flow_steps.c.round == _newest,
    )
    .values(state=bindparam("to_state"), record=bindparam("to_record"))
)
_summarize = Prepared(update(flows).where(_of_id).values(summary=bindparam("text")))
_end = update(flows).where(_of_id, flows.c.owner == bindparam("by"))
_reopen = (
    update(flows)
    .where(_of_id)
    .values(owner=bindparam("by"), ended_at=None, status=None, cancel_requested=False)
)
_forget_cancel = (
    update(flow_steps)
    .where(flow_steps.c.flow_id == bindparam("flow"), flow_steps.c.cancel_requested)
    .values(cancel_requested=False)
)


def begin_flow(connection: Connection, owner: str, new: NewFlow, *, now: int) -> None:
    """Begin a flow, which this owner works on. Raises `FencedError` for a known id."""
    if _owner.read(connection, {"flow": new.flow_id}):
        message = "The ledger has a flow of this id. Use another id."
        raise FencedError(message)
    begun = {
        "id": new.flow_id,
        "source": new.source,
        "title": new.title,
        "document": packed(new.document),
        "inputs": packed(new.inputs),
        "part": packed(new.part),
        "created_at": now,
        "owner": owner,
        "is_sandbox": new.is_sandbox,
        "row_id": new.row_id,
    }
    connection.execute(insert(flows), begun)


def keep_steps(
    connection: Connection,
    owner: str,
    flow_id: str,
    from_flow: str | None,
    steps: Sequence[tuple[str, JsonObject]],
) -> None:
    """Enter steps with kept records. Raises as `begin_step`."""
    _require_owner(connection, owner, flow_id)
    for step, record in steps:
        _enter(
            connection,
            flow_id,
            (step, WHOLE),
            state="kept",
            kept_from=from_flow,
            record=packed(record),
        )


def begin_step(
    connection: Connection, owner: str, flow_id: str, step: StepKey, run_id: str
) -> None:
    """Enter a step, or its run for one item, under the id of the run that begins next.

    Raises `LookupError` for an unknown flow, and `FencedError` if another owner has it.
    """
    _require_owner(connection, owner, flow_id)
    _enter(connection, flow_id, step, state="running", run_id=run_id)


def end_step(  # noqa: PLR0913, PLR0917 - the step, its end, and what every transaction has
    connection: Connection,
    owner: str,
    flow_id: str,
    step: StepKey,
    envelope: "EnvelopeDocument | None",
    state: StepState,
) -> None:
    """End the newest round of a step; one that did not begin is entered. Raises as `begin_step`."""
    _require_owner(connection, owner, flow_id)
    record = packed(envelope)
    ended = {"to_state": state, "to_record": record}
    if not _end_step.change(connection, _key(flow_id, step) | ended):
        _enter(connection, flow_id, step, state=state, record=record)
    if envelope and step[1] == WHOLE:
        summary = {"flow": flow_id, "text": envelope["summary"]}
        _summarize.change(connection, summary)


def end_flow(
    connection: Connection,
    owner: str,
    flow_id: str,
    status: "RunStatusName | None",
    *,
    now: int,
) -> None:
    """End a flow that this owner still has; without a status, only leave it."""
    ended_at = None if status is None else now
    ended = _end.values(owner=None, status=status, ended_at=ended_at)
    connection.execute(ended, {"flow": flow_id, "by": owner})


def resume_flow(  # noqa: PLR0913 - whose it is, and what every transaction has
    connection: Connection,
    owner: str,
    flow_id: str,
    *,
    within: Claim | None,
    is_alive: Callable[[str], bool],
    now: int,
) -> None:
    """Take a flow over that has not succeeded, and give the runs of its steps their true states.

    `within`: the claim of the row that it runs for. Raises `LookupError`, and `FencedError` while its
    process lives, or if another owner has the row.
    """
    found = connection.execute(_known, {"flow": flow_id}).one_or_none()
    if found is None or found.content_erased or found.status == "succeeded":
        raise LookupError(flow_id)
    if found.row_id != (within.row_id if within else None):
        raise LookupError(flow_id)
    if within:
        owned(connection, owner, within)
    else:
        require_dead(connection, [found.owner], is_alive)
    take_over(connection, is_alive=is_alive, now=now)
    connection.execute(_reopen, {"flow": flow_id, "by": owner})
    connection.execute(_forget_cancel, {"flow": flow_id})


def leave_dead_flows(connection: Connection, is_alive: Callable[[str], bool]) -> None:
    """Take the flows of dead owners away: each is interrupted then."""
    dead = [owner for owner in connection.scalars(_owners) if not is_alive(owner)]
    if dead:
        left = update(flows).where(flows.c.owner.in_(dead)).values(owner=None)
        connection.execute(left)


def _require_owner(connection: Connection, owner: str, flow_id: str) -> None:
    found = _owner.read(connection, {"flow": flow_id})
    if not found:
        raise LookupError(flow_id)
    if found[0]["owner"] != owner:
        raise fenced(connection, found[0]["owner"])


def _key(flow_id: str, step: StepKey) -> dict[str, object]:
    name, item = step
    return {"flow": flow_id, "of_step": name, "of_item": item}


def _enter(
    connection: Connection, flow_id: str, step: StepKey, **known: object
) -> None:
    """Enter a step in a new round. `known`: columns of it, which are NULL if left out."""
    name, item = step
    entered = dict.fromkeys(_STEP) | {"flow_id": flow_id, "step": name, "item": item}
    _enter_step.change(connection, entered | known | _key(flow_id, step))
