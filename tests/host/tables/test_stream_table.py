"""Running a table: each row once, one record a line, and only the missing rows the next time."""

import asyncio
import json
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
from tests.host.runs.test_budget import Plugin, Priced
from tests.host.stage import CONNECTION, toy_host
from tests.host.tables.stage import GREET, THREE, Desk, failing
from tests.toy.toy import MANIFEST, ToyPlugin


def test_each_valid_line_has_one_record_and_each_row_one_run(desk: Desk) -> None:
    """Doubles share a run, which is counted once; lines that cannot run are named."""
    table = desk.table("id,name\n1,Ada\n2,Grace\n3,Ada\n4\n5,\n")
    plan, *rows, end = desk.run(table)
    assert (plan["rows"], plan["doubles"], plan["done"], plan["runs"]) == (3, 1, 0, 2)
    assert [one["line"] for one in plan["invalid"]] == [5, 6]
    assert plan["invalid"][1]["pointer"] == "/name"
    assert sorted(desk.ran) == ["Ada", "Grace"]
    assert {row["line"] for row in rows} == {2, 3}
    assert {row["left"] for row in rows} == {0, 1}
    assert (end["reason"], end["rows"], end["cost"]) == ("done", {"done": 2}, 0.5)
    records = {record["id"]: record for record in desk.records()}
    assert list(records["1"]) == [
        "id",
        "name",
        "output",
        "_status",
        "_error",
        "_cost",
        "_run",
    ]
    assert json.loads(records["3"]["output"]) == {"text": "Hello, Ada"}
    costs = [records[name]["_cost"] for name in ("1", "2", "3")]
    assert costs == ["0.25", "0.25", "0"]
    assert records["1"]["_run"] == records["3"]["_run"] != records["2"]["_run"]


def test_the_same_command_again_runs_nothing(desk: Desk) -> None:
    """All is done, and the output stays as it is to the byte."""
    table = desk.table("name\nAda\nGrace\n")
    desk.run(table)
    before = desk.out.read_bytes()
    plan, end = desk.run(table)
    assert (plan["done"], plan["runs"], len(desk.ran)) == (2, 0, 2)
    assert end["reason"] == "done"
    assert desk.out.read_bytes() == before


def test_new_lines_of_a_table_are_run_alone(desk: Desk) -> None:
    """Wherever they are: a row is its content, and not its line."""
    desk.run(desk.table("name\nAda\nGrace\n"))
    plan, *_ = desk.run(desk.table("name\nAlan\nAda\nGrace\n"))
    assert (plan["done"], plan["runs"]) == (2, 1)
    assert desk.ran.count("Ada") == 1
    assert [record["name"] for record in desk.records()] == ["Alan", "Ada", "Grace"]


def test_a_removed_line_has_no_record_any_more(desk: Desk) -> None:
    """At the end of the table or inside it; and its row is not run."""
    desk.run(desk.table("name\nAda\nGrace\nAlan\n"))
    desk.run(desk.table("name\nAda\nAlan\n"))
    assert [record["name"] for record in desk.records()] == ["Ada", "Alan"]


def test_a_key_names_a_row_and_changed_content_runs_again(desk: Desk) -> None:
    """The new record takes the place of the old one, whose cost stays counted. Equal content is not merged."""
    template = {"name": "{name}"}
    first = desk.table("id,name\na,Ada\nb,Ada\nc,Grace\n")
    desk.run(first, template, key="id")
    assert sorted(desk.ran) == ["Ada", "Ada", "Grace"]
    second = desk.table("id,name\na,Ada\nb,Alan\nc,Grace\n")
    plan, row, end = desk.run(second, template, key="id")
    assert (plan["changed"], plan["runs"], row["key"]) == ([3], 1, "b")
    assert end["cost"] == 1.0
    names = [record["output"] for record in desk.records()]
    assert [json.loads(name)["text"] for name in names] == [
        "Hello, Ada",
        "Hello, Alan",
        "Hello, Grace",
    ]


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("id,name\na,Ada\nb,Grace\na,Alan\n", "id", "Lines 2 and 4"),
        ("id,name\n1,Ada\n", "ids", "key column"),
        ("name,name\nAda,Ada\n", None, "twice"),
        ("name,_cost\nAda,1\n", None, "'_cost' twice"),
    ],
)
def test_a_table_that_is_not_clear_is_failing(
    desk: Desk, text: str, key: str | None, words: str
) -> None:
    """Before anything is sent or recorded, with what is wrong."""
    with pytest.raises(ConnectorError, match=words) as caught:
        desk.run(desk.table(text), key=key)
    assert caught.value.code is ErrorCode.INVALID_INPUT
    assert desk.ran == []
    assert not desk.out.exists()


