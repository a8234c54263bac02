"""Tables of flows: a row is the inputs of a flow, and its steps share the row."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ConnectorError,
    Effect,
    ErrorCode,
    JsonObject,
)
from perplexity_connector.host import SyncHost
from perplexity_connector.host.tables.rows import running
from perplexity_connector.host.tables.rows.brakes import Brakes
from perplexity_connector.host.tables.rows.flow_logs import FlowRowLog
from tests.host.flows.stage import COST, flow, step
from tests.host.runs.ledgers import NotedLedger, claim
from tests.host.stage import CONNECTION
from tests.host.tables.stage import THREE, Desk, FullLedger, failing
from tests.toy.toy import MANIFEST, ToyPlugin

NAME: JsonObject = {"type": "string"}
PEOPLE: dict[str, Any] = {
    "type": "object",
    "properties": {"name": NAME, "times": {"type": "integer", "default": 1}},
    "required": ["name"],
}
INPUT = {"input": "/name"}


def two(**more: Any) -> JsonObject:
    """A flow that greets a person, and then the greeting."""
    first = step("one", bindings={"/name": [INPUT], "/times": [{"input": "/times"}]})
    second = step("two", bindings={"/name": ["Dear ", INPUT]})
    return flow({**first, **more.pop("first", {})}, second, inputs=PEOPLE, **more)


def output(row: dict[str, str]) -> Any:
    """The outputs of a row by step."""
    return json.loads(row["output"])


async def never(_: JsonObject, ctx: ActionContext) -> ActionResult:
    """Begin something that goes on, and look at it for ever."""
    await ctx.checkpoint({"id": "it"})
    await asyncio.Event().wait()
    raise AssertionError


# The row as inputs.


def test_each_column_with_the_name_of_an_input_gives_its_value(desk: Desk) -> None:
    """Text is read by the schema, a blank is absent, and other columns stay alone."""
    table = desk.table("name,times,note\nAda,2,x\nGrace,,y\nAlan,many,z\n")
    plan, *rows, end = desk.run_flow(two(), table, at_once=1)
    assert [(one["line"], one["pointer"]) for one in plan["invalid"]] == [(4, "/times")]
    assert (plan["rows"], end["rows"]) == (2, {"done": 2})
    assert sorted(desk.ran) == ["Ada", "Dear Ada", "Dear Grace", "Grace"]
    assert [row["cost"] for row in rows] == [0.5, 0.5]
    first, _ = desk.records()
    assert list(first) == [
        *("name", "times", "note", "output"),
        *("_status", "_error", "_cost", "_run"),
    ]
    assert output(first) == {
        "one": {"text": "Hello, Ada"},
        "two": {"text": "Hello, Dear Ada"},
    }


def test_templates_make_the_inputs_instead(desk: Desk) -> None:
    """As for an action."""
    table = desk.table("who\nAda\n")
    template = {"name": "{who}!", "times": "3"}
    assert desk.run_flow(two(), table, template)[-1]["rows"] == {"done": 1}
    assert desk.ran == ["Ada!", "Dear Ada!"]


def test_lines_of_json_give_their_values(desk: Desk) -> None:
    """With their types; what a line does not have is absent."""
    table = desk.table('{"name": "Ada", "times": 2}\n{"name": "Grace"}\n', "in.jsonl")
    assert desk.run_flow(two(), table)[-1]["rows"] == {"done": 2}


@pytest.mark.parametrize("columns", ["Name,times", "other"])
def test_a_table_without_a_required_column_is_refused(desk: Desk, columns: str) -> None:
    """Before anything is planned."""
    with pytest.raises(ConnectorError) as refused:
        desk.run_flow(two(), desk.table(f"{columns}\nAda,1\n"))
    assert refused.value.code is ErrorCode.INVALID_INPUT


def test_a_table_without_any_input_is_refused(desk: Desk) -> None:
    """Its rows would all be the same."""
    for document in (
        flow(step("one", name="Ada")),
        flow(inputs=PEOPLE | {"required": []}),
    ):
        with pytest.raises(ConnectorError):
            desk.run_flow(document, desk.table("other\nx\n"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"flow": {"flow_version": 9}},
        {"flow": flow(step("one", name=3), inputs=PEOPLE)},
        {"connections": {"toy": 3}},
        {"connections": []},
        {"connection": CONNECTION},
        {"version": 1},
    ],
)
def test_a_wrong_argument_is_refused(desk: Desk, wrong: dict[str, Any]) -> None:
    """Before anything is sent."""
    document = wrong.pop("flow", two())
    with pytest.raises((ConnectorError, TypeError)):
        desk.run_flow(document, desk.table(THREE), **wrong)
    assert desk.ran == []


def test_a_row_whose_step_would_be_refused_is_invalid(desk: Desk) -> None:
    """The plan names it, with the place in the flow."""
    table = desk.table(f"name\nAda\n{'x' * 41}\n")
    plan, *_, end = desk.run_flow(two(), table)
    assert [one["pointer"] for one in plan["invalid"]] == ["/steps/0/input/name"]
    assert end["rows"] == {"done": 1}


def test_the_last_steps_content_is_a_column(desk: Desk) -> None:
    """If its action has one: the toy has none, so all outputs by step are in it."""
    columns = {"first": "/one/text", "second": "/two/text"}
    desk.run_flow(two(), desk.table("name\nAda\n"), columns=columns)
    (record,) = desk.records()
    assert (record["first"], record["second"]) == ("Hello, Ada", "Hello, Dear Ada")


# Its price and its limits.


def test_the_price_of_a_row_is_that_of_its_steps(desk: Desk) -> None:
    """The toy has no prices, so that each run counts as 1 USD; a step with `each` counts `max` times."""
    plan, *_ = desk.run_flow(two(), desk.table(THREE), plan_only=True)
    price = plan["price"]
    assert (price["worst"], price["basis"]) == (6.0, "estimate")
    many = step("one", bindings={"/name": [{"item": ""}]}, each={"input": "/names"})
    schema = {"type": "object", "properties": {"names": {"type": "array"}}}
    document = flow(many, step("two", name="Ada"), inputs=schema)
    table = desk.table('names\n"[""a"",""b"",""c""]"\n')
    plan, *_ = desk.run_flow(document, table, plan_only=True)
    assert plan["price"]["worst"] == 4.0
    assert plan["seconds"] is None


def test_a_budget_ends_a_table_of_flows(desk: Desk) -> None:
    """Each row reserves the price of all its steps."""
    *_, end = desk.run_flow(two(), desk.table(THREE), budget=2.5, at_once=1)
    assert (end["reason"], end["cost"]) == ("budget", 1.0)
    assert end["rows"] == {"done": 2, "planned": 1}


# Failures.


def test_a_row_whose_step_fails_has_failed_and_a_retry_goes_on_there(
    desk: Desk,
) -> None:
    """The steps before are not paid again, and each record has the cost of its own run."""
    table = desk.table(THREE)
    desk.fate["Dear Grace"] = failing(ErrorCode.UPSTREAM_FAILED, effect=Effect.NONE)
    *_, end = desk.run_flow(two(), table)
    assert (end["rows"], end["failed"]) == (
        {"done": 2, "failed": 1},
        {"upstream_failed": [3]},
    )
    desk.fate.clear()
    desk.ran.clear()
    *rows, end = desk.run_flow(two(), table, retry="failed")
    assert (desk.ran, end["rows"]) == (["Dear Grace"], {"done": 3})
    assert rows[-1]["cost"] == 0.25
    assert end["cost"] == 1.5
    assert list(output(desk.records()[1])) == ["one", "two"]


def test_a_retry_of_changed_content_runs_all_steps(desk: Desk) -> None:
    """Nothing of the other inputs is kept."""
    desk.fate["Dear Ada"] = failing(ErrorCode.UPSTREAM_FAILED, effect=Effect.NONE)
    desk.run_flow(two(), desk.table("id,name\n1,Ada\n"), key="id")
    desk.ran.clear()
    *_, end = desk.run_flow(two(), desk.table("id,name\n1,Eve\n"), key="id")
    assert (desk.ran, end["rows"]) == (["Eve", "Dear Eve"], {"done": 1})


def test_an_unsure_step_makes_the_row_unsure(desk: Desk) -> None:
    """`retry="failed"` leaves it alone, and `retry="unsure"` runs that step again."""
    table = desk.table("name\nAda\n")
    desk.fate["Dear Ada"] = failing(ErrorCode.TIMEOUT, effect=Effect.UNKNOWN)
    *_, row, end = desk.run_flow(two(), table)
    assert (row["state"], row["cost"], len(end["unsure"])) == ("unsure", None, 1)
    desk.fate.clear()
    desk.ran.clear()
    assert desk.run_flow(two(), table, retry="failed")[-1]["rows"] == {"unsure": 1}
    assert desk.run_flow(two(), table, retry="unsure")[-1]["rows"] == {"done": 1}
    assert desk.ran == ["Dear Ada"]


def test_a_step_with_each_keeps_the_costs_of_its_items(desk: Desk) -> None:
    """Its own envelope adds them up already."""
    many = step("one", bindings={"/name": [{"item": ""}]}, each={"input": "/names"})
    schema = {"type": "object", "properties": {"names": {"type": "array"}}}
    table = desk.table('names\n"[""a"",""b""]"\n')
    _, row, _ = desk.run_flow(flow(many, inputs=schema), table)
    assert (row["cost"], sorted(desk.ran)) == (0.5, ["a", "b"])


def test_a_row_without_a_known_cost_keeps_its_reservation(desk: Desk) -> None:
    """As an action's row does."""

    async def free(_: JsonObject, __: ActionContext) -> ActionResult:
        return ActionResult(output={"text": "Hello"})

    desk.fate["Ada"] = free
    _, row, end = desk.run_flow(two(), desk.table("name\nAda\n"))
    assert (row["cost"], end["rows"]) == (None, {"done": 1})


