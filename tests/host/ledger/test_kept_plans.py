"""A plan that is kept is read while other processes run its rows."""

from typing import Any

import pytest
from sqlalchemy import event, insert, update

from perplexity_connector.host.ledger.schema import jobs, lines, plans, rows
from perplexity_connector.host.ledger.transactions.kept_plans import kept_plan
from perplexity_connector.host.tables.inputs import kept_plans
from tests.host.ledger.books import Books

JOB = {"id": "j", "connector": "c", "action": "a", "version": 1, "created_at": 0}
ROW = {"id": 1, "job_id": "j", "number": 1, "key": "k", "digest": "d"}


@pytest.mark.parametrize("statement", range(4))
def test_a_row_that_ends_between_two_statements_is_counted_once(
    books: Books, statement: int
) -> None:
    """On PostgreSQL each statement of a transaction sees the rows of its own moment."""
    seen = []

    def end_the_row(connection: Any, *_: Any) -> None:
        seen.append(connection)
        if len(seen) == statement:
            connection.execute(update(rows).values(state="done"))

    with books.engine.begin() as connection:
        connection.execute(insert(jobs), JOB)
        connection.execute(insert(rows), ROW | {"state": "sent"})
        connection.execute(insert(lines), {"job_id": "j", "number": 1, "row_id": 1})
        document = '{"columns": [], "last_line": 1, "invalid": []}'
        kept = {"job_id": "j", "digest": "d", "document": document}
        connection.execute(insert(plans), kept)
        event.listen(connection, "before_cursor_execute", end_the_row)
        found = kept_plan(connection, "j", None)
    assert found is not None
    plan = kept_plans.kept_plan(found, "digest", None)
    plan.spool.close()
    assert (plan.rows, plan.doubles, plan.done + plan.runs) == (1, 0, 1)
