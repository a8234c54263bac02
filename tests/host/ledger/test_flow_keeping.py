"""The content of a flow, and how another process stops it."""

from dataclasses import replace

import pytest

from perplexity_connector.host.ledger.entries import FLOW, FencedError
from perplexity_connector.host.ledger.flow_entries import WHOLE
from perplexity_connector.host.ledger.records import erasing, keeping
from perplexity_connector.host.ledger.records.flow_reading import job_flow
from perplexity_connector.host.ledger.records.usage import usage
from perplexity_connector.host.ledger.schema import metadata
from perplexity_connector.host.ledger.transactions import planning, run_units
from tests.host.ledger.books import JOB, Books, a_job
from tests.host.ledger.flow_books import (
    FLOW_ID,
    an_envelope,
    begin,
    end,
    end_step,
    known,
    ran,
    resume,
    step,
)

WORD = "secretive"
_LATER = 10**15


def traces(books: Books) -> set[str]:
    """Return the tables and columns that hold the word."""
    found = set[str]()
    for table in metadata.sorted_tables:
        with books.engine.begin() as connection:
            rows = connection.execute(table.select()).mappings().all()
        found |= {
            f"{table.name}.{name}"
            for row in rows
            for name, value in row.items()
            if WORD in str(value)
        }
    return found


def write(books: Books, row_id: int | None = None) -> None:
    """Begin a flow that has the same word everywhere; one of its two steps has items."""
    document = {"steps": WORD}
    begin(books, document=document, inputs={"q": WORD}, row_id=row_id)
    ran(books, "ask", "run_1", word=WORD)
    step(books, "each", "run_each")
    ran(books, "each", "run_2", item=0, word=WORD)
    end_step(books, "each", envelope=an_envelope(WORD))


def forget(books: Books, entry_id: str) -> None:
    """Forget a flow, a run or a job."""
    books.do(keeping.forget, entry_id, is_alive=books.is_alive, now=70)


def test_the_content_of_a_flow_is_erased_with_its_runs(books: Books) -> None:
    """When the flow ended long ago, and once. Its runs wait for it; what it cost stays."""
    write(books)
    assert books.do(erasing.erase_expired, ended_before=_LATER) == 0
    assert not books.do(erasing.erase, "run_1")
    assert not books.do(erasing.erase, FLOW_ID)
    assert len(traces(books)) == 7
    books.now = 50
    end(books)
    assert books.do(erasing.erase_expired, ended_before=50) == 0
    assert books.do(erasing.erase_expired, ended_before=51) == 1
    assert traces(books) == set()
    flow = known(books)
    assert (flow.document, flow.cost, flow.status) == (None, 10, "succeeded")
    assert flow.content_erased
    assert books.do(erasing.erase_expired, ended_before=_LATER) == 0


def test_a_run_that_outlives_its_flow_is_erased_at_its_own_end(books: Books) -> None:
    """It goes on at the provider, and its checkpoint is needed until then."""
    begin(books)
    step(books, "ask", "run_1")
    claim = books.begin("a", "run_1", input={"q": WORD})
    books.sent("a", claim)
    books.do(run_units.checkpoint, "a", claim, {"id": WORD})
    end(books, "cancelled")
    assert books.do(erasing.erase, FLOW_ID)
    assert traces(books) == {"runs.input", "runs.checkpoint"}
    books.end("a", claim)
    assert books.do(erasing.erase, "run_1")
    assert traces(books) == set()
    with pytest.raises(LookupError):
        resume(books)


def flow_row(books: Books) -> None:
    """Run one row of a table of a flow; the word is in the table too."""
    job = a_job(flow={"steps": WORD})
    books.do(planning.begin_job, job, now=1)
    books.add([f"0 {WORD}"])
    books.start("a")
    claim = books.claimed()
    write(books, row_id=claim.row_id)
    end(books)
    books.sent("a", claim)
    books.end("a", claim, envelope=an_envelope(WORD), cost=10)


def test_the_content_of_a_rows_flow_is_erased_with_its_job(books: Books) -> None:
    """Not before, since a restart of the job needs it. The flow of the job is erased too."""
    flow_row(books)
    assert books.do(erasing.erase_expired, ended_before=_LATER) == 0
    assert not books.do(erasing.erase, FLOW_ID)
    assert books.do(job_flow, JOB) == {"steps": WORD}
    books.end_job("done", now=50)
    assert books.do(erasing.erase_expired, ended_before=51) == 1
    assert traces(books) == {"rows.key"}
    assert books.do(job_flow, JOB) is None


