"""The history of the ledger, over the wire."""

from typing import Any

import pytest

from perplexity_connector.host import Ledger
from perplexity_connector.host.ledger.entries import (
    LedgerError,
    NewJob,
    NewLine,
    NewRow,
    NewRun,
    RunEnd,
)
from perplexity_connector.host.ledger.flow_entries import NewFlow
from perplexity_connector.host.spending.money import NANO
from tests.host.flows.test_flows import flow, step
from tests.workbench.conftest import Bench, Serve
from tests.workbench.test_api import failed, pointers

FLOW = flow(step("one", name="Ada"), step("two", name="Bob"))
ENVELOPE: Any = {
    "status": "succeeded",
    "summary": "Hello",
    "output": {"text": "Hello, Ada!"},
}


def flow_id(number: int) -> str:
    """The id of a flow."""
    return f"flow_{number:032x}"


def run_of(ledger: Ledger, run_id: str, state: Any = "done", **end: Any) -> None:
    """A run, and its end if it has one."""
    new = NewRun(
        connector="toy", action="greet", version=1, run_id=run_id, input={"name": "Ada"}
    )
    claim = ledger.begin_run(new).result()
    if state == "claimed":
        return
    ledger.end_run(claim, RunEnd(state=state, ended_at=2, **end)).result()