def test_an_empty_key_is_an_invalid_line(desk: Desk) -> None:
    """It names nothing."""
    plan, *_ = desk.run(desk.table("id,name\n,Ada\n1,Grace\n"), key="id")
    assert ([one["line"] for one in plan["invalid"]], plan["rows"]) == ([2], 1)


def test_another_template_needs_fresh_which_keeps_the_old_output(desk: Desk) -> None:
    """A new job pays for all rows again, and says where the old records go."""
    table = desk.table("name\nAda\n")
    desk.run(table)
    old = desk.out.read_bytes()
    with pytest.raises(ConnectorError, match="--fresh"):
        desk.run(table, {"name": "Dr {name}"})
    plan, *_ = desk.run(table, {"name": "Dr {name}"}, fresh=True)
    kept = desk.folder / "out.csv.1"
    assert (plan["runs"], plan["kept_as"]) == (1, str(kept.resolve()))
    assert desk.ran == ["Ada", "Dr Ada"]
    assert kept.read_bytes() == old
    assert len(desk.records()) == 1
    assert desk.run(table, {"name": "Dr {name}"})[0]["done"] == 1


def test_another_connection_is_another_job(desk: Desk) -> None:
    """Its name counts, and not its key: a rotated key buys nothing again."""
    table = desk.table("name\nAda\n")
    desk.run(table)
    desk.run(table, connection={**CONNECTION, "token": "rotated"})
    with pytest.raises(ConnectorError, match="another connection"):
        desk.run(table, connection="Mine")
    assert desk.ran == ["Ada"]


def test_failed_rows_are_written_and_only_retry_runs_them_again(desk: Desk) -> None:
    """The new record takes the place of the old one."""
    table = desk.table("name\nAda\nGrace\n")
    desk.fate["Ada"] = failing(ErrorCode.UPSTREAM_FAILED)
    *_, end = desk.run(table)
    assert end["failed"] == {"upstream_failed": [2]}
    failed = next(one for one in desk.records() if one["name"] == "Ada")
    assert (failed["_status"], failed["_error"]) == ("failed", "upstream_failed")
    assert desk.run(table)[0]["runs"] == 0
    desk.fate.clear()
    plan, *_, end = desk.run(table, retry="failed")
    assert (plan["runs"], end["failed"]) == (1, {})
    assert [(one["name"], one["_status"]) for one in desk.records()] == [
        ("Ada", "done"),
        ("Grace", "done"),
    ]


def test_an_unsure_row_is_named_and_runs_again_on_that_wish_alone(desk: Desk) -> None:
    """It may have been paid. `retry="failed"` leaves it alone."""
    table = desk.table("id,name\n7,Ada\n")
    desk.fate["Ada"] = failing(ErrorCode.INVALID_RESPONSE, effect=Effect.UNKNOWN)
    *_, end = desk.run(table, key="id")
    (unsure,) = end["unsure"]
    assert (unsure["line"], unsure["key"]) == (2, "7")
    assert desk.records()[0]["_status"] == "unsure"
    desk.fate.clear()
    assert desk.run(table, key="id", retry="failed")[0]["runs"] == 0
    assert desk.run(table, key="id", retry="unsure")[0]["runs"] == 1
    assert (desk.ran, desk.records()[0]["_status"]) == (["Ada", "Ada"], "done")


def test_records_can_be_in_the_order_of_the_table(desk: Desk) -> None:
    """Also where the first row is the last to end."""

    async def last(input: JsonObject, ctx: ActionContext) -> ActionResult:
        while len(desk.ran) < 4:  # noqa: ASYNC110 - until the others have been sent
            await asyncio.sleep(0)
        del input, ctx
        return ActionResult(output={"text": "At last"})

    desk.fate["Ada"] = last
    desk.run(desk.table("name\nAda\nGrace\nAlan\nEdsger\n"), ordered=True)
    names = [record["name"] for record in desk.records()]
    assert names == ["Ada", "Grace", "Alan", "Edsger"]


