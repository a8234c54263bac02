"""Flows: their steps and runs, who works on them, and who goes on with one that was left."""

from typing import TYPE_CHECKING

import pytest

from perplexity_connector.host.ledger.entries import Claim, FencedError
from perplexity_connector.host.ledger.flow_entries import WHOLE
from perplexity_connector.host.ledger.records.flow_reading import (
    find_flow,
    last_flow,
    row_flow,
)
from perplexity_connector.host.ledger.records.reading import find_runs
from perplexity_connector.host.ledger.transactions import flows, run_units
from tests.host.ledger.books import DAY, Books
from tests.host.ledger.flow_books import (
    DOCUMENT,
    FLOW_ID,
    an_envelope,
    begin,
    end,
    end_step,
    entries,
    known,
    ran,
    resume,
    step,
    the_step,
)

if TYPE_CHECKING:
    from perplexity_connector.contract import JsonObject


def test_a_flow_is_known_with_its_steps(books: Books) -> None:
    """In the order in which they began, with the outputs that later steps use."""
    begin(books, source="/flow.json", title="Briefing", inputs={"company": "ACME"})
    ran(books, "search", "run_1")
    ran(books, "ask", "run_2", cost=7, word="The end.")
    end(books)
    flow = known(books)
    assert [one.step for one in flow.steps] == ["search", "ask"]
    assert (flow.document, flow.inputs) == (DOCUMENT, {"company": "ACME"})
    assert (flow.status, flow.is_running, flow.ended_at) == ("succeeded", False, 1_000)
    assert (flow.cost, flow.summary) == (12, "The end.")
    ask = the_step(books, "ask")
    assert (ask.state, ask.run_state, ask.run_id) == ("done", "done", "run_2")
    assert ask.record == an_envelope("The end.")


def test_an_unknown_flow_is_not_there(books: Books) -> None:
    """And nothing can be written for it."""
    assert books.do(find_flow, FLOW_ID, is_alive=books.is_alive) is None
    with pytest.raises(LookupError):
        step(books, "ask", "run_1")
    with pytest.raises(LookupError):
        resume(books)


def test_two_flows_do_not_share_an_id(books: Books) -> None:
    """As two runs do not."""
    begin(books)
    with pytest.raises(FencedError):
        begin(books)


def test_the_items_of_a_step_come_after_it_in_their_order(books: Books) -> None:
    """A few run at once, so they begin in another one. Their runs have their envelopes."""
    begin(books)
    step(books, "each", "run_each")
    for item in (1, 0):
        ran(books, "each", f"run_{item}", item=item, word=f"Item {item}.")
    ran(books, "ask", "run_ask", cost=None)
    flow = known(books)
    found = [(one.step, one.item) for one in flow.steps]
    assert found == [("each", WHOLE), ("each", 0), ("each", 1), ("ask", WHOLE)]
    assert the_step(books, "each", 1).record == an_envelope("Item 1.")
    assert [one.cost for one in flow.steps] == [10, 5, 5, None]
    assert flow.cost == 10
    whole = the_step(books, "each")
    assert (whole.run_state, whole.state, whole.record) == (None, "running", None)


def test_kept_and_skipped_steps_have_no_run(books: Books) -> None:
    """A kept one has the kept envelope; a skipped one never began."""
    begin(books, part={"only": "ask"})
    kept: list[tuple[str, JsonObject]] = [
        ("search", {"output": [1]}),
        ("read", {"output": None}),
    ]
    books.do(flows.keep_steps, "a", FLOW_ID, "flow_0", kept)
    end_step(books, "ask", "skipped")
    flow = known(books)
    found = [(one.step, one.state, one.kept_from) for one in flow.steps]
    assert found == [
        ("search", "kept", "flow_0"),
        ("read", "kept", "flow_0"),
        ("ask", "skipped", None),
    ]
    assert flow.steps[0].record == {"output": [1]}
    assert (flow.part, flow.cost, flow.summary) == ({"only": "ask"}, None, None)


def test_the_runs_of_steps_count_as_runs(books: Books) -> None:
    """Under a budget too; the history has them as parts of their flow only."""
    books.cap(DAY, 10)
    begin(books)
    step(books, "ask", "run_1")
    claim = books.begin("a", "run_1", price=10, budgets=(DAY,))
    books.sent("a", claim)
    books.end("a", claim, cost=3)
    books.begin("a", "run_2")
    assert books.committed(DAY) == 3
    assert {entry.id for entry in entries(books)} == {FLOW_ID, "run_2"}
    found = {run.run_id: run.flow_id for run in books.do(find_runs)}
    assert found == {"run_1": FLOW_ID, "run_2": None}


def test_a_flow_whose_process_died_is_interrupted(books: Books) -> None:
    """At once; and another process that opens the ledger takes it away from the dead one."""
    begin(books)
    begin(books, "flow_2", owner="b")
    assert known(books).is_running
    books.dead.add("a")
    assert (known(books).is_running, known(books).status) == (False, None)
    for _ in range(2):
        books.do(flows.leave_dead_flows, books.is_alive)
    books.dead.clear()
    assert not known(books).is_running
    assert known(books, "flow_2").is_running


