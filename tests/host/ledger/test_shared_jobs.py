"""Jobs whose rows several processes run, and whose output another one writes."""

import pytest

from perplexity_connector.host.ledger.entries import (
    FencedError,
    KnownJob,
    NewRow,
    Retry,
    State,
)
from perplexity_connector.host.ledger.records.keeping import cancel
from perplexity_connector.host.ledger.records.reading import (
    find_job,
    last_written,
    price_groups,
)
from perplexity_connector.host.ledger.transactions import (
    planning,
    row_planning,
    run_units,
    table_lines,
)
from tests.host.ledger.books import JOB, Books


def job(books: Books) -> KnownJob:
    """Return the job."""
    found = books.do(find_job, JOB)
    assert found is not None
    return found


def restart(books: Books, retry: Retry | None = None, job_id: str = JOB) -> None:
    """Begin a new start."""
    books.do(
        planning.restart_job,
        job_id,
        retry=retry,
        is_alive=books.is_alive,
        now=books.now,
    )


def write(books: Books, owner: str, output: str = "/out.csv") -> None:
    """Begin to write."""
    books.do(planning.write_job, owner, JOB, output=output, is_alive=books.is_alive)


def finish(books: Books, owner: str, state: State = "done") -> None:
    """Run the next row."""
    claim = books.claimed(owner)
    books.sent(owner, claim)
    books.end(owner, claim, state)


def test_a_new_start_leaves_the_writer_and_rows_of_the_living(books: Books) -> None:
    """It is counted, and forgets an earlier cancel."""
    books.plan(2)
    held = books.claimed("b")
    books.do(cancel, JOB)
    restart(books)
    assert (job(books).starts, job(books).cancel_requested) == (2, False)
    assert books.claimed("c").row_id != held.row_id
    with pytest.raises(FencedError):
        write(books, "c")


def test_a_new_start_follows_what_was_left_to_the_provider(books: Books) -> None:
    """The run goes on in its round."""
    books.plan(1)
    claim = books.claimed()
    books.sent("a", claim)
    books.do(run_units.checkpoint, "a", claim, {"id": "it"})
    books.end("a", claim, "begun")
    assert books.claim("b") is None
    restart(books)
    followed = books.claimed("b")
    assert (followed.run_id, followed.checkpoint) == (claim.run_id, {"id": "it"})


def test_a_new_start_takes_over_from_the_dead_and_retries(books: Books) -> None:
    """As a start with the table does."""
    books.plan(2)
    finish(books, "a", "failed")
    books.claimed()
    books.dead.add("a")
    restart(books, "failed")
    assert job(books).counts == {"planned": 2}


def test_a_job_that_is_not_known_does_not_start(books: Books) -> None:
    """Its rows come from a table."""
    with pytest.raises(LookupError):
        restart(books, job_id="job_9")


def test_any_process_ends_a_job_that_has_no_living_writer(books: Books) -> None:
    """Only when no row is left, and once."""
    books.plan(1)
    books.end_job("entered")
    assert not books.end_job("budget", "b")
    assert job(books).ended_at is None
    finish(books, "b")
    books.end_job("done", "b", now=7)
    books.end_job(None, "c", now=9)
    assert job(books).ended_at == 7


def test_a_process_leaves_the_end_to_a_living_writer(books: Books) -> None:
    """Until that dies."""
    books.plan(1)
    finish(books, "b")
    assert not books.end_job("done", "b")
    assert job(books).ended_at is None
    books.dead.add("a")
    books.end_job("done", "b")
    assert job(books).ended_at == 5


def test_a_process_that_has_only_run_rows_leaves_its_own_writer(books: Books) -> None:
    """It may run rows and write at once: the output is still written."""
    books.plan(1)
    finish(books, "a")
    assert not books.end_job("done", is_writer=False)
    assert job(books).ended_at is None
    with pytest.raises(FencedError):
        write(books, "b")
    books.end_job("done")
    assert job(books).ended_at == 5


@pytest.mark.parametrize("status", ["cancelled", "failed"])
def test_a_run_that_its_process_has_only_left_is_followed_at_once(
    books: Books, status: str
) -> None:
    """By any process. One that failed waits for the next start, or it would fail again and again."""
    books.plan(1)
    claim = books.claimed()
    books.sent("a", claim)
    books.do(run_units.checkpoint, "a", claim, {"id": "it"})
    books.end("a", claim, "begun", status=status, effect="unknown")
    followed = books.claim("b")
    assert (followed is not None) == (status == "cancelled")


def test_a_job_is_over_when_its_output_has_all_records(books: Books) -> None:
    """Before that its content is all that is left of its answers."""
    books.plan(1)
    finish(books, "a")
    assert not books.end_job("done")
    books.do(table_lines.line_ends, JOB, [(0, 10)])
    assert books.end_job("done")


def test_to_write_a_job_counts_no_start(books: Books) -> None:
    """One process does so at a time, and another output gets all records again."""
    books.plan(1)
    books.end_job("entered")
    write(books, "b")
    books.do(table_lines.line_ends, JOB, [(0, 10)])
    with pytest.raises(FencedError):
        write(books, "c")
    books.end_job(None, "b")
    write(books, "c", "/other.csv")
    assert (job(books).starts, job(books).output) == (1, "/other.csv")
    assert not books.do(last_written, JOB)


@pytest.mark.parametrize(("starts", "is_stale"), [(1, True), (2, False), (None, False)])
def test_a_retry_during_a_whole_writing_leaves_the_output_out_of_date(
    books: Books, starts: int | None, is_stale: bool
) -> None:
    """The writer has read the old outcome of the row."""
    books.plan(1)
    finish(books, "a", "failed")
    restart(books, "failed")
    assert job(books).is_stale
    books.do(table_lines.rewritten, JOB, [(0, 10)], starts=starts)
    assert job(books).is_stale is is_stale


def test_the_price_groups_of_a_job_are_those_of_its_rows(books: Books) -> None:
    """A listed price has no group."""
    books.plan(0)
    new = [
        NewRow(number=n, key=str(n), digest="d", input={}, price_group=group)
        for n, group in enumerate(["low", "low", None])
    ]
    books.do(row_planning.add_rows, JOB, new, [], is_alive=books.is_alive, now=1)
    assert books.do(price_groups, JOB) == ["low"]