def test_a_record_waits_for_each_row_before_it(desk: Desk) -> None:
    """One whose turn comes does not bring those after a row that still runs."""
    ended: list[int] = []

    def once(count: int) -> Any:
        async def wait(_: JsonObject, __: ActionContext) -> ActionResult:
            while len(ended) < count:  # noqa: ASYNC110 - until the others have ended
                await asyncio.sleep(0)
            written.append([record["name"] for record in desk.records()])
            return ActionResult(output={"text": "At last"})

        return wait

    def watch(_: object, item: Any) -> None:
        if item["type"] == "row.finished":
            ended.append(item["line"])

    written: list[list[str]] = []
    desk.fate = {"Ada": once(2), "Grace": once(3)}
    table = desk.table("name\nAda\nGrace\nAlan\nEdsger\n")
    desk.run(table, ordered=True, watch=watch)
    assert written == [[], ["Ada"]]
    names = [record["name"] for record in desk.records()]
    assert names == ["Ada", "Grace", "Alan", "Edsger"]


def test_the_plan_of_listed_prices_says_so(desk: Desk) -> None:
    """It needs no connection."""
    plugin = Plugin(kind=Priced)
    host = toy_host(plugin, ledger=desk.ledger)

    async def plan() -> Any:
        async with host:
            stream = host.stream_table(
                "toy",
                "greet",
                desk.table("name\nAda\nGrace\n"),
                GREET,
                out=desk.out,
                plan_only=True,
            )
            return [item async for item in stream]

    (item,) = asyncio.run(plan())
    desk.ledger.close()
    price = item["price"]
    assert (price["likely"], price["worst"], price["basis"]) == (2, 2, "list_price")


def test_the_plan_alone_records_nothing(desk: Desk) -> None:
    """Nor does a plan that is not confirmed."""
    table = desk.table("name\nAda\n")
    assert [item["type"] for item in desk.run(table, plan_only=True)] == [
        "table.planned"
    ]
    seen: list[Any] = []

    async def no(plan: Any) -> bool:
        seen.append(plan)
        return False

    assert desk.run(table, confirm=no) == seen
    assert desk.run(table, confirm=lambda _: False)[0]["done"] == 0
    assert (desk.ran, desk.out.exists()) == ([], False)


def test_json_lines_stay_as_they_are_to_the_byte(desk: Desk) -> None:
    """Only the run's own names are added to each."""
    desk.out = desk.folder / "out.jsonl"
    lines = ['{"name":  "Ada", "n": 1.50}', '{"name":"Grace","x":[1e5]}', "{}"]
    plan, *_ = desk.run(desk.table("\n".join(lines), "in.jsonl"), ordered=True)
    assert [one["line"] for one in plan["invalid"]] == [3]
    written = desk.out.read_text("utf-8").splitlines()
    assert written[0].startswith('{"name":  "Ada", "n": 1.50, "output": {"text": ')
    assert written[1].startswith('{"name":"Grace","x":[1e5], "output": ')
    assert [one["_status"] for one in desk.json_records()] == ["done", "done"]


def test_chosen_columns_are_read_by_pointer(desk: Desk) -> None:
    """One that leads nowhere is empty."""
    desk.run(
        desk.table('{"name": "Ada", "n": 10}', "in.jsonl"),
        columns={"words": "/text", "none": "/no/such"},
    )
    (record,) = desk.records()
    chosen = (record["n"], record["words"], record["none"])
    assert chosen == ("10", "Hello, Ada", "")


def test_a_budget_ends_a_job_and_a_higher_one_goes_on(desk: Desk) -> None:
    """Rows that met it count as not started. The cap counts what earlier starts have cost."""
    table = desk.table("name\n" + "".join(f"n{i}\n" for i in range(8)))
    *_, end = desk.run(table, budget=1.5, at_once=4)
    assert (end["reason"], end["cost"]) == ("budget", 0.75)
    assert (len(desk.ran), len(desk.records())) == (3, 3)
    *_, end = desk.run(table, budget="4", at_once=2)
    assert (end["reason"], len(desk.ran), end["cost"]) == ("done", 8, 2.0)


def test_the_end_names_the_budget_that_is_used_up(desk: Desk) -> None:
    """A higher budget of the job does not help against that of the day."""
    table, name = desk.table(THREE), "AUTOMATION_HOST_DAILY_BUDGET"
    *_, end = desk.run(table, budget=1, at_once=1)
    assert (end["reason"], end["cause"]) == ("budget", None)
    assert "--budget" in end["message"]
    *_, end = desk.run(table, budget=9, at_once=1, host={"environ": {name: "1"}})
    assert (end["reason"], end["cause"]) == ("budget", None)
    assert name in end["message"]
    assert "--budget" not in end["message"]