def flow_of(ledger: Ledger, number: int, **known: Any) -> str:
    """A flow that ended, of a step that was kept, one that ran and an item of it."""
    new = NewFlow(flow_id=flow_id(number), document=FLOW, **known)
    ledger.begin_flow(new).result()
    ledger.keep_steps(new.flow_id, flow_id(99), [("one", ENVELOPE)]).result()
    ledger.begin_step(new.flow_id, "two", f"run_{number}").result()
    ledger.begin_step(new.flow_id, "two", f"run_{number}_0", item=0).result()
    end = {"status": "succeeded", "cost": NANO // 2, "envelope": ENVELOPE}
    run_of(ledger, f"run_{number}_0", **end, summary="Hello")
    ledger.end_step(new.flow_id, "two", None, "done", item=0).result()
    ledger.end_step(new.flow_id, "two", ENVELOPE, "done").result()
    ledger.end_flow(new.flow_id, "succeeded").result()
    return new.flow_id


def ids(page: Any) -> list[str]:
    """The entries of a page."""
    return [entry["id"] for entry in page["entries"]]


def test_the_history_lists_flows_runs_and_tables(serve: Serve, ledger: Ledger) -> None:
    """Newest first, page by page; a search finds words in them."""
    first = flow_of(ledger, 1, title="Briefing", inputs={"company": "ACME"})
    run_of(ledger, "run_b", status="succeeded", summary="Moon", cost=NANO)
    job = NewJob(job_id="job_c", name="c", connector="toy", action="greet", version=1)
    ledger.begin_job(job).result()
    bench = serve(ledger=ledger)
    page = bench.get("/api/history")
    assert sorted(ids(page)) == sorted([first, "run_b", "job_c"])
    assert page["next"] is None
    entries = {entry["kind"]: entry for entry in page["entries"]}
    known = entries["flow"]
    assert (known["title"], known["status"], known["steps"]) == (
        "Briefing",
        "succeeded",
        ["one", "two"],
    )
    assert (known["cost"], known["sandbox"]) == (0.5, False)
    assert known["inputs"] == {"company": "ACME"}
    assert known["ended_at"] >= known["at"] > 1_600_000_000_000
    assert (entries["run"]["summary"], entries["run"]["cost"]) == ("Moon", 1.0)
    assert (entries["table"]["cost"], entries["table"]["counts"]) == (0, {})
    half = bench.get("/api/history?limit=2")
    rest = bench.get(f"/api/history?limit=2&before={half['next']}")
    assert (ids(half) + ids(rest), rest["next"]) == (ids(page), None)
    assert ids(bench.get("/api/history?search=ACME")) == [first]
    assert ids(bench.get("/api/history?search=moon&limit=1000")) == ["run_b"]
    for query, pointer in (("before=x", "/before"), ("limit=x", "/limit")):
        error = failed(bench.call("GET", f"/api/history?{query}"), 400)
        assert pointers(error) == [pointer]


def test_a_flow_of_the_history_has_all_that_opens_it_again(
    serve: Serve, ledger: Ledger
) -> None:
    """Its document, its inputs, and the envelopes of its steps and of their items."""
    known = flow_of(ledger, 1, source="/x/a.json", part={"only": "two"}, inputs={})
    shown = serve(ledger=ledger).get(f"/api/history/{known}")
    assert (shown["kind"], shown["flow_id"], shown["source"]) == (
        "flow",
        known,
        "/x/a.json",
    )
    assert (shown["flow"], shown["inputs"], shown["part"]) == (
        FLOW,
        {},
        {"only": "two"},
    )
    assert (shown["status"], shown["cost"]) == ("succeeded", 0.5)
    one, two, item = shown["steps"]
    assert (one["id"], one["state"], one["kept_from"]) == ("one", "kept", flow_id(99))
    assert (two["id"], two["run_id"], "item" in two) == ("two", "run_1", False)
    assert (item["id"], item["item"], item["run_id"]) == ("two", 0, "run_1_0")
    assert one["envelope"] == two["envelope"] == item["envelope"] == ENVELOPE


def test_a_flow_that_has_not_ended_says_whether_a_process_works_on_it(
    serve: Serve, ledger: Ledger
) -> None:
    """Else it was interrupted."""
    for number in (1, 2):
        new = NewFlow(flow_id=flow_id(number), document=FLOW)
        ledger.begin_flow(new).result()
    ledger.end_flow(flow_id(2), None).result()
    bench = serve(ledger=ledger)
    statuses = [
        bench.get(f"/api/history/{flow_id(number)}")["status"] for number in (1, 2)
    ]
    assert statuses == ["running", "interrupted"]
    error = failed(bench.call("DELETE", f"/api/history/{flow_id(1)}"), 409)
    assert error["code"] == "unavailable"


def test_a_run_of_the_history_is_shown(serve: Serve, ledger: Ledger) -> None:
    """With what was asked and answered; `unsure` is neither a success nor a failure."""
    ends: list[tuple[Any, Any, str]] = [
        ("done", "succeeded", "succeeded"),
        ("failed", "cancelled", "cancelled"),
        ("failed", None, "failed"),
        ("unsure", None, "unsure"),
        ("claimed", None, "running"),
    ]
    for number, (state, status, _) in enumerate(ends):
        run_of(ledger, f"run_{number}", state, status=status, envelope=ENVELOPE)
    bench = serve(ledger=ledger)
    shown = [bench.get(f"/api/history/run_{number}") for number in range(len(ends))]
    assert [run["status"] for run in shown] == [status for *_, status in ends]
    run = shown[0]
    assert (run["kind"], run["run_id"], run["action"]) == ("run", "run_0", "greet")
    assert (run["connector"], run["version"], run["connection"]) == ("toy", 1, None)
    assert (run["input"], run["envelope"]) == ({"name": "Ada"}, ENVELOPE)


def test_a_table_of_the_history_is_shown_with_its_flow(
    serve: Serve, ledger: Ledger
) -> None:
    """And how many rows are in each state."""
    job = NewJob(
        job_id="job_c", name="c", connector="", action="greet", version=0, flow=FLOW
    )
    ledger.begin_job(job).result()
    row = NewRow(number=2, key="a", digest="d", input={})
    ledger.add_rows("job_c", [row], [NewLine(number=2, key="a")]).result()
    table = serve(ledger=ledger).get("/api/history/job_c")
    assert (table["kind"], table["title"], table["flow"]) == ("table", "c", FLOW)
    assert (table["counts"], table["cost"]) == ({"planned": 1}, 0)
    assert table["table"] is None


def test_an_entry_is_forgotten(serve: Serve, ledger: Ledger) -> None:
    """Its content is erased; an unknown one cannot be."""
    known = flow_of(ledger, 1)
    bench = serve(ledger=ledger)
    answer = bench.call("DELETE", f"/api/history/{known}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert bench.get(f"/api/history/{known}")["flow"] is None
    for method in ("GET", "DELETE"):
        error = failed(bench.call(method, "/api/history/run_none"), 404)
        assert error["code"] == "not_found"


def test_without_a_ledger_there_is_no_history(bench: Bench) -> None:
    """Runs work all the same."""
    for method, path in (("GET", ""), ("GET", "/run_1"), ("DELETE", "/run_1")):
        error = failed(bench.call(method, f"/api/history{path}"), 404)
        assert error["code"] == "not_found"


def test_a_ledger_that_cannot_be_used_is_said(
    serve: Serve, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its own words, which hold no password."""
    bench = serve(ledger=ledger)

    async def broken(_: Any) -> None:
        message = "The disk is full."
        raise LedgerError(message)

    monkeypatch.setattr("perplexity_connector.workbench.api.history.committed", broken)
    error = failed(bench.call("GET", "/api/history"), 500)
    assert (error["code"], error["message"]) == ("internal", "The disk is full.")
