"""The course of a run: the fence, checkpoints, and an end with its cost."""

import pytest
from sqlalchemy import select

from perplexity_connector.host.ledger.entries import (
    Claim,
    FencedError,
    OverBudgetError,
    State,
)
from perplexity_connector.host.ledger.records.reading import find_run
from perplexity_connector.host.ledger.schema import jobs
from perplexity_connector.host.ledger.transactions import run_ends, run_units
from tests.host.ledger.books import DAY, JOB, Books


def sent(books: Books, owner: str = "a") -> Claim:
    """Claim a row and send its request."""
    claim = books.claimed(owner)
    books.sent(owner, claim)
    return claim


def states(books: Books, claim: Claim) -> set[State]:
    """Return the states of a run and of its row."""
    return {books.run(claim.run_id)["state"], books.row(claim.key)["state"]}


def check(books: Books, owner: str, claim: Claim, state: dict[str, str]) -> None:
    """Enter a checkpoint."""
    books.do(run_units.checkpoint, owner, claim, state)


def lost(books: Books, owner: str = "a") -> None:
    """Take a process for dead, and its rows away. It may go on."""
    books.dead.add(owner)
    books.take_over()


def test_the_fence_lets_only_the_owner_through(books: Books) -> None:
    """After a takeover the old owner sends nothing, and learns who has the row."""
    books.plan(1)
    claim = books.claimed("a")
    lost(books)
    taken = books.claimed("b")
    for step in (
        lambda: books.sent("a", claim),
        lambda: books.do(run_units.back, "a", claim),
        lambda: check(books, "a", claim, {"id": "r"}),
        lambda: books.end("a", claim),
        lambda: books.do(run_ends.put_back, "a", claim, now=1),
        lambda: _again(books, "a", claim),
    ):
        with pytest.raises(FencedError):
            step()
    books.sent("b", taken)
    assert states(books, taken) == {"sent"}
    assert books.run(claim.run_id)["sent_by"] == "b"
    assert books.committed() == 10


def test_an_attempt_without_effect_goes_back_and_may_be_sent_again(
    books: Books,
) -> None:
    """Its reservation stays for the next attempt."""
    books.plan(1)
    claim = sent(books)
    books.do(run_units.back, "a", claim)
    assert states(books, claim) == {"claimed"}
    books.sent("a", claim)
    assert states(books, claim) == {"sent"}
    assert books.committed() == 10


def test_a_begun_run_stays_begun_during_its_requests(books: Books) -> None:
    """They only follow it."""
    books.plan(1)
    claim = sent(books)
    check(books, "a", claim, {"id": "r"})
    books.do(run_units.back, "a", claim)
    books.sent("a", claim)
    assert states(books, claim) == {"begun"}
    check(books, "a", claim, {})
    assert states(books, claim) == {"sent"}
    assert books.run(claim.run_id)["checkpoint"] is None


def test_the_cost_replaces_the_reservation(books: Books) -> None:
    """Also where it is higher, which only an open-ended price allows."""
    books.plan(2, price=10, cap=20)
    first = sent(books)
    assert books.end("a", first, cost=4, cost_basis="provider") == "done"
    assert books.committed() == 4
    second = sent(books)
    books.end("a", second, cost=30)
    assert books.committed() == 34
    run = books.run(first.run_id)
    assert (run["cost"], run["reserved"], run["cost_basis"]) == (4, 0, "provider")
    assert states(books, first) == {"done"}
    assert books.row()["owner"] is None


@pytest.mark.parametrize(
    ("state", "effect", "cost", "committed"),
    [
        ("failed", "none", None, 0),
        ("failed", "unknown", None, 10),
        ("failed", "unknown", 3, 3),
        ("done", None, None, 10),
        ("unsure", "unknown", None, 10),
    ],
)
def test_an_end_releases_or_keeps_the_reservation(
    books: Books, state: State, effect: str | None, cost: int | None, committed: int
) -> None:
    """It is released only where nothing can have been billed."""
    books.plan(1)
    claim = sent(books)
    assert books.end("a", claim, state, effect=effect, cost=cost) == state
    assert books.committed() == committed
    assert states(books, claim) == {state}


def test_a_repeat_in_doubt_reserves_again_and_keeps_the_first(books: Books) -> None:
    """As far as the budget allows."""
    books.plan(1, cap=25)
    claim = sent(books)
    _again(books, "a", claim)
    assert books.committed() == 20
    with pytest.raises(OverBudgetError):
        _again(books, "a", claim)
    books.end("a", claim, cost=4)
    assert books.committed() == 14


def test_an_end_can_be_entered_twice(books: Books) -> None:
    """The second time changes nothing."""
    books.plan(2)
    ends: tuple[State, ...] = ("done", "failed")
    for state in ends:
        claim = sent(books)
        for cost in (4, 9):
            assert books.end("a", claim, state, cost=cost) == state
    assert books.committed() == 8


