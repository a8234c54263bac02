import os
from collections.abc import Iterator

import pytest

from perplexity_connector.host.ledger.writing import writer
from tests.host.ledger.books import Books


@pytest.fixture(scope="session")
def _made_once() -> Iterator[Books]:
    """Make the tables once for all tests of the transactions: in memory, or where `.ci/hosts ledger` says."""
    books = Books(os.environ.get("TEST_LEDGER_URL", "sqlite://"))
    yield books
    books.engine.dispose()


@pytest.fixture
def books(_made_once: Books) -> Books:
    """Return an empty ledger."""
    _made_once.clear()
    return _made_once


@pytest.fixture
def quiet_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the writing thread do nothing but its units."""
    monkeypatch.setattr(writer, "_LOOK_S", 3600)


@pytest.fixture
def watchful_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the writing thread look for cancelled runs at every chance."""
    monkeypatch.setattr(writer, "_LOOK_S", 0.01)
