"""Claims: each row is held by one process, with its price reserved."""

import pytest

from perplexity_connector.host.ledger.entries import (
    Claim,
    FencedError,
    NewRun,
    OverBudgetError,
)
from perplexity_connector.host.ledger.records.keeping import cancel, cancelled_runs
from perplexity_connector.host.ledger.transactions import claims, run_units
from tests.host.ledger.books import DAY, JOB, Books


def test_rows_are_claimed_in_order_and_each_once(books: Books) -> None:
    """Each process gets the next one, until none is left."""
    books.plan(2)
    first, second = books.claimed("a"), books.claimed("b")
    assert [first.key, second.key] == ["0", "1"]
    assert first.input == {"q": "0"}
    assert first.state == "claimed"
    assert first.run_id != second.run_id
    assert books.claim("c") is None


def test_a_claim_reserves_the_worst_price_in_each_budget(books: Books) -> None:
    """In the job's own one and in that of the day."""
    books.plan(1, price=7)
    books.cap(DAY, 100)
    claim = books.claim(budgets=(DAY,))
    assert claim is not None
    assert claim.reserved == 7
    assert set(claim.budgets) == {f"job:{JOB}", DAY}
    assert books.committed() == books.committed(DAY) == 7


def test_the_percentile_of_a_group_raises_a_reservation_and_never_lowers_it(
    books: Books,
) -> None:
    """A run outside a job says its own price."""
    books.plan(2, price=7)
    books.do(
        lambda connection: connection.exec_driver_sql(
            "UPDATE rows SET price_group = 'medium'"
        )
    )
    first = books.claim(percentiles={"medium": 20})
    second = books.claim(percentiles={"medium": 1})
    assert first is not None
    assert second is not None
    assert (first.reserved, second.reserved) == (20, 7)


def test_a_row_that_does_not_fit_waits_for_others_under_way(books: Books) -> None:
    """When those have ended, waiting is useless."""
    books.plan(2, price=10, cap=15)
    first = books.claimed("a")
    with pytest.raises(OverBudgetError) as refused:
        books.claim("b")
    assert refused.value.is_waiting_useful
    assert refused.value.budget_id == f"job:{JOB}"
    books.sent("a", first)
    books.end("a", first, cost=10)
    with pytest.raises(OverBudgetError) as refused:
        books.claim("b")
    assert not refused.value.is_waiting_useful
    assert books.row("1")["state"] == "planned"
    assert books.committed() == 10


def test_a_run_of_a_dead_process_is_not_waited_for(books: Books) -> None:
    """It gives nothing back by itself."""
    books.plan(2, price=10, cap=15)
    books.claimed("a")
    books.dead.add("a")
    with pytest.raises(OverBudgetError) as refused:
        books.claim("b")
    assert not refused.value.is_waiting_useful


def test_a_cap_can_change_while_it_counts(books: Books) -> None:
    """Its count stays."""
    books.plan(2, price=10, cap=10)
    books.claimed()
    books.cap(f"job:{JOB}", 20)
    books.claimed()
    assert books.committed() == 20


def test_a_free_action_fits_into_a_budget_that_is_used_up(books: Books) -> None:
    """It reserves nothing."""
    books.plan(1, price=0, cap=0)
    assert books.claimed().reserved == 0


def test_an_idempotent_run_is_claimed_straight_into_sent(books: Books) -> None:
    """In one transaction with its reservation."""
    books.plan(1, idempotent=True)
    claim = books.claimed()
    run = books.run(claim.run_id)
    assert claim.state == run["state"] == books.row()["state"] == "sent"
    assert (run["sent_by"], run["sent_epoch"]) == ("a", claim.epoch)


def test_a_row_that_was_planned_again_keeps_its_run(books: Books) -> None:
    """Nothing was sent, so there is nothing to keep."""
    books.plan(1)
    first = books.claimed("a")
    books.dead.add("a")
    assert books.take_over() == 1
    second = books.claimed("b")
    assert second.run_id == first.run_id
    assert second.epoch > first.epoch
    assert books.committed() == 10


def test_a_cancelled_job_gives_out_no_row(books: Books) -> None:
    """And the runs that a process holds are named to it."""
    books.plan(2)
    claim = books.claimed("a")
    assert books.do(cancel, JOB)
    assert books.claim("a") is None
    assert list(books.do(cancelled_runs, "a")) == [claim.run_id]
    assert list(books.do(cancelled_runs, "b")) == []


def test_one_run_of_a_job_can_be_cancelled(books: Books) -> None:
    """Its row alone."""
    books.plan(2)
    first, _second = books.claimed("a"), books.claimed("a")
    assert books.do(cancel, first.run_id)
    assert list(books.do(cancelled_runs, "a")) == [first.run_id]
    books.end("a", first, "failed", effect="none")
    assert not books.do(cancel, first.run_id)
    with pytest.raises(LookupError):
        books.do(cancel, "run_unknown")


def test_a_run_outside_a_job_is_a_job_of_one_row(books: Books) -> None:
    """With its own reservation, and no budget of its own."""
    books.cap(DAY, 10)
    claim = books.begin("a", price=6, budgets=(DAY,), input={"q": "x"})
    assert claim.job_id == claim.run_id == "run_1"
    assert claim.state == "claimed"
    assert books.committed(DAY) == 6
    with pytest.raises(OverBudgetError):
        books.begin("a", "run_2", price=6, budgets=(DAY,))
    assert books.begin("a", "run_3", idempotent=True).state == "sent"
    with pytest.raises(FencedError):
        books.begin("a", "run_3")


def test_a_begun_run_of_a_dead_process_is_resumed_by_one_other(books: Books) -> None:
    """With its input and its checkpoint; a wish to cancel it was for the old process."""
    claim = books.begin("a", input={"q": "x"})
    books.sent("a", claim)
    books.do(run_units.checkpoint, "a", claim, {"id": "r1"})
    books.do(cancel, "run_1")
    with pytest.raises(FencedError):
        _resume(books, "b", "run_1")
    books.dead.add("a")
    resumed = _resume(books, "b", "run_1")
    assert resumed.checkpoint == {"id": "r1"}
    assert resumed.input == {"q": "x"}
    assert not books.do(cancelled_runs, "b")
    assert books.do(claims.owns, "b", resumed)
    assert not books.do(claims.owns, "a", claim)
    with pytest.raises(FencedError):
        _resume(books, "c", "run_1")


def test_a_row_of_a_job_can_be_resumed_alone(books: Books) -> None:
    """By the id of its run."""
    books.plan(1)
    claim = books.claimed("a")
    books.sent("a", claim)
    books.do(run_units.checkpoint, "a", claim, {"id": "r1"})
    books.end("a", claim, "begun")
    assert _resume(books, "b", claim.run_id).key == "0"


def test_only_a_begun_run_can_be_resumed(books: Books) -> None:
    """Others have nothing to follow."""
    books.begin("a")
    books.dead.add("a")
    for run_id in ("run_1", "run_unknown"):
        with pytest.raises(LookupError):
            _resume(books, "b", run_id)


def test_an_unfinished_run_of_an_old_journal_is_taken_in_once(books: Books) -> None:
    """It has no owner, and can be resumed at once."""
    new = NewRun(run_id="run_1", connector="toy", action="ask", version=1)
    for _ in range(2):
        books.do(claims.adopt_run, new, {"id": "r1"}, now=1)
    assert _resume(books, "a", "run_1").checkpoint == {"id": "r1"}


def _resume(books: Books, owner: str, run_id: str) -> Claim:
    return books.do(claims.resume_run, owner, run_id, is_alive=books.is_alive)
