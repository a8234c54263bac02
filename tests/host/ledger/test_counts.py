"""What a row of a table costs the ledger, as counts: statements and pauses."""

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import event

from perplexity_connector.host import Ledger
from perplexity_connector.host.ledger.transactions import run_units
from perplexity_connector.host.ledger.writing import writer
from tests.host.ledger.books import Books
from tests.host.ledger.entering import WAIT_S, busy, environ_of


def test_a_row_takes_twelve_statements() -> None:
    """Rows to follow are looked for by the statement that finds the next row."""
    books = Books()
    statements: list[str] = []

    def trace(connection: Any, *_: object) -> None:
        connection.set_trace_callback(statements.append)

    event.listen(books.engine, "checkout", trace)
    books.plan(2)
    changing = ("SELECT", "INSERT", "UPDATE")

    def count(step: Callable[[], Any]) -> tuple[int, Any]:
        statements.clear()
        result = step()
        return sum(text.startswith(changing) for text in statements), result

    claimed, claim = count(lambda: books.claimed("a"))
    sent, _ = count(lambda: books.sent("a", claim))
    kept, _ = count(
        lambda: books.do(run_units.checkpoint, "a", claim, {"id": "response"})
    )
    ended, _ = count(lambda: books.end("a", claim, "done", cost=3))
    assert (claimed, sent, kept, ended) == (4, 2, 2, 4)


def test_a_busy_thread_pauses_longer_so_that_more_units_share_a_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The steps of a lone run are not held up."""
    pauses: list[float] = []
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=pauses.append)
    monkeypatch.setattr(writer, "time", clock)
    ledger = Ledger(environ=environ_of(tmp_path))
    ledger.find_job("unknown").result(WAIT_S)
    with busy(ledger):
        found = [ledger.find_job("unknown") for _ in range(writer._BUSY)]
    assert [each.result(WAIT_S) for each in found] == [None] * writer._BUSY
    ledger.close()
    assert pauses == [
        writer._PAUSE_S,
        writer._PAUSE_S,
        writer._BUSY_PAUSE_S,
    ]