def test_an_interrupted_flow_is_resumed_by_one_process_only(books: Books) -> None:
    """The second one is refused while the first lives, and the process before may write no more."""
    begin(books)
    step(books, "ask", "run_1")
    with pytest.raises(FencedError):
        resume(books, "b")
    with pytest.raises(FencedError):
        resume(books, "a")
    books.dead.add("a")
    assert resume(books, "b").is_running
    with pytest.raises(FencedError):
        resume(books, "c")
    books.dead.clear()
    with pytest.raises(FencedError):
        step(books, "ask", "run_2")
    with pytest.raises(FencedError):
        end_step(books, "ask", envelope=an_envelope())
    with pytest.raises(FencedError):
        books.do(flows.keep_steps, "a", FLOW_ID, None, [])
    end(books, "failed")
    assert known(books).is_running


def test_a_flow_that_its_process_left_may_be_resumed_at_once(books: Books) -> None:
    """That process lives on, and works for other flows."""
    begin(books)
    end(books, None)
    assert (known(books).ended_at, known(books).is_running) == (None, False)
    assert resume(books, "b").is_running


def test_a_resumed_flow_knows_what_became_of_its_runs(books: Books) -> None:
    """One is followed, one may be billed, one was never sent, and one has not begun."""
    begin(books)
    step(books, "each", "run_each")
    claims: dict[int, Claim] = {}
    for item in range(4):
        step(books, "each", f"run_{item}", item=item)
    for item in range(3):
        claims[item] = books.begin("a", f"run_{item}")
    books.sent("a", claims[0])
    books.do(run_units.checkpoint, "a", claims[0], {"id": "it"})
    books.sent("a", claims[1])
    books.dead.add("a")
    flow = resume(books)
    states = [one.run_state for one in flow.steps if one.item != WHOLE]
    assert states == ["begun", "unsure", "failed", None]
    assert {one.state for one in flow.steps} == {"running"}


def test_a_run_that_ended_just_before_its_process_died_is_known(books: Books) -> None:
    """Its step was not noted any more: the envelope is that of the run."""
    begin(books)
    step(books, "ask", "run_1")
    claim = books.begin("a", "run_1")
    books.sent("a", claim)
    books.end("a", claim, envelope=an_envelope())
    books.dead.add("a")
    (ask,) = resume(books).steps
    assert (ask.state, ask.run_state, ask.record) == ("running", "done", an_envelope())


def test_a_step_that_runs_again_has_a_new_run_and_both_costs(books: Books) -> None:
    """A flow that failed goes on, and stays in one piece in the history."""
    begin(books)
    ran(books, "search", "run_1")
    ran(books, "ask", "run_2", cost=7)
    end_step(books, "ask", "failed")
    end(books, "failed")
    flow = resume(books, "a")
    assert (flow.status, flow.ended_at) == (None, None)
    ran(books, "ask", "run_3", cost=9, word="Better.")
    end(books)
    flow = known(books)
    assert [one.run_id for one in flow.steps] == ["run_1", "run_3"]
    assert [one.cost for one in flow.steps] == [5, 16]
    assert the_step(books, "ask").record == an_envelope("Better.")
    assert [entry.id for entry in entries(books)] == [FLOW_ID]


def test_a_flow_that_succeeded_has_nothing_to_go_on_with(books: Books) -> None:
    """It is run as a new one."""
    begin(books)
    end(books)
    with pytest.raises(LookupError):
        resume(books)


def test_the_last_flow_of_a_source_is_found(books: Books) -> None:
    """Not that of another source, and none of a table's row."""
    books.plan(1)
    row_id = books.claimed().row_id
    begin(books, "flow_1", source="/a.json")
    books.now += 1
    begin(books, "flow_2", source="/a.json")
    books.now += 1
    begin(books, "flow_3", source="/a.json", row_id=row_id)
    begin(books, "flow_4", source="/b.json")
    last = books.do(last_flow, "/a.json", is_alive=books.is_alive)
    assert last
    assert last.flow_id == "flow_2"
    assert books.do(last_flow, "/c.json", is_alive=books.is_alive) is None
    of_row = books.do(row_flow, row_id, is_alive=books.is_alive)
    assert of_row
    assert of_row.flow_id == "flow_3"


def test_a_flow_of_a_row_belongs_to_the_owner_of_the_row(books: Books) -> None:
    """Its steps begin, and it is resumed, only under the claim of the row."""
    books.plan(1)
    claim = books.claimed("a")
    begin(books, row_id=claim.row_id)
    books.do(run_units.checkpoint, "a", claim, {"flow": FLOW_ID})
    books.begin("a", "run_1", within=claim)
    with pytest.raises(LookupError):
        resume(books, "b")
    books.dead.add("a")
    books.take_over()
    followed = books.claimed("b")
    assert followed.checkpoint == {"flow": FLOW_ID}
    books.dead.clear()
    assert resume(books, "b", within=followed).is_running
    with pytest.raises(FencedError):
        books.begin("a", "run_2", within=claim)
    with pytest.raises(FencedError):
        resume(books, "a", within=claim)
    with pytest.raises(FencedError):
        step(books, "ask", "run_2")
