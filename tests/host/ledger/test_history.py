"""The history: one list of flows, runs and tables, newest first, page by page, and searched."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplexity_connector.host.ledger.entries import FLOW, State
from perplexity_connector.host.ledger.flow_entries import read_cursor
from perplexity_connector.host.ledger.records import keeping
from perplexity_connector.host.ledger.records.reading import find_last_run
from perplexity_connector.host.ledger.transactions import planning
from tests.host.ledger.books import JOB, Books, a_job
from tests.host.ledger.flow_books import (
    begin,
    end,
    entries,
    known,
    listed,
    ran,
    step,
)


def ids(books: Books, **options: Any) -> list[str]:
    """Return the ids of a page of the history."""
    return [entry.id for entry in entries(books, **options)]


def run(books: Books, run_id: str, state: State = "done", **known: Any) -> None:
    """Make a run outside flows, from its begin to its end."""
    claim = books.begin("a", run_id, input=known.pop("input", None))
    books.sent("a", claim)
    books.end("a", claim, state, **known)


def test_the_run_of_a_step_is_not_the_last_run_of_its_action(books: Books) -> None:
    """It belongs to its flow."""
    begin(books)
    ran(books, "ask", "run_1")
    end(books)
    assert books.do(find_last_run, "toy", "ask", None) is None


def test_all_that_ran_is_in_one_list(books: Books) -> None:
    """Newest first; the runs of steps and rows are parts of their flow and table."""
    begin(books, title="Briefing")
    ran(books, "ask", "run_1", cost=4, word="The end.")
    end(books)
    books.now = 2_000
    run(books, "run_2", status="succeeded", cost=3, summary="An answer.")
    books.now = 3_000
    books.plan(2)
    books.end("a", books.claimed(), cost=6)
    table, lone, flow = entries(books)
    assert (table.kind, table.id, table.title) == ("table", JOB, "out.csv")
    assert (table.cost, table.counts) == (6, {"done": 1, "planned": 1})
    assert (lone.kind, lone.title, lone.summary) == ("run", "toy.ask", "An answer.")
    assert (lone.cost, lone.status, lone.at) == (3, "succeeded", 2_000)
    assert (flow.kind, flow.title, flow.steps) == ("flow", "Briefing", ("ask",))
    assert (flow.cost, flow.summary, flow.ended_at) == (4, "The end.", 1_000)


def test_a_flow_without_a_title_has_that_of_its_source(books: Books) -> None:
    """Or its id."""
    begin(books, source="/flow.json")
    books.now += 1
    begin(books, "flow_2")
    assert [entry.title for entry in entries(books)] == ["flow_2", "/flow.json"]
    assert [entry.steps for entry in entries(books)] == [(), ()]


def test_a_table_of_a_flow_without_a_name_has_that_of_the_flow(books: Books) -> None:
    """It has no connector."""
    of_flow = replace(a_job(name=None), connector=FLOW, action="Briefing")
    books.do(planning.begin_job, of_flow, now=1)
    assert [entry.title for entry in entries(books)] == ["Briefing"]


@pytest.mark.parametrize(
    ("state", "status", "shown"),
    [
        ("done", "succeeded", "succeeded"),
        ("failed", "failed", "failed"),
        ("failed", "cancelled", "cancelled"),
        ("failed", None, "failed"),
        ("unsure", "failed", "unsure"),
    ],
)
def test_a_run_that_ended_has_its_status(
    books: Books, state: State, status: str | None, shown: str
) -> None:
    """That of its envelope, unless it may have been billed without an answer."""
    run(books, "run_1", state, status=status)
    assert [entry.status for entry in entries(books)] == [shown]


def test_what_has_not_ended_is_running_or_interrupted(books: Books) -> None:
    """As long as its process lives, or not."""
    begin(books)
    books.begin("a", "run_1")
    books.plan(1)
    assert {entry.status for entry in entries(books)} == {"running"}
    books.dead.add("a")
    assert {entry.status for entry in entries(books)} == {"interrupted"}


def test_a_table_runs_as_long_as_a_process_has_one_of_its_rows(books: Books) -> None:
    """Its writer may be gone."""
    books.plan(1)
    books.claimed("b")
    books.dead.add("a")
    assert [entry.status for entry in entries(books)] == ["running"]


@pytest.mark.parametrize(
    ("state", "shown"),
    [("done", "succeeded"), ("failed", "failed"), ("unsure", "unsure")],
)
def test_a_table_that_ended_has_the_status_of_its_worst_row(
    books: Books, state: State, shown: str
) -> None:
    """A row that may have been billed comes first."""
    books.plan(2)
    books.end("a", books.claimed())
    claim = books.claimed()
    books.sent("a", claim)
    books.end("a", claim, state)
    books.end_job("done")
    assert [entry.status for entry in entries(books)] == [shown]


def test_flows_are_listed_by_status(books: Books) -> None:
    """Without their items and records, and without those of tables."""
    for number, status in enumerate(["failed", "cancelled", "succeeded", None]):
        begin(books, f"flow_{number}")
        end(books, status, flow_id=f"flow_{number}")
    begin(books, "flow_4")
    step(books, "each", "run_each", flow_id="flow_4")
    ran(books, "each", "run_1", flow_id="flow_4", item=0)
    begin(books, "flow_5", owner="b")
    books.plan(1)
    begin(books, "flow_6", row_id=books.claimed().row_id)
    books.dead.add("b")
    assert listed(books) == [f"flow_{number}" for number in (5, 4, 3, 2, 1, 0)]
    assert listed(books, status="running") == ["flow_4"]
    assert listed(books, status="interrupted") == ["flow_5", "flow_3"]
    for number, status in enumerate(["failed", "cancelled", "succeeded"]):
        assert listed(books, status=status) == [f"flow_{number}"]
    assert listed(books, status="unsure") == []
    assert listed(books, search="ask", limit=1) == ["flow_5"]
    assert [one.item for one in known(books, "flow_4").steps] == [-1, 0]


def test_the_list_of_flows_goes_on_after_a_cursor(books: Books) -> None:
    """Flows of one moment are in one order."""
    for number in range(3):
        begin(books, f"flow_{number}")
    cursor = known(books, "flow_2").cursor
    assert listed(books, before=read_cursor(cursor)) == ["flow_1", "flow_0"]
    for wrong in ("", "flow_2", f"{2**63}-flow_2"):
        with pytest.raises(ValueError):  # noqa: PT011 - of any text
            read_cursor(wrong)


def everything(books: Books, word: str) -> None:
    """Make entries that have a word in one place each."""
    begin(books, "flow_1", title=f"A {word}.")
    begin(books, "flow_2", source=f"/{word}.json")
    begin(books, "flow_3", document={"q": f"A {word}."})
    begin(books, "flow_4", inputs={"q": [f"A {word}."]})
    begin(books, "flow_5")
    ran(books, "ask", "run_0", flow_id="flow_5", word=word)
    run(books, "run_1", input={"q": f"A {word}."})
    run(books, "run_2", summary=f"A {word}.")
    run(books, "run_3", model=word)
    for job in (
        a_job("job_name", name=word),
        a_job("job_output", name=None, output=word),
        a_job("job_flow", name=None, flow={"q": word}),
    ):
        books.do(planning.begin_job, job, now=books.now)
    begin(books, "flow_9")
    run(books, "run_9")


@pytest.mark.parametrize("word", ["Needle", 'say "so"', "100%", "a_b", "Mühle", "a\\b"])
def test_a_text_is_searched_for_in_all_that_people_know_of_an_entry(
    books: Books, word: str
) -> None:
    """In any case of its letters, and as it is: no character is a pattern."""
    everything(books, word)
    wanted = {f"flow_{number}" for number in range(1, 6)}
    wanted |= {"run_1", "run_2", "run_3", "job_name", "job_output", "job_flow"}
    for spelling in (word, word.upper(), word.lower()):
        assert set(ids(books, search=spelling)) == wanted
    assert set(listed(books, search=word)) == {f"flow_{n}" for n in range(1, 6)}
    assert ids(books, search="nowhere") == []
    assert set(ids(books, search="TOY.ask")) >= {"run_1", "run_9"}


def test_what_is_forgotten_is_not_found(books: Books) -> None:
    """It stays in the list."""
    run(books, "run_1", summary="A needle.")
    assert ids(books, search="needle") == ["run_1"]
    books.do(keeping.forget, "run_1", is_alive=books.is_alive, now=70)
    assert ids(books, search="needle") == []
    assert ids(books) == ["run_1"]


@settings(max_examples=25, deadline=None)
@given(
    made=st.lists(
        st.tuples(st.sampled_from(["flow", "run", "job"]), st.integers(0, 3)),
        max_size=12,
    ),
    limit=st.integers(1, 5),
)
def test_page_by_page_the_history_has_each_entry_once(
    made: list[tuple[str, int]], limit: int
) -> None:
    """Whatever began in one moment."""
    books = _BOOKS
    books.clear()
    for number, (kind, at) in enumerate(made):
        books.now = 1_000 + at
        if kind == "flow":
            begin(books, f"flow_{number}")
        elif kind == "run":
            books.begin("a", f"run_{number}")
        else:
            job = a_job(f"job_{number}", name=None)
            books.do(planning.begin_job, job, now=books.now)
    found, before = list[tuple[int, str]](), None
    while page := entries(books, limit=limit, before=before):
        assert len(page) <= limit
        found += [(entry.at, entry.id) for entry in page]
        before = read_cursor(page[-1].cursor)
    made_at = [(1_000 + at, f"{kind}_{n}") for n, (kind, at) in enumerate(made)]
    assert found == sorted(made_at, reverse=True)


_BOOKS = Books()


@pytest.mark.parametrize("text", ["", "x", "-run_1", "soon-run_1"])
def test_another_text_is_not_a_cursor(text: str) -> None:
    """A page that comes from elsewhere may send one."""
    with pytest.raises(ValueError, match="int"):
        read_cursor(text)