def test_a_job_keeps_its_newest_flow(books: Books) -> None:
    """A begin without one leaves it; a job of an action has none."""
    for flow in ({"steps": [1]}, {"steps": [2]}, None):
        books.do(planning.begin_job, a_job(flow=flow), now=1)
    assert books.do(job_flow, JOB) == {"steps": [2]}
    books.do(planning.begin_job, a_job("job_2", name=None), now=1)
    assert books.do(job_flow, "job_2") is None


def test_a_forgotten_flow_is_closed_with_its_runs(books: Books) -> None:
    """Not while a process works on it, or on a run of it; a run that is to be followed is unsure then."""
    write(books)
    step(books, "more", "run_3")
    claim = books.begin("b", "run_3", input={"q": WORD})
    books.sent("b", claim)
    books.do(run_units.checkpoint, "b", claim, {"id": WORD})
    with pytest.raises(FencedError):
        forget(books, FLOW_ID)
    books.dead.add("a")
    with pytest.raises(FencedError):
        forget(books, FLOW_ID)
    books.dead.add("b")
    forget(books, FLOW_ID)
    assert traces(books) == set()
    assert books.run("run_3")["state"] == "unsure"
    flow = known(books)
    assert (flow.status, flow.ended_at, flow.content_erased) == ("cancelled", 70, True)
    with pytest.raises(LookupError):
        forget(books, "flow_unknown")


def test_a_flow_that_is_forgotten_later_keeps_its_end(books: Books) -> None:
    """Only content goes."""
    write(books)
    end(books, "failed")
    forget(books, FLOW_ID)
    assert (known(books).status, known(books).ended_at) == ("failed", 1_000)


def test_a_forgotten_run_leaves_no_copy_in_its_flow(books: Books) -> None:
    """A step with items has their outputs too. The flow keeps its other steps."""
    write(books)
    forget(books, "run_2")
    steps = {(one.step, one.item): one.record for one in known(books).steps}
    assert steps["ask", WHOLE] == an_envelope(WORD)
    assert steps["each", WHOLE] is None
    assert steps["each", 0] is None
    assert known(books).summary is None


def test_a_forgotten_job_closes_the_flows_of_its_rows(books: Books) -> None:
    """With their runs."""
    flow_row(books)
    begin(books, "flow_2", row_id=books.row(f"0 {WORD}")["id"])
    step(books, "ask", "run_3", flow_id="flow_2")
    books.sent("a", books.begin("a", "run_3", input={"q": WORD}))
    books.dead.add("a")
    forget(books, JOB)
    assert traces(books) == {"rows.key"}
    assert books.run("run_3")["state"] == "unsure"
    assert known(books, "flow_2").status == "cancelled"


def test_the_owner_of_a_flow_learns_that_it_should_stop(books: Books) -> None:
    """Of the flow, or of a step that has items: by its id."""
    begin(books)
    step(books, "each", "run_each")
    assert books.do(keeping.cancel, "run_each")
    assert books.do(keeping.cancelled_runs, "a") == ["run_each"]
    assert books.do(keeping.cancel, FLOW_ID)
    assert set(books.do(keeping.cancelled_runs, "a")) == {"run_each", FLOW_ID}
    assert books.do(keeping.cancelled_runs, "b") == []
    with pytest.raises(LookupError):
        books.do(keeping.cancel, "flow_unknown")


def test_a_request_to_stop_is_for_the_process_before(books: Books) -> None:
    """Nothing is under way then, and a resumed flow goes on."""
    begin(books)
    step(books, "each", "run_each")
    end(books, None)
    assert not books.do(keeping.cancel, "run_each")
    assert not books.do(keeping.cancel, FLOW_ID)
    resume(books, "b")
    assert books.do(keeping.cancelled_runs, "b") == []


def test_the_rows_of_a_flow_are_in_no_usage(books: Books) -> None:
    """The runs of their steps have the costs."""
    of_flow = replace(a_job(), connector=FLOW, action="Briefing")
    books.do(planning.begin_job, of_flow, now=1)
    books.add(["0"])
    books.start("a")
    claim = books.claimed()
    begin(books, row_id=claim.row_id)
    ran(books, "ask", "run_1")
    books.sent("a", claim)
    books.end("a", claim, cost=5)
    found = books.do(usage, "action")
    assert [(row.name, row.cost) for row in found] == [("toy.ask", 5)]
