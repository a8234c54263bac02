"""Jobs: planned from a table, started again, and ended."""

from typing import Any

import pytest
from sqlalchemy import select

from perplexity_connector.host.ledger.entries import (
    FencedError,
    KnownJob,
    NewLine,
    NewRow,
    OverBudgetError,
)
from perplexity_connector.host.ledger.records.keeping import forget
from perplexity_connector.host.ledger.records.reading import find_job, find_lines
from perplexity_connector.host.ledger.schema import lines, owners, rows
from perplexity_connector.host.ledger.transactions import (
    planning,
    run_units,
    table_lines,
)
from perplexity_connector.host.ledger.transactions.row_planning import add_rows
from tests.host.ledger.books import JOB, Books, a_job


def job(books: Books) -> KnownJob:
    """Return the job."""
    found = books.do(find_job, JOB)
    assert found is not None
    return found


def finish(books: Books, owner: str = "a") -> None:
    """Run every row that is planned."""
    while claim := books.claim(owner):
        books.sent(owner, claim)
        books.end(owner, claim, cost=4)


def all_of(books: Books, table: Any) -> list[Any]:
    """Return the rows of a table of the ledger."""
    with books.engine.begin() as connection:
        return list(connection.execute(select(table)))


def test_the_same_table_again_changes_nothing(books: Books) -> None:
    """A row that is done stays done."""
    books.plan(3)
    finish(books)
    before = all_of(books, rows), all_of(books, lines)
    books.add(["0", "1", "2"])
    books.start("a")
    assert (all_of(books, rows), all_of(books, lines)) == before
    assert books.claim() is None
    assert job(books).starts == 2


def test_a_new_row_is_all_that_a_longer_table_runs(books: Books) -> None:
    """The others are known by their keys."""
    books.plan(2)
    finish(books)
    books.add(["0", "new", "1"])
    books.start("a")
    assert books.claimed().key == "new"
    assert books.claim() is None


def test_a_row_that_left_the_table_is_not_run(books: Books) -> None:
    """Until it comes back."""
    books.plan(3)
    books.add(["0", "2"])
    books.start("a", last_line=1)
    assert [books.claimed().key, books.claimed().key] == ["0", "2"]
    assert books.claim() is None
    assert job(books).counts == {"claimed": 2}
    books.add(["0", "2", "1"])
    books.start("a", last_line=2)
    assert books.claimed().key == "1"


def test_changed_content_under_a_key_is_planned_again(books: Books) -> None:
    """In a new round: the old run keeps its cost, and the line is not written any more."""
    books.plan(1)
    claim = books.claimed()
    books.sent("a", claim)
    books.end("a", claim, cost=4)
    books.do(table_lines.line_ends, JOB, [(0, 100)])
    books.add(["0"], digest="changed")
    again = books.claimed()
    assert again.round == 1
    assert books.run(claim.run_id)["cost"] == 4
    assert books.committed() == 14
    assert all_of(books, lines)[0].output_end is None


def test_changed_content_of_a_row_that_was_not_run_begins_no_round(
    books: Books,
) -> None:
    """There is nothing to keep."""
    books.plan(1)
    books.add(["0"], digest="changed")
    assert books.claimed().round == 0


def test_changed_content_leaves_the_old_run_unsure_where_it_was_followed(
    books: Books,
) -> None:
    """Its answer would be to another question."""
    books.plan(1)
    claim = books.claimed("a")
    books.sent("a", claim)
    books.do(run_units.checkpoint, "a", claim, {"id": "r"})
    books.dead.add("a")
    books.add(["0"], digest="changed")
    assert books.run(claim.run_id)["state"] == "unsure"
    assert books.row()["state"] == "planned"
    assert books.committed() == 10


def test_content_does_not_change_under_a_living_process(books: Books) -> None:
    """It is working on the old one."""
    books.plan(1)
    books.claimed("a")
    with pytest.raises(FencedError):
        books.add(["0"], digest="changed")


def test_a_changed_record_of_a_line_counts_as_not_written(books: Books) -> None:
    """The row itself is not run again."""
    books.plan(1)
    finish(books)
    books.do(table_lines.line_ends, JOB, [(0, 100)])
    changed = [NewLine(number=0, key="0", record={"name": "other"})]
    books.do(add_rows, JOB, [], changed, is_alive=books.is_alive, now=1)
    assert all_of(books, lines)[0].output_end is None
    assert books.claim() is None


def test_erased_content_comes_back_with_the_table(books: Books) -> None:
    """The lines stay written; a row that is still to be run has its input again."""
    books.plan(2)
    claim = books.claimed()
    books.sent("a", claim)
    books.end("a", claim)
    books.do(table_lines.line_ends, JOB, [(0, 100)])
    books.end_job("stopped", now=2)
    books.do(forget, JOB, is_alive=books.is_alive, now=2)
    assert job(books).content_erased
    books.add(["0", "1"])
    books.start("a")
    assert books.claimed().input == {"q": "1"}
    written = all_of(books, lines)[0]
    assert written.output_end == 100
    assert written.record is not None


