"""Content is erased in time, and on request; digest, state and cost stay."""

import pytest

from perplexity_connector.host.ledger.entries import FencedError
from perplexity_connector.host.ledger.records import erasing, keeping
from perplexity_connector.host.ledger.records.reading import find_job
from perplexity_connector.host.ledger.schema import metadata
from perplexity_connector.host.ledger.transactions import run_units
from tests.host.ledger.books import JOB, Books

WORD = "secretive"


def write(books: Books) -> None:
    """Run a row whose content has the same word everywhere."""
    books.plan(0)
    books.add([WORD])
    claim = books.claimed()
    books.sent("a", claim)
    books.do(run_units.checkpoint, "a", claim, {"id": WORD})
    books.end("a", claim, envelope={"output": {"content": WORD}}, summary=WORD, cost=4)


def traces(books: Books) -> list[tuple[str, str]]:
    """Return the tables and columns that hold the word; a key is the row's identity, and stays."""
    found = []
    for table in metadata.sorted_tables:
        with books.engine.begin() as connection:
            rows = connection.execute(table.select()).mappings().all()
        found += [
            (table.name, name)
            for row in rows
            for name, value in row.items()
            if WORD in str(value) and name != "key"
        ]
    return sorted(set(found))


def test_content_is_erased_when_its_job_ended_long_ago(books: Books) -> None:
    """Not before, and once."""
    write(books)
    books.end_job("done", now=50)
    assert books.do(erasing.erase_expired, ended_before=50) == 0
    assert len(traces(books)) == 5
    assert books.do(erasing.erase_expired, ended_before=51) == 1
    assert traces(books) == []
    assert books.do(erasing.erase_expired, ended_before=51) == 0
    assert books.row(WORD)["state"] == "done"
    assert books.committed() == 4


def test_an_unfinished_job_keeps_its_content(books: Books) -> None:
    """However old it is: the user may go on with it."""
    write(books)
    assert books.do(erasing.erase_expired, ended_before=10**15) == 0
    assert not books.do(erasing.erase, JOB)
    assert traces(books)


def test_content_can_be_erased_as_soon_as_a_run_has_ended(books: Books) -> None:
    """For an operator who wants none recorded."""
    claim = books.begin("a", input={"q": WORD})
    books.sent("a", claim)
    assert not books.do(erasing.erase, "run_1")
    books.end("a", claim)
    assert books.do(erasing.erase, "run_1")
    assert traces(books) == []


def test_a_forgotten_job_is_closed_and_empty(books: Books) -> None:
    """A run that was still to be followed is unsure: its checkpoint is gone."""
    write(books)
    books.add([WORD, "1"])
    claim = books.claimed("b")
    books.sent("b", claim)
    books.do(run_units.checkpoint, "b", claim, {"id": WORD})
    books.dead |= {"a", "b"}
    books.do(keeping.forget, JOB, is_alive=books.is_alive, now=70)
    assert traces(books) == []
    assert books.row("1")["state"] == "unsure"
    job = books.do(find_job, JOB)
    assert job is not None
    assert job.ended_at == 70
    assert job.content_erased


def test_what_a_process_works_on_is_not_forgotten(books: Books) -> None:
    """Neither while it writes for the job, nor while it holds a row."""
    books.plan(1)
    with pytest.raises(FencedError):
        books.do(keeping.forget, JOB, is_alive=books.is_alive, now=1)
    books.end_job("stopped", now=1)
    books.claimed("b")
    with pytest.raises(FencedError):
        books.do(keeping.forget, JOB, is_alive=books.is_alive, now=1)
    with pytest.raises(LookupError):
        books.do(keeping.forget, "job_unknown", is_alive=books.is_alive, now=1)
