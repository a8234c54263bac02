"""One ledger in memory for all tests here: its tables are made once, and emptied for each test."""

from collections.abc import Iterator

import pytest

from tests.host.ledger.books import Books


@pytest.fixture(scope="session")
def _made_once() -> Iterator[Books]:
    books = Books()
    yield books
    books.engine.dispose()


@pytest.fixture
def books(_made_once: Books) -> Books:
    """Return an empty ledger."""
    _made_once.clear()
    return _made_once