def test_what_every_row_would_meet_stops_the_job(desk: Desk) -> None:
    """The row goes on from its step at the next start, also where the flow itself would go on."""
    table = desk.table(THREE)
    desk.fate["Grace"] = failing(ErrorCode.QUOTA_EXHAUSTED)
    document = two(first={"on_failure": "continue"})
    *_, end = desk.run_flow(document, table, at_once=1)
    assert (end["reason"], end["cause"]) == ("failed", "quota_exhausted")
    assert end["rows"] == {"done": 1, "begun": 1, "planned": 1}
    assert len(end["begun"]) == 1
    desk.fate.clear()
    assert desk.run_flow(document, table)[-1]["rows"] == {"done": 3}
    assert desk.ran.count("Dear Grace") == 1


def test_a_row_that_was_unavailable_waits_for_others(desk: Desk) -> None:
    """It has failed if one of them succeeds; if the job stops, it goes on from its step."""
    desk.fate["Dear Ada"] = failing(ErrorCode.UNAVAILABLE)
    table = desk.table("name\nAda\nGrace\n")
    *_, end = desk.run_flow(two(), table, at_once=1)
    assert end["rows"] == {"done": 1, "failed": 1}
    desk.fate["Alan"] = failing(ErrorCode.PERMISSION_DENIED)
    other = desk.table("name\nAda\nAlan\n", "other.csv")
    out: dict[str, Any] = {"out": desk.folder / "other-out.csv"}
    *_, end = desk.run_flow(two(), other, at_once=1, **out)
    assert (end["reason"], end["rows"]) == ("failed", {"begun": 2})
    desk.fate.clear()
    desk.ran.clear()
    assert desk.run_flow(two(), other, **out)[-1]["rows"] == {"done": 2}
    assert "Ada" not in desk.ran


