"""Budgets: each is one counter, which one conditional UPDATE changes."""

from collections.abc import Callable, Collection

from sqlalchemy import Connection, bindparam, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from perplexity_connector.host.ledger.entries import OverBudgetError
from perplexity_connector.host.ledger.schema import budgets, is_current, rows, runs
from perplexity_connector.host.ledger.texts import packed_ids
from perplexity_connector.host.ledger.transactions.prepared import Prepared

_lock = (
    select(budgets.c.id)
    .where(budgets.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(budgets.c.id)
    .with_for_update()
)
_after = budgets.c.committed + bindparam("nano")
_adding = (
    update(budgets).where(budgets.c.id == bindparam("budget")).values(committed=_after)
)
_add = Prepared(_adding)
_reserve = Prepared(
    _adding.where(or_(budgets.c.cap.is_(None), _after <= budgets.c.cap))
)
_holders = (
    select(rows.c.owner)
    .distinct()
    .join_from(rows, runs, is_current)
    .where(
        rows.c.owner.is_not(None),
        runs.c.reserved > 0,
        runs.c.budgets.contains(bindparam("quoted")),
    )
)


def job_budget(job_id: str) -> str:
    """Return the id of a job's own budget."""
    return f"job:{job_id}"


def lock_budgets(connection: Connection, ids: Collection[str]) -> None:
    """Lock these budgets, in order of id: the first step of a group of units on PostgreSQL."""
    connection.execute(_lock, {"ids": sorted(ids)}).all()


def set_cap(connection: Connection, budget_id: str, cap: int | None) -> None:
    """Set the cap of a budget, which is made if it is new. Its count stays."""
    change = update(budgets).where(budgets.c.id == budget_id).values(cap=cap)
    if not connection.execute(change).rowcount:
        _begin(connection, budget_id, cap)
        # Another process may have made it meanwhile, with its own cap.
        connection.execute(change)


def reserve(
    connection: Connection,
    ids: Collection[str],
    nano: int,
    *,
    is_alive: Callable[[str], bool],
) -> None:
    """Add a reservation to each budget, which `set_cap` has made.

    Raises `OverBudgetError`; the caller then rolls the unit back.
    """
    for budget_id in sorted(ids) if nano else ():
        change = {"budget": budget_id, "nano": nano}
        if not _reserve.change(connection, change):
            raise OverBudgetError(
                budget_id,
                is_waiting_useful=_is_in_use(connection, budget_id, is_alive),
            )


def add(connection: Connection, ids: Collection[str], nano: int) -> None:
    """Add an amount to each budget, or take it off: a cost may exceed a cap."""
    for budget_id in sorted(ids) if nano else ():
        _add.change(connection, {"budget": budget_id, "nano": nano})


def _is_in_use(
    connection: Connection, budget_id: str, is_alive: Callable[[str], bool]
) -> bool:
    quoted = packed_ids((budget_id,))[1:-1]
    return any(map(is_alive, connection.scalars(_holders, {"quoted": quoted})))


def _begin(connection: Connection, budget_id: str, cap: int | None) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    new = dialect.insert(budgets).values(id=budget_id, cap=cap)
    connection.execute(new.on_conflict_do_nothing())
