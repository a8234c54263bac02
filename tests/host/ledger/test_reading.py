"""What the ledger knows, for the commands that show it."""

from typing import Any

from sqlalchemy import make_url

from perplexity_connector.host.ledger.entries import KnownRow, State
from perplexity_connector.host.ledger.records.reading import (
    find_failures,
    find_job,
    find_jobs,
    find_last_run,
    find_lines,
    find_rows,
    find_run,
    find_runs,
    last_written,
)
from perplexity_connector.host.ledger.records.usage import percentile, usage
from perplexity_connector.host.ledger.transactions import (
    budgets,
    planning,
    table_lines,
)
from tests.host.ledger.books import DAY, JOB, Books, a_job

DAY_MS = 24 * 3600 * 1000


def run(books: Books, run_id: str, state: State = "done", **known: Any) -> None:
    """Make a run outside a job, from its begin to its end."""
    begun = {name: known.pop(name) for name in tuple(known) if name in _BEGUN}
    claim = books.begin("a", run_id, **begun)
    books.sent("a", claim)
    books.end("a", claim, state, **known)
    books.now += 1


_BEGUN = {"input", "connection", "is_sandbox", "price_group", "price", "budgets"}


def ended(books: Books, *states: State) -> None:
    """Make a job with a row for each of these ends."""
    books.plan(len(states))
    for state in states:
        claim = books.claimed()
        books.sent("a", claim)
        known = {"envelope": {"status": "x"}, "error_code": "internal"}
        books.end("a", claim, state, cost=4, **known)


def test_runs_are_listed_newest_first(books: Books) -> None:
    """By state, by status and since a time."""
    run(books, "run_1", status="succeeded", input={"q": "x"})
    run(books, "run_2", "failed", status="cancelled")
    assert _ids(books) == ["run_2", "run_1"]
    assert _ids(books, limit=1) == ["run_2"]
    assert _ids(books, status="failed") == ["run_2"]
    assert _ids(books, status="succeeded") == ["run_1"]
    assert _ids(books, since=1_001) == ["run_2"]
    assert _ids(books, job_id="run_1") == ["run_1"]


def test_a_run_is_shown_with_its_content(books: Books) -> None:
    """A list leaves the answer out."""
    run(books, "run_1", envelope={"status": "x"}, input={"q": "x"}, cost=3)
    known = books.do(find_run, "run_1")
    assert known is not None
    assert known.output == {"status": "x"}
    assert (known.input, known.cost, known.state) == ({"q": "x"}, 3, "done")
    assert books.do(find_runs)[0].output is None
    assert books.do(find_run, "run_unknown") is None


def test_the_last_run_of_an_action_over_a_connection_is_found(books: Books) -> None:
    """With its answer. Failures, sandboxes, tables and other connections do not count."""
    assert books.do(find_last_run, "toy", "ask", None) is None
    run(books, "run_1", envelope={"output": "old"})
    run(books, "run_2", envelope={"output": "x"})
    run(books, "run_3", "failed")
    run(books, "run_4", is_sandbox=True)
    run(books, "run_5", connection="main")
    ended(books, "done")
    found = books.do(find_last_run, "toy", "ask", None)
    assert found is not None
    assert (found.run_id, found.output) == ("run_2", {"output": "x"})
    named = books.do(find_last_run, "toy", "ask", "main")
    assert named is not None
    assert named.run_id == "run_5"
    assert books.do(find_last_run, "toy", "hear", None) is None


def test_a_job_is_shown_with_its_sums(books: Books) -> None:
    """By id and by name; a run outside a job has no budget of its own."""
    ended(books, "done", "failed", "done")
    job = books.do(find_job, "out.csv")
    assert job is not None
    assert job.counts == {"done": 2, "failed": 1}
    assert (job.cost, job.committed, job.cap) == (12, 12, None)
    run(books, "run_1", cost=3)
    lone = books.do(find_job, "run_1")
    assert lone is not None
    assert (lone.cost, lone.committed, lone.counts) == (3, 0, {"done": 1})
    assert books.do(find_job, "job_unknown") is None


def test_a_plan_sees_the_rows_that_are_known(books: Books) -> None:
    """With their content's digest and their state."""
    ended(books, "done")
    known = books.do(find_rows, JOB, ["0", "new"])
    assert known == {"0": KnownRow(key="0", digest="digest", state="done", worst=10)}


def test_lines_are_read_in_their_order_as_soon_as_they_have_ended(
    books: Books,
) -> None:
    """Page by page, or only those that the file lacks."""
    ended(books, "done", "failed", "unsure")
    books.add(["0", "1", "2", "3"])
    assert [line.number for line in books.do(find_lines, JOB)] == [0, 1, 2]
    assert [line.number for line in books.do(find_lines, JOB, after=0, limit=1)] == [1]
    books.do(table_lines.line_ends, JOB, [(0, 10), (2, 30)])
    left = books.do(find_lines, JOB, is_unwritten=True)
    assert [line.number for line in left] == [1]
    assert left[0].record == {"name": "1"}
    assert left[0].output == {"status": "x"}
    last = books.do(last_written, JOB)
    assert [(line.number, line.output_end) for line in last] == [(2, 30), (0, 10)]


