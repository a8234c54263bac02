"""Statements that are compiled once for each database."""

from types import SimpleNamespace
from typing import Any

from sqlalchemy import bindparam, create_engine, insert, literal, select, update
from sqlalchemy.engine import make_url

from perplexity_connector.host.ledger.schema import budgets, jobs
from perplexity_connector.host.ledger.transactions.prepared import Prepared


def test_values_are_given_as_the_driver_wants_them() -> None:
    """By name, with the constants of the statement."""
    close = Prepared(
        update(jobs)
        .where(jobs.c.id == bindparam("job"))
        .values(ended_at=bindparam("now"), cancel_requested=False)
    )
    named = {"job": "job_1", "now": 5, "cancel_requested": False}
    assert _executed(close, "sqlite://") == [named] * 2
    assert _executed(close, "postgresql+psycopg://") == [named] * 2


def test_rows_are_read_alike_by_a_driver_and_by_sqlalchemy() -> None:
    """Other databases than SQLite are read by the latter."""
    found = Prepared(select(bindparam("number").label("a"), literal("x").label("b")))
    with create_engine("sqlite://").connect() as connection:
        other: Any = SimpleNamespace(
            dialect=connection.dialect,
            connection=SimpleNamespace(dbapi_connection=None),
            exec_driver_sql=connection.exec_driver_sql,
        )
        for one in (connection, other):
            assert found.read(one, {"number": 5}) == [{"a": 5, "b": "x"}]


def test_a_change_is_executed_for_many_values_at_once() -> None:
    """By a driver, and by SQLAlchemy for other databases."""
    add = Prepared(insert(budgets), ["id", "cap"])
    values = [{"id": "a", "cap": 1}, {"id": "b", "cap": 2}]
    given: list[Any] = []
    other: Any = SimpleNamespace(
        dialect=make_url("postgresql+psycopg://").get_dialect()(),
        connection=SimpleNamespace(dbapi_connection=None),
        exec_driver_sql=lambda _, all_values: given.extend(all_values),
    )
    add.change_all(other, values)
    assert given == values
    with create_engine("sqlite://").connect() as connection:
        budgets.create(connection)
        add.change_all(connection, values)
        found = connection.execute(select(budgets.c.id, budgets.c.cap))
        assert found.all() == [("a", 1), ("b", 2)]


def _executed(change: Prepared, url: str) -> list[Any]:
    executed: list[Any] = []

    def execute(_sql: str, values: object) -> object:
        executed.append(values)
        return SimpleNamespace(rowcount=1)

    dialect = make_url(url).get_dialect()()
    connection: Any = SimpleNamespace(
        dialect=dialect,
        connection=SimpleNamespace(dbapi_connection=None),
        exec_driver_sql=execute,
    )
    for _ in range(2):
        assert change.change(connection, {"job": "job_1", "now": 5}) == 1
    return executed