def test_doubles_are_lines_of_one_row(books: Books) -> None:
    """They share its run."""
    books.plan(0)
    row = NewRow(number=0, key="k", digest="k", input={"q": "k"})
    doubles = [NewLine(number=number, key="k") for number in range(3)]
    books.do(add_rows, JOB, [row], doubles, is_alive=books.is_alive, now=1)
    finish(books)
    known = books.do(find_lines, JOB)
    assert [line.number for line in known] == [0, 1, 2]
    assert len({line.run_id for line in known}) == 1


def test_only_a_retry_pays_for_failed_rows_again(books: Books) -> None:
    """Each kind of end has its own word, and touches no other."""
    books.plan(3)
    for state in ("done", "failed", "unsure"):
        claim = books.claimed()
        books.sent("a", claim)
        books.end("a", claim, state, effect="unknown", cost=None)
    books.do(table_lines.line_ends, JOB, [(0, 1), (1, 2), (2, 3)])
    books.start("a")
    assert books.claim() is None
    books.start("a", retry="failed")
    assert books.claimed().key == "1"
    assert books.claim() is None
    books.start("a", retry="unsure")
    assert books.claimed().key == "2"
    assert [line.output_end for line in all_of(books, lines)] == [1, None, None]
    assert books.committed() == 50


def test_a_new_cap_replaces_the_old_one_and_counts_all_costs(books: Books) -> None:
    """No cap leaves the old one."""
    books.plan(2, cap=10)
    with pytest.raises(OverBudgetError):
        finish(books)
    books.start("a", cap=18)
    finish(books)
    books.start("a")
    assert (job(books).cap, job(books).committed, job(books).cost) == (18, 8, 8)


def test_a_second_process_that_would_write_is_refused_by_pid(books: Books) -> None:
    """Until the first one stops, or dies."""
    books.plan(1)
    insert = owners.insert().values(id="a", pid=4711, started_at=1)
    books.do(lambda connection: connection.execute(insert))
    with pytest.raises(FencedError) as refused:
        books.start("b")
    assert refused.value.pid == 4711
    assert "4711" in str(refused.value)
    books.end_job("stopped", now=5)
    books.start("b")
    books.dead.add("b")
    books.start("c")


def test_a_file_that_another_job_writes_is_not_taken(books: Books) -> None:
    """Until its process has ended."""
    books.plan(1)
    _begin(books, "job_2", name="other")
    _open(books, JOB, "a")
    with pytest.raises(FencedError):
        _open(books, "job_2", "b")
    books.dead.add("a")
    _open(books, "job_2", "b")


def test_a_job_has_ended_when_no_row_is_left(books: Books) -> None:
    """A job that is stopped is unfinished; one that starts again has not ended."""
    books.plan(1)
    books.end_job("stopped", now=5)
    assert job(books).ended_at is None
    finish(books)
    books.start("a")
    books.end_job("done", now=6)
    assert job(books).ended_at == 6
    books.start("a")
    assert job(books).ended_at is None


def test_a_known_job_takes_a_new_fingerprint(books: Books) -> None:
    """A rotated key does not make another job."""
    books.plan(1)
    _begin(books, JOB, fingerprint="new")
    claim = books.claimed()
    assert books.run(claim.run_id)["fingerprint"] == "new"


def test_a_job_of_the_same_name_is_begun_once(books: Books) -> None:
    """A fresh one begins when the old one has another name. Jobs without a name are many."""
    books.plan(1)
    with pytest.raises(FencedError):
        _begin(books, "job_2")
    with pytest.raises(FencedError):
        _rename(books)
    books.dead.add("a")
    _rename(books)
    _begin(books, "job_2")
    _begin(books, "job_3", name=None)
    by_name = books.do(find_job, "out.csv")
    assert by_name is not None
    assert by_name.job_id == "job_2"


def test_a_job_that_was_never_begun_cannot_start(books: Books) -> None:
    """Its rows are planned first."""
    with pytest.raises(LookupError):
        books.start("a")


def test_ends_of_no_lines_change_nothing(books: Books) -> None:
    """A batch may be empty."""
    books.plan(1)
    books.do(table_lines.line_ends, JOB, [(0, 100)])
    books.do(table_lines.line_ends, JOB, [])
    assert [line.output_end for line in all_of(books, lines)] == [100]


def _begin(books: Books, job_id: str, **known: Any) -> None:
    books.do(planning.begin_job, a_job(job_id, **known), now=1)


def _rename(books: Books) -> None:
    books.do(planning.rename_job, JOB, None, is_alive=books.is_alive)


def _open(books: Books, job_id: str, owner: str) -> None:
    books.do(
        planning.start_job,
        owner,
        job_id,
        cap=None,
        output="/out.csv",
        is_alive=books.is_alive,
        now=5,
    )