def test_a_budget_below_one_row_is_refused_with_the_plan(desk: Desk) -> None:
    """A run of a connector that names no prices reserves 1 USD."""
    with pytest.raises(ConnectorError, match="smaller"):
        desk.run(desk.table("name\nAda\n"), budget=0.5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"at_once": 0}, "at_once"),
        ({"retry": "all"}, "retry"),
        ({"columns": {"a": "b"}}, "JSON Pointer"),
        ({"columns": {"name": "/text"}}, "'name' twice"),
        ({"out": "in.txt"}, "CSV"),
        ({"out": ""}, "out"),
        ({"confirm": 1}, "confirm"),
        ({"timeout": -1}, "timeout"),
        ({"budget": "much"}, "budget"),
        ({"job": "a\nb"}, "job"),
        ({"ordered": 1}, "ordered"),
    ],
)
def test_a_wrong_option_is_failing(
    desk: Desk, options: dict[str, Any], words: str
) -> None:
    """With its name."""
    with pytest.raises(ConnectorError, match=words):
        desk.run(desk.table("name\nAda\n"), **options)


def test_an_unknown_option_is_a_mistake_of_the_caller(desk: Desk) -> None:
    """As for any function."""
    with pytest.raises(TypeError):
        desk.run(desk.table("name\nAda\n"), colums={})


def test_a_table_is_not_its_own_output(desk: Desk) -> None:
    """It would be overwritten."""
    table = desk.table("name\nAda\n")
    with pytest.raises(ConnectorError, match="another file"):
        desk.run(table, out=table)


def test_a_table_needs_a_ledger(desk: Desk) -> None:
    """Else a crash would pay twice."""
    with pytest.raises(ConnectorError, match="ledger"):
        desk.run(desk.table("name\nAda\n"), host={"ledger": None})


def test_a_blocking_host_streams_tables_too(desk: Desk) -> None:
    """With the same items."""
    with SyncHost(environ={}, ledger=desk.ledger) as host:
        host.register(ToyPlugin(greet=desk.greet), MANIFEST)
        table = desk.table("name\nAda\n")
        items = list(
            host.stream_table(
                "toy",
                "greet",
                table,
                {"name": "{name}"},
                out=str(desk.out),
                connection=CONNECTION,
            )
        )
    kinds = [item["type"] for item in items]
    assert kinds == ["table.planned", "row.finished", "table.finished"]
    desk.ledger.close()


def test_a_job_that_the_ledger_has_without_an_event_loop(desk: Desk) -> None:
    """The blocking host runs its rows, and writes its output."""
    desk.enter(desk.table(THREE))
    with SyncHost(environ={}, ledger=desk.ledger) as host:
        host.register(ToyPlugin(greet=desk.greet), MANIFEST)
        *rows, end = host.stream_job("job", connection=CONNECTION)
        assert (len(rows), end["type"]) == (3, "table.finished")
        host.write_table("job", desk.out)
    assert len(desk.records()) == 3
    desk.ledger.close()


def test_one_process_writes_for_a_job(desk: Desk, tmp_path: Path) -> None:
    """A second start of the same job is refused, and names the process."""
    table = desk.table("name\nAda\n")
    seen: list[str] = []

    def again(_: object, item: Any) -> None:
        if item["type"] == "row.finished":
            other = Desk(tmp_path)
            with pytest.raises(ConnectorError, match="Process") as caught:
                run_in_thread(other, table)
            seen.append(str(caught.value))

    desk.run(table, watch=again)
    assert len(seen) == 1


def run_in_thread(desk: Desk, table: Path) -> None:
    """Start a job on an event loop of its own: this thread has one that runs."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - one test needs it

    with ThreadPoolExecutor(1) as pool:
        pool.submit(desk.run, table).result()


def test_a_host_that_records_no_content_erases_that_of_a_job_that_has_ended(
    desk: Desk,
) -> None:
    """Until then a restart needs it. The output keeps the answers."""
    host = {"record_content": False}
    table = desk.table("name\nAda\nGrace\n")
    desk.fate["Grace"] = failing(ErrorCode.INVALID_CREDENTIALS)
    *_, end = desk.run(table, host=host, at_once=1)
    assert _recorded(desk, end["job_id"]) == {"done": True, "planned": True}
    desk.fate.clear()
    desk.run(table, host=host)
    assert _recorded(desk, end["job_id"]) == {"done": False}
    assert [record["_status"] for record in desk.records()] == ["done", "done"]


def _recorded(desk: Desk, job_id: str) -> dict[str, bool]:
    """Whether the ledger has the inputs of the runs in each state."""
    runs = desk.ledger.runs(job_id=job_id).result()
    assert desk.ledger.close() == []
    return {run.state: run.input is not None for run in runs}