# Stops.


def stopping(line: int, times: int = 1) -> Any:
    """A watch that stops the job when the row of a line has ended."""
    seen: dict[str, str] = {}

    def watch(host: Any, item: Any) -> None:
        seen.setdefault("job", item.get("job_id", ""))
        if item["type"] == "row.finished" and item["line"] == line:
            for _ in range(times):
                assert host.cancel(seen["job"])

    return watch


def test_the_first_stop_begins_no_further_step_and_leaves_the_run(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next start follows the run of that step, and runs the steps after it."""
    monkeypatch.setattr(running, "STOP_S", 0.0)
    table = desk.table(THREE)
    desk.fate["Ada"] = never
    *_, end = desk.run_flow(two(), table, at_once=2, watch=stopping(4))
    assert (end["reason"], end["rows"]) == ("stopped", {"done": 2, "begun": 1})
    resumed: list[Any] = []

    async def follow(_: JsonObject, ctx: ActionContext) -> ActionResult:
        resumed.append(ctx.resume_from)
        return ActionResult(output={"text": "At last"})

    desk.fate["Ada"] = follow
    desk.ran.clear()
    *_, end = desk.run_flow(two(), table)
    assert (resumed, desk.ran) == ([{"id": "it"}], ["Ada", "Dear Ada"])
    assert end["rows"] == {"done": 3}


def test_a_stop_between_two_steps_leaves_the_row(desk: Desk) -> None:
    """Its next step runs at the next start."""
    table = desk.table("name\nAda\n")
    hosts: list[Any] = []

    async def stop(_: JsonObject, __: ActionContext) -> ActionResult:
        host, job = hosts
        assert host.cancel(job)
        return ActionResult(output={"text": "Hello"}, usage={"cost": {"total_cost": 1}})

    desk.fate["Ada"] = stop
    *_, end = desk.run_flow(
        two(),
        table,
        watch=lambda host, item: hosts.extend(
            [host, item.get("job_id")][: 2 - len(hosts)]
        ),
    )
    assert (end["reason"], end["rows"], desk.ran) == ("stopped", {"begun": 1}, ["Ada"])
    *_, row, end = desk.run_flow(two(), table)
    assert (row["cost"], end["rows"]) == (1.25, {"done": 1})
    assert desk.ran == ["Ada", "Dear Ada"]


def test_a_second_stop_asks_the_provider(desk: Desk) -> None:
    """The step's run is stopped there, and the row goes on from it later."""
    asked: list[bool] = []

    async def slow(_: JsonObject, ctx: ActionContext) -> ActionResult:
        await ctx.checkpoint({"id": "it"})
        try:
            await asyncio.Event().wait()
        finally:
            asked.append(True)
        raise AssertionError

    desk.fate["Ada"] = slow
    table = desk.table("name\nAda\nGrace\n")
    *_, end = desk.run_flow(two(), table, watch=stopping(3, 2))
    assert (end["reason"], asked) == ("stopped", [True])
    assert end["rows"] == {"done": 1, "begun": 1}
    desk.fate.clear()
    assert desk.run_flow(two(), table)[-1]["rows"] == {"done": 2}


def test_a_row_alone_can_be_stopped(desk: Desk) -> None:
    """It has failed then, and the others go on."""
    runs: list[str] = []

    async def stop(_: JsonObject, __: ActionContext) -> ActionResult:
        (run,) = [
            one
            for one in desk.ledger.runs(job_id=jobs[0]).result()
            if one.state == "begun"
        ]
        runs.append(run.run_id)
        assert hosts[0].cancel(run.run_id)
        return ActionResult(output={"text": "Hello"})

    jobs: list[str] = []
    hosts: list[Any] = []

    def watch(host: Any, item: Any) -> None:
        hosts.append(host)
        jobs.append(item.get("job_id", ""))

    desk.fate["Ada"] = stop
    *_, end = desk.run_flow(
        two(), desk.table("name\nAda\nGrace\n"), at_once=1, watch=watch
    )
    assert (end["rows"], end["failed"]) == (
        {"done": 1, "failed": 1},
        {"cancelled": [2]},
    )
    assert "Dear Ada" not in desk.ran


# Other processes.


def enter(desk: Desk, table: Path, **options: Any) -> Any:
    """Enter the job `job`, whose rows run nowhere yet."""
    given = {"job": "job", "enter_only": True, **options}
    return desk.run_flow(two(), table, **given)[-1]


def test_any_process_runs_rows_of_a_flow_that_was_entered(desk: Desk) -> None:
    """The ledger has the flow, and the output is written later."""
    entered = enter(desk, desk.table(THREE))
    given = {"connection": None, "connections": {"toy": CONNECTION}}
    *_, end = desk.run_job(start=entered["start"], **given)
    assert (end["rows"], len(desk.ran)) == ({"done": 3}, 6)
    assert desk.write()["rows"] == {"done": 3}
    assert len(desk.records()) == 3
    assert desk.run_job(**given)[-1]["reason"] == "done"


def test_the_connections_of_a_job_have_names(desk: Desk) -> None:
    """Each process looks them up itself; another name is refused, and so is the kind of an action's job."""
    environ = {"TOY_TOKEN": "secret"}
    enter(
        desk, desk.table(THREE), connections={"toy": "Mine"}, host={"environ": environ}
    )
    for wrong in (
        {"connection": CONNECTION},
        {"connection": None, "connections": {"toy": "Other"}},
    ):
        with pytest.raises(ConnectorError):
            desk.run_job(**wrong)
    desk.enter(desk.table("name\nEve\n"), job="job2", out=desk.folder / "x.csv")
    with pytest.raises(ConnectorError):
        desk.run_job(job="job2", connections={"toy": CONNECTION})


def test_a_flows_job_that_is_erased_has_nothing_left_to_run(desk: Desk) -> None:
    """It ends at once."""
    enter(desk, desk.table("name\nAda\n"))
    given = {"connection": None, "connections": {"toy": CONNECTION}}
    host = {"record_content": False}
    *_, end = desk.run_job(host=host, **given)
    assert end["rows"] == {"done": 1}
    desk.write(host=host)
    assert desk.ledger.job_flow(end["job_id"]).result() is None
    assert desk.run_job(host=host, **given)[-1]["rows"] == {"done": 1}


# The ledger.


def test_a_process_that_has_lost_the_row_begins_no_further_step(desk: Desk) -> None:
    """The row's next owner goes on from that step."""

    async def lose(_: JsonObject, __: ActionContext) -> ActionResult:
        with closing(sqlite3.connect(desk.folder / "ledger.sqlite")) as database:
            database.execute(
                "UPDATE rows SET owner = 'other', epoch = epoch + 1 WHERE number > 0"
            )
            database.commit()
        return ActionResult(output={"text": "Hello"}, usage=COST)

    desk.fate["Ada"] = lose
    table = desk.table("name\nAda\n")
    *_, end = desk.run_flow(two(), table)
    assert (desk.ran, end["rows"]) == (["Ada"], {"begun": 1})
    assert desk.run_flow(two(), table)[-1]["rows"] == {"done": 1}
    assert desk.ran == ["Ada", "Dear Ada"]


def test_a_step_that_an_earlier_process_sent_makes_the_row_unsure() -> None:
    """Nothing was sent for it here, and its effect is not known."""
    error = {"code": "upstream_failed", "effect": "unknown", "http_status": None}
    envelope: Any = {"status": "failed", "run_id": "run_9", "error": error}
    envelope |= {"usage": {}, "meta": {}, "attempts": 1, "summary": ""}
    noted: Any = NotedLedger()
    log = FlowRowLog(noted, claim("begun", checkpoint={"flow": "f"}), Brakes())
    log.run_ended(envelope)
    asyncio.run(log.ended(envelope))
    assert noted.ends[0].state == "unsure"


def test_no_step_begins_if_the_row_cannot_be_marked(
    full: FullLedger, desk: Desk
) -> None:
    """A crash must find the flow by the row's checkpoint."""
    full.fails = {"checkpoint": 1}
    table = desk.table("name\nAda\n")
    *_, end = desk.run_flow(two(), table)
    assert desk.ran == []
    assert end["failed"] == {"unavailable": [2]}
    assert desk.run_flow(two(), table, retry="failed")[-1]["rows"] == {"done": 1}


def test_a_row_that_cannot_be_put_back_is_found_at_the_next_start(
    full: FullLedger, desk: Desk
) -> None:
    """It has no living owner then, and goes on from its step."""
    desk.fate["Dear Ada"] = failing(ErrorCode.UNAVAILABLE)
    desk.fate["Alan"] = failing(ErrorCode.PERMISSION_DENIED)
    full.fails = {"put_back": 1}
    table = desk.table("name\nAda\nAlan\n")
    _, *rows, end = desk.run_flow(two(), table, at_once=1)
    assert (end["reason"], rows[-1]["state"]) == ("failed", "planned")
    desk.fate.clear()
    assert desk.run_flow(two(), table)[-1]["rows"] == {"done": 2}
    assert desk.ran.count("Ada") == 1


def test_a_flow_of_before_that_cannot_be_read_is_not_begun_again(
    full: FullLedger, desk: Desk
) -> None:
    """Nothing is sent, and a retry goes on."""
    table = desk.table("name\nAda\n")
    desk.fate["Dear Ada"] = failing(ErrorCode.QUOTA_EXHAUSTED)
    desk.run_flow(two(), table)
    desk.fate.clear()
    full.fails = {"row_flow": 1}
    desk.ran.clear()
    *_, end = desk.run_flow(two(), table)
    assert (desk.ran, end["failed"]) == ([], {"unavailable": [2]})
    assert desk.run_flow(two(), table, retry="failed")[-1]["rows"] == {"done": 1}
    assert desk.ran == ["Dear Ada"]


def test_the_answers_of_a_lost_ledger_are_in_the_file_beside(
    full: FullLedger, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All outputs of the row, by step."""
    monkeypatch.setattr(running, "LEDGER_PATIENCE_S", 0.0)
    monkeypatch.setattr(running, "LOOK_S", 0.0)
    full.skips, full.fails = 2, {"end_run": 99}
    *_, end = desk.run_flow(two(), desk.table("name\nAda\n"))
    (line,) = Path(end["unsaved"]).read_text("utf-8").splitlines()
    assert list(json.loads(line)["envelope"]["output"]) == ["one", "two"]


def test_a_blocking_host_streams_tables_of_flows_too(desk: Desk) -> None:
    """With the same items."""
    with SyncHost(environ={}, ledger=desk.ledger) as host:
        host.register(ToyPlugin(greet=desk.greet), MANIFEST)
        items = host.stream_flow_table(
            two(),
            desk.table("name\nAda\n"),
            out=str(desk.out),
            connections={"toy": CONNECTION},
        )
        kinds = [item["type"] for item in items]
    assert kinds == ["table.planned", "row.finished", "table.finished"]
    desk.ledger.close()
