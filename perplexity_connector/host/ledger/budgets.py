"""Budgets: each is one counter, which one conditional UPDATE changes."""

from collections.abc import Callable, Collection, Mapping

from sqlalchemy import Connection


def lock_budgets(connection: Connection, ids: Collection[str]) -> None:
    """Lock these budgets, in order of id: the first step of a group of units on PostgreSQL."""
    raise NotImplementedError


def set_cap(connection: Connection, budget_id: str, cap: int | None) -> None:
    """Set the cap of a budget, which is made if it is new. It keeps what it has counted."""
    raise NotImplementedError


def reserve(
    connection: Connection,
    ids: Collection[str],
    nano: int,
    *,
    is_alive: Callable[[str], bool],
) -> None:
    """Add a reservation to each budget. Raises `OverBudgetError`; the caller then rolls the unit back."""
    raise NotImplementedError


def add(connection: Connection, ids: Collection[str], nano: int) -> None:
    """Add an amount to each budget, or take it off: a cost may exceed a cap."""
    raise NotImplementedError
