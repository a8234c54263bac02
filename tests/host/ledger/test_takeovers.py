"""The rows of dead processes: each gets the state that is true of it."""

import pytest

from perplexity_connector.host.ledger.records import keeping
from perplexity_connector.host.ledger.records.reading import find_job
from perplexity_connector.host.ledger.transactions import run_ends, run_units
from perplexity_connector.host.ledger.transactions.takeovers import take_over_rows
from tests.host.ledger.books import DAY, JOB, Books


def lost(books: Books) -> int:
    """Kill the process `a`, and take its rows over."""
    books.dead.add("a")
    return books.take_over()


def test_rows_of_living_processes_stay(books: Books) -> None:
    """Only a dead owner loses its rows."""
    books.plan(1)
    claim = books.claimed("a")
    assert books.take_over() == 0
    books.sent("a", claim)
    assert books.row()["state"] == "sent"


def test_a_start_takes_over_its_own_job_alone(books: Books) -> None:
    """Other jobs of the dead process wait for theirs."""
    books.plan(1)
    books.claimed("a")
    books.begin("a")
    books.dead.add("a")
    books.start("b")
    assert books.row()["state"] == "planned"
    assert books.run("run_1")["state"] == "claimed"


def test_a_run_that_was_not_sent_is_planned_and_its_money_freed(books: Books) -> None:
    """No request was sent."""
    books.plan(1)
    books.claimed("a")
    assert lost(books) == 1
    assert books.row()["state"] == "planned"
    assert books.committed() == 0


def test_a_run_that_may_not_be_repeated_is_unsure(books: Books) -> None:
    """It keeps its reservation, and no start repeats it."""
    books.plan(1)
    books.sent("a", books.claimed("a"))
    lost(books)
    books.start("b")
    assert books.row()["state"] == "unsure"
    assert books.committed() == 10
    assert books.claim("b") is None


def test_a_run_that_can_be_followed_is_claimed_with_its_checkpoint(
    books: Books,
) -> None:
    """Before any planned row, and under its first reservation."""
    books.plan(2)
    claim = books.claimed("a")
    books.sent("a", claim)
    books.do(run_units.checkpoint, "a", claim, {"id": "r"})
    lost(books)
    followed = books.claimed("b")
    assert followed.run_id == claim.run_id
    assert followed.checkpoint == {"id": "r"}
    assert books.committed() == followed.reserved == 10


def test_a_run_that_may_be_repeated_is_planned_in_a_new_round(books: Books) -> None:
    """The first reservation is kept, and the run counts as perhaps billed twice."""
    books.plan(1, idempotent=True)
    first = books.claimed("a")
    lost(books)
    again = books.claimed("b")
    assert again.run_id != first.run_id
    assert books.run(first.run_id)["perhaps_twice"]
    assert not books.run(again.run_id)["perhaps_twice"]
    assert books.committed() == 20
    job = books.do(find_job, JOB)
    assert job is not None
    assert job.perhaps_twice == 1


def test_a_run_in_doubt_before_its_last_attempt_keeps_that_money(books: Books) -> None:
    """The repeat had not been sent yet."""
    books.plan(1, idempotent=True)
    claim = books.claimed("a")
    books.do(run_units.reserve_again, "a", claim, 10, is_alive=books.is_alive)
    books.do(run_units.back, "a", claim)
    lost(books)
    assert books.committed() == 10
    assert books.run(claim.run_id)["state"] == "failed"
    assert books.row()["state"] == "planned"


@pytest.mark.parametrize(
    ("idempotent", "is_sent", "state", "committed"),
    [
        (False, False, "failed", 0),
        (False, True, "unsure", 5),
        (True, True, "failed", 5),
    ],
)
def test_a_run_outside_a_job_ends(
    books: Books, idempotent: bool, is_sent: bool, state: str, committed: int
) -> None:
    """Only a job repeats a row."""
    books.cap(DAY, 10)
    claim = books.begin("a", idempotent=idempotent, price=5, budgets=(DAY,))
    if is_sent and not idempotent:
        books.sent("a", claim)
    lost(books)
    run = books.run("run_1")
    assert run["state"] == books.row("")["state"] == state
    assert run["ended_at"] is not None
    assert not run["perhaps_twice"]
    assert books.committed(DAY) == committed


def test_a_process_waits_for_rows_that_another_one_holds_or_gives_back(
    books: Books,
) -> None:
    """Not for its own, and not for one that goes on at the provider until the next start."""
    books.plan(3)
    mine, other, left = books.claimed("b"), books.claimed(), books.claimed()
    for claim in (other, left):
        books.sent("a", claim)
    books.do(run_units.checkpoint, "a", left, {"id": "it"})
    assert _waited_for(books, "b") == 2
    books.end("a", left, "begun")
    assert _waited_for(books, "b") == 1
    books.do(run_ends.put_back, "b", mine, now=2)
    assert _waited_for(books, "b") == 2
    books.end("a", other)
    assert _waited_for(books, "b") == 1
    books.do(keeping.cancel, JOB)
    assert _waited_for(books, "b") == 0


def test_the_rows_of_a_process_that_dies_are_free_to_claim(books: Books) -> None:
    """For a process that waits for them."""
    books.plan(1)
    lost = books.claimed()
    assert _waited_for(books, "b") == 1
    books.dead.add("a")
    assert _waited_for(books, "b") == 1
    assert books.claimed("b").run_id == lost.run_id
    assert _waited_for(books, "b") == 0


def _waited_for(books: Books, owner: str) -> int:
    return books.do(take_over_rows, owner, JOB, is_alive=books.is_alive, now=books.now)