def test_failures_and_doubts_are_named(books: Books) -> None:
    """With line, key and run, and without content."""
    ended(books, "done", "failed", "unsure")
    failed, unsure = books.do(find_failures, JOB)
    assert (failed.state, failed.number, failed.error_code) == ("failed", 1, "internal")
    assert (unsure.state, unsure.key) == ("unsure", "2")
    assert unsure.run_id is not None
    assert failed.output is failed.record is None


def test_usage_is_summed_by_model_action_connection_and_day(books: Books) -> None:
    """The dearest first; runs that have no known cost are counted apart."""
    books.cap(DAY, None)
    run(books, "run_1", cost=3, model="small", connection="main")
    run(books, "run_2", cost=4, model="small", connection="other")
    books.now = DAY_MS
    run(books, "run_3", cost=50, model="large", connection="main")
    run(books, "run_4", price=6, budgets=(DAY,))
    books.begin("a", "run_5")
    assert _used(books, "model") == [("large", 1, 50), ("small", 2, 7), ("", 1, 0)]
    assert _used(books, "connection") == [("main", 2, 53), ("other", 1, 4), ("", 1, 0)]
    assert _used(books, "action") == [("toy.ask", 4, 57)]
    assert _used(books, "day") == [("1970-01-02", 2, 50), ("1970-01-01", 2, 7)]
    last = books.do(usage, "day", since=DAY_MS)
    assert [(row.runs, row.unpriced, row.kept) for row in last] == [(2, 1, 6)]


def test_runs_of_a_sandbox_count_nowhere(books: Books) -> None:
    """Neither in the usage nor in a percentile."""
    for number in range(50):
        run(books, f"run_{number}", cost=5, price_group="medium", is_sandbox=True)
    assert books.do(usage, "model") == []
    assert books.do(percentile, "toy", "ask", "medium") is None


def test_runs_of_a_job_of_the_sandbox_count_nowhere(books: Books) -> None:
    """As those outside a job."""
    books.do(planning.begin_job, a_job(is_sandbox=True), now=1)
    books.add(["0"])
    claim = books.claimed()
    books.sent("a", claim)
    books.end("a", claim, cost=5)
    assert books.do(usage, "model") == []


def test_a_percentile_needs_fifty_runs_of_its_group(books: Books) -> None:
    """It is the cost that 99 of 100 do not exceed."""
    for number in range(49):
        run(books, f"run_{number}", cost=number, price_group="medium")
    run(books, "run_other", cost=999, price_group="high")
    assert books.do(percentile, "toy", "ask", "medium") is None
    run(books, "run_49", cost=49, price_group="medium")
    assert books.do(percentile, "toy", "ask", "medium") == 49
    for number in range(50, 100):
        run(books, f"run_{number}", cost=number, price_group="medium")
    assert books.do(percentile, "toy", "ask", "medium") == 98


def test_budgets_are_locked_in_order_of_their_ids() -> None:
    """Two processes that lock the same budgets do not wait for each other then."""
    server = make_url("postgresql://").get_dialect()()
    statement = " ".join(str(budgets._lock.compile(dialect=server)).split())
    assert statement.endswith("ORDER BY budgets.id FOR UPDATE")


def _ids(books: Books, **where: Any) -> list[str]:
    return [known.run_id for known in books.do(find_runs, **where)]


def _used(books: Books, by: Any) -> list[tuple[str, int, int]]:
    return [(row.name, row.runs, row.cost) for row in books.do(usage, by)]


def test_jobs_are_listed_apart_from_runs_outside_them(books: Books) -> None:
    """A row's run is listed with its job alone."""
    run(books, "run_1", is_sandbox=True)
    ended(books, "done", "failed")
    (job,) = books.do(find_jobs)
    assert (job.job_id, job.counts) == (JOB, {"done": 1, "failed": 1})
    assert books.do(find_jobs, since=books.now + 1) == []
    (lone,) = books.do(find_runs)
    assert (lone.run_id, lone.is_sandbox, lone.key) == ("run_1", True, "")
    rows = books.do(find_runs, job_id=JOB)
    assert sorted(each.number for each in rows) == [0, 1]


def test_a_list_price_is_named_in_the_usage(books: Books) -> None:
    """So that the sum can be called about so much."""
    run(books, "run_1", cost=5, cost_basis="list_price", model="a")
    run(books, "run_2", cost=5, cost_basis="provider", model="b")
    listed = {row.name: row.listed for row in books.do(usage, "model")}
    assert listed == {"a": True, "b": False}