def test_a_run_with_a_checkpoint_stays_begun_for_the_next_start(books: Books) -> None:
    """It is not given out again before that."""
    books.plan(1)
    claim = sent(books)
    check(books, "a", claim, {"id": "r"})
    assert books.end("a", claim, "begun", cost=None) == "begun"
    assert books.claim("a") is None
    books.start("a")
    again = books.claimed("a")
    assert again.checkpoint == {"id": "r"}
    assert again.run_id == claim.run_id
    assert again.state == "begun"
    books.end("a", again, cost=4)
    assert books.committed() == 4


@pytest.mark.parametrize(
    ("idempotent", "effect", "state"),
    [(False, "unknown", "unsure"), (False, "none", "failed"), (True, None, "failed")],
)
def test_a_run_without_a_checkpoint_cannot_stay_begun(
    books: Books, idempotent: bool, effect: str | None, state: State
) -> None:
    """There is nothing to follow."""
    books.plan(1, idempotent=idempotent)
    claim = sent(books)
    assert books.end("a", claim, "begun", effect=effect) == state


def test_a_run_that_is_put_back_before_it_is_sent_frees_its_money(
    books: Books,
) -> None:
    """The row is planned as if nothing had been."""
    books.plan(1)
    claim = books.claimed()
    _put_back(books, claim)
    assert states(books, claim) == {"planned"}
    assert books.committed() == 0
    assert books.claimed().run_id == claim.run_id


def test_a_run_that_is_put_back_after_it_was_sent_keeps_its_money(
    books: Books,
) -> None:
    """The row has a new round, and the budgets of that day pay for it."""
    books.plan(1)
    claim = sent(books)
    _put_back(books, claim)
    again = books.claimed()
    assert again.run_id != claim.run_id
    assert again.round == claim.round + 1
    assert books.run(claim.run_id)["state"] == "failed"
    assert books.committed() == 20


@pytest.mark.parametrize(
    ("effect", "cost", "committed"),
    [("none", None, 0), ("unknown", None, 10), ("none", 3, 3)],
)
def test_a_run_may_end_as_not_started(
    books: Books, effect: str, cost: int | None, committed: int
) -> None:
    """Its row is planned; the cost or the reservation stays counted."""
    books.plan(1)
    claim = sent(books)
    assert books.end("a", claim, "planned", effect=effect, cost=cost) == "planned"
    assert books.row()["state"] == "planned"
    assert books.committed() == committed


def test_a_run_may_end_as_claimed(books: Books) -> None:
    """The process keeps it."""
    books.plan(1)
    claim = sent(books)
    assert books.end("a", claim, "claimed", effect="none") == "claimed"
    assert states(books, claim) == {"claimed"}
    _put_back(books, claim)
    assert books.committed() == 0


def test_a_search_that_waits_after_an_attempt_in_doubt_keeps_its_reservation(
    books: Books,
) -> None:
    """The provider may have billed it, also if the row is planned again or its process dies."""
    books.plan(1, idempotent=True)
    claim = sent(books)
    assert books.end("a", claim, "claimed", effect="unknown") == "claimed"
    _put_back(books, claim)
    assert (books.row()["state"], books.committed()) == ("planned", 10)
    books.end("a", sent(books), "claimed", effect="unknown")
    lost(books)
    assert (books.row()["state"], books.committed()) == ("planned", 20)


def test_a_run_that_waits_to_reserve_again_is_not_waited_for(books: Books) -> None:
    """Two of them would wait for each other."""
    books.plan(2, cap=20)
    first, second = sent(books), sent(books)
    for claim in (first, second):
        books.do(run_units.keep, "a", claim)
    for claim in (first, second):
        with pytest.raises(OverBudgetError) as caught:
            _again(books, "a", claim)
        assert not caught.value.is_waiting_useful


def test_a_late_answer_of_the_sender_is_taken(books: Books) -> None:
    """It turns a doubt into an answer, with its cost."""
    books.plan(1)
    claim = sent(books)
    lost(books)
    assert states(books, claim) == {"unsure"}
    assert books.committed() == 10
    assert books.end("a", claim, cost=4) == "done"
    assert states(books, claim) == {"done"}
    assert books.committed() == 4


def test_a_late_failure_of_the_sender_ends_the_doubt(books: Books) -> None:
    """Its own end was seen. Later news of the same kind say nothing more."""
    books.plan(1)
    claim = sent(books)
    lost(books)
    assert books.end("a", claim, "unsure") == "unsure"
    assert books.end("a", claim, "failed", effect="none") == "failed"
    assert books.committed() == 0
    assert books.end("a", claim, "unsure") == "failed"


def test_a_late_run_id_gives_the_row_back_to_its_sender(books: Books) -> None:
    """It goes on to follow its run."""
    books.plan(1)
    claim = sent(books)
    lost(books)
    check(books, "a", claim, {"id": "r"})
    assert states(books, claim) == {"begun"}
    check(books, "a", claim, {"id": "r2"})
    assert books.end("a", claim, cost=4) == "done"
    assert books.committed() == 4


def test_a_late_answer_makes_a_planned_repeat_needless(books: Books) -> None:
    """The row has its answer: the new round is dropped."""
    books.plan(1, idempotent=True)
    claim = books.claimed("a")
    lost(books)
    again = books.claimed("b")
    books.end("b", again, "planned", effect="none")
    assert books.end("a", claim, cost=4) == "done"
    assert books.row()["round"] == claim.round
    assert books.row()["state"] == "done"
    assert books.claim("b") is None
    assert books.committed() == 4


def test_a_late_answer_leaves_a_newer_round_alone(books: Books) -> None:
    """Both runs are paid, and each keeps its cost."""
    books.plan(1, idempotent=True)
    claim = books.claimed("a")
    lost(books)
    again = books.claimed("b")
    assert books.end("a", claim, cost=4) == "done"
    assert books.row()["state"] == "sent"
    assert books.end("b", again, cost=5) == "done"
    assert books.committed() == 9


def test_a_late_run_id_is_refused_where_the_row_goes_on_without_it(
    books: Books,
) -> None:
    """The user has asked again."""
    books.plan(1)
    claim = sent(books)
    lost(books)
    books.start("b", retry="unsure")
    books.claimed("b")
    with pytest.raises(FencedError):
        check(books, "a", claim, {"id": "r"})
    assert books.run(claim.run_id)["state"] == "unsure"


def test_a_done_is_never_replaced(books: Books) -> None:
    """Two processes followed the same run: the first answer counts for both."""
    books.plan(1)
    claim = sent(books)
    check(books, "a", claim, {"id": "r"})
    lost(books)
    followed = books.claimed("b")
    assert books.end("a", claim, cost=4) == "done"
    assert books.end("b", followed, "failed", effect="none") == "done"
    assert books.committed() == 4
    with pytest.raises(FencedError):
        check(books, "b", followed, {"id": "r2"})


def test_only_the_sender_is_heard_late(books: Books) -> None:
    """A process that followed the run, and lost it, is not."""
    books.plan(1)
    claim = sent(books)
    check(books, "a", claim, {"id": "r"})
    lost(books)
    followed = books.claimed("b")
    lost(books, "b")
    with pytest.raises(FencedError):
        books.end("b", followed)


def test_an_unknown_run_is_fenced(books: Books) -> None:
    """Its row was erased, or is in another ledger."""
    books.plan(1)
    claim = books.claimed()
    books.clear()
    for step in (
        lambda: books.sent("a", claim),
        lambda: books.end("a", claim),
        lambda: check(books, "a", claim, {"id": "r"}),
        lambda: books.do(run_ends.put_back, "a", claim, now=1),
    ):
        with pytest.raises(FencedError):
            step()


def test_a_run_outside_a_job_opens_again_with_a_late_run_id(books: Books) -> None:
    """It had ended in doubt."""
    books.cap(DAY, None)
    claim = books.begin("a", price=5, budgets=(DAY,))
    books.sent("a", claim)
    lost(books)
    assert _ended_at(books) is not None
    check(books, "a", claim, {"id": "r"})
    assert _ended_at(books) is None
    books.end("a", claim, cost=2)
    assert _ended_at(books) is not None
    assert books.committed(DAY) == 2


def test_a_run_outside_a_job_is_never_planned(books: Books) -> None:
    """Only a job runs a planned row: this run has failed."""
    claim = books.begin("a")
    books.sent("a", claim)
    assert books.end("a", claim, "planned", effect="none") == "failed"
    assert _ended_at(books) is not None


def test_the_envelope_is_kept(books: Books) -> None:
    """As it was."""
    books.plan(1)
    claim = sent(books)
    envelope = {"status": "succeeded", "output": {"content": "é"}}
    usage = {"total_tokens": 3}
    books.end("a", claim, envelope=envelope, usage=usage, status="succeeded")
    run = books.do(find_run, claim.run_id)
    assert run is not None
    assert run.output == envelope
    assert run.usage == usage
    assert run.job_id == JOB


def _ended_at(books: Books) -> int | None:
    with books.engine.begin() as connection:
        return connection.scalar(select(jobs.c.ended_at))


def _again(books: Books, owner: str, claim: Claim) -> None:
    books.do(run_units.reserve_again, owner, claim, 10, is_alive=books.is_alive)


def _put_back(books: Books, claim: Claim) -> None:
    books.do(run_ends.put_back, "a", claim, now=5)
