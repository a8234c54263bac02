"""An unchanged table is planned from the ledger, without reading its lines; the plan is the same."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from contextlib import aclosing
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ConnectorError,
    CostEstimate,
    Effect,
    ErrorCode,
    JsonObject,
    hookimpl,
)
from perplexity_connector.host import Host, Ledger
from perplexity_connector.host.tables import jobs, tables
from perplexity_connector.host.tables.figures import planned_item
from perplexity_connector.host.tables.inputs import kept_plans
from perplexity_connector.host.tables.inputs.planning import Plan
from perplexity_connector.host.tables.inputs.reading import file_digest
from tests.host.stage import CONNECTION, toy_host
from tests.host.tables.stage import GREET, THREE, Desk, Handler, failing
from tests.toy.toy import Toy

# A line without a name, and one of too many cells, are invalid; a name may occur twice.
LINES = ("Ada,1", "Grace,2", "Alan,3", "Ada,4", ",5", "Edsger,6,7", "Barbara,8")
# The start itself uses these, and the plan that is kept does not have them.
OF_THE_START = {"spool", "table_digest"}


async def left_begun(_: JsonObject, ctx: ActionContext) -> ActionResult:
    """Begin something, which the next start follows."""
    await ctx.checkpoint({"id": "it"})
    raise ConnectorError(ErrorCode.UNAVAILABLE, "Away.", retry_after=0)


FATES: dict[str, Handler] = {
    "Ada": failing(ErrorCode.NOT_FOUND, effect=Effect.NONE),
    "Grace": failing(ErrorCode.INVALID_RESPONSE, effect=Effect.UNKNOWN),
    "Alan": left_begun,
    "Barbara": failing(ErrorCode.INVALID_CREDENTIALS, effect=Effect.NONE),
}


class PricedByName(Toy):
    """A toy whose greetings have a listed price, or one of two groups, by the name."""

    def estimate(self, action_id: str, version: int, input: Any) -> CostEstimate:
        """The price of a greeting."""
        del action_id, version
        price = len(str(input["name"]))
        if price == 3:
            return CostEstimate(likely=1, worst=2, basis="list_price")
        return CostEstimate(likely=price, worst=2 * price, group=f"g{price % 2}")


class PricedPlugin:
    """Loads it with a handler."""

    def __init__(self, handler: Handler) -> None:
        """Carry out greetings with it."""
        self.handler = handler

    @hookimpl
    def load_connector(self, settings: Mapping[str, str]) -> Toy:
        """Load one."""
        return PricedByName(settings=settings, handlers={"greet": self.handler})


class Forgetful(Ledger):
    """A ledger that forgets the plan of a table, while `forgets` says so."""

    forgets = False

    def kept_plan(self, *args: Any, **options: Any) -> Any:
        """The plan; None while it forgets."""
        if not self.forgets:
            return super().kept_plan(*args, **options)
        nothing: Future[Any] = Future()
        nothing.set_result(None)
        return nothing


class Planning:
    """A desk whose plans can be looked at.

    * `kept`, `plan`: whether the last plan was the one that is kept, and that plan.
    """

    def __init__(self, desk: Desk) -> None:
        """Use the desk's table `in.csv`."""
        self.desk = desk
        self.ledger = Forgetful("sqlite://", environ={})
        self.kept = False
        self.plan: Any = None

    def run(self, work: Callable[[Host], Awaitable[None]], **options: Any) -> None:
        """Do some work with a host over the ledger."""
        plugin = PricedPlugin(self.desk.greet)

        async def run() -> None:
            host = toy_host(plugin, ledger=self.ledger, retries=0, **options)
            async with host:
                await work(host)

        asyncio.run(run())
        assert self.ledger.close() == []

    async def start(
        self,
        host: Host,
        stops_after: int = -1,
        table: Path | None = None,
        **options: Any,
    ) -> None:
        """Run a start; with `stops_after`, it is stopped after so many rows."""
        given: Any = {"out": self.desk.out, "connection": CONNECTION, **options}
        make = planned_item

        def spy(job: Any, plan: Plan, *rest: Any) -> Any:
            self.kept, self.plan = job.kept is not None, plan
            return make(job, plan, *rest)

        table = table or self.desk.folder / "in.csv"
        job_id, rows = "", 0
        with patch.object(tables, "planned_item", spy):
            stream = host.stream_table("toy", "greet", table, GREET, **given)
            async with aclosing(stream) as items:
                async for item in items:
                    if item["type"] == "table.planned":
                        job_id = item["job_id"]
                    rows += item["type"] == "row.finished"
                    if rows == stops_after:
                        host.cancel(job_id)

    async def require_same_plans(self, host: Host, **options: Any) -> None:
        """Plan from the ledger and by line, and compare."""
        await self.start(host, plan_only=True, **options)
        assert self.kept
        kept = figures(self.plan)
        self.ledger.forgets = True
        await self.start(host, plan_only=True, **options)
        self.ledger.forgets = False
        assert figures(self.plan) == kept


def figures(plan: Plan) -> dict[str, Any]:
    """All that a plan says."""
    names = {field.name for field in fields(Plan)} - OF_THE_START
    return {name: getattr(plan, name) for name in names}


@dataclass(frozen=True)
class Step:
    """One start.

    * `lines`: those of its table.
    * `fails`: the names that fail.
    * `stops`: after how many rows it is stopped; negative if it is not.
    * `retry`: the rows to run again; empty for none.
    """

    lines: list[str]
    fails: set[str]
    stops: int
    retry: str


STEPS = st.builds(
    Step,
    st.lists(st.sampled_from(LINES), min_size=1, max_size=6),
    st.sets(st.sampled_from(sorted(FATES))),
    st.integers(-1, 2),
    st.sampled_from(["", "failed", "unsure"]),
)


@settings(max_examples=15)
@given(
    steps=st.lists(STEPS, min_size=1, max_size=3),
    retry=st.sampled_from(["failed", "unsure"]),
)
def test_the_plan_that_is_kept_is_the_one_that_is_made_line_by_line(
    steps: list[Step], retry: str
) -> None:
    """After any starts and edits, also with rows to retry."""

    async def history(host: Host) -> None:
        for step in steps:
            desk.table("name,n\n" + "".join(f"{line}\n" for line in step.lines))
            desk.fate = {name: FATES[name] for name in step.fails}
            options: Any = {"retry": step.retry} if step.retry else {}
            try:
                await planning.start(host, step.stops, at_once=2, **options)
            except ConnectorError:
                continue  # no line can run, so no job was begun
            await planning.require_same_plans(host)
            await planning.require_same_plans(host, retry=retry)

    with TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        planning = Planning(desk)
        planning.run(history)


def plans(planning: Planning, *texts: str, **host: Any) -> list[bool]:
    """Start with each text as the table. Return whether each plan was the one that is kept."""
    found = []

    async def work(host: Host) -> None:
        for text in texts:
            planning.desk.table(text)
            await planning.start(host)
            found.append(planning.kept)

    planning.run(work, **host)
    return found


@pytest.fixture
def planning(desk: Desk) -> Planning:
    """The desk, whose plans can be looked at."""
    return Planning(desk)


def test_only_the_table_that_was_entered_last_is_not_read_again(
    planning: Planning,
) -> None:
    """A table of before is read again, and one whose rows failed is not."""
    planning.desk.fate = {"Ada": FATES["Ada"]}
    other = "name\nAda\n"
    found = plans(planning, THREE, THREE, other, other, THREE, THREE)
    assert found == [False, True, False, True, False, True]
    assert sorted(planning.desk.ran) == ["Ada", "Alan", "Grace"]


def test_json_lines_keep_their_columns(planning: Planning) -> None:
    """They are found only by reading all lines."""
    table = planning.desk.folder / "in.jsonl"
    table.write_text('{"name": "Ada"}\n{"name": "Grace", "n": 1}\n', encoding="utf-8")

    async def twice(host: Host) -> None:
        for out in ("a.csv", "b.csv"):
            options: Any = {"out": planning.desk.folder / out, "job": "j"}
            await planning.start(host, table=table, **options)

    planning.run(twice)
    assert planning.kept
    outputs = [
        (planning.desk.folder / name).read_bytes() for name in ("a.csv", "b.csv")
    ]
    assert outputs[0] == outputs[1]
    assert outputs[0].startswith(b"name,n,")


def test_another_release_reads_the_table_again(planning: Planning) -> None:
    """It may find other lines invalid."""

    async def work(host: Host) -> None:
        await planning.start(host)
        with patch.object(kept_plans, "own_version", lambda: "another"):
            await planning.start(host)

    planning.desk.table(THREE)
    planning.run(work)
    assert not planning.kept


def test_a_plan_with_many_invalid_lines_is_not_kept(planning: Planning) -> None:
    """It would be as long as the table."""
    with patch.object(kept_plans, "_MOST_INVALID", 1):
        text = "name\nAda\n1,2\n3,4\n"
        assert plans(planning, text, text) == [False, False]


def test_a_table_that_changed_while_it_was_read_is_read_again(
    planning: Planning,
) -> None:
    """Its digest is not that of the lines that were entered."""
    digest = file_digest
    texts = ["name\nGrace\n"]

    def changing(path: Path) -> str:
        found = digest(path)
        if texts:
            planning.desk.table(texts.pop())
        return found

    with patch.object(jobs, "file_digest", changing):
        assert plans(planning, *["name\nAda\n"] * 2) == [False, False]
    assert planning.desk.ran == ["Grace", "Ada"]


def test_a_start_in_between_keeps_a_plan_from_being_kept(planning: Planning) -> None:
    """Its lines may be others."""
    found = []

    async def work(host: Host) -> None:
        async def meanwhile(_: Any) -> bool:
            planning.desk.table("name\nAda\nGrace\n")
            await planning.start(host)
            return True

        planning.desk.table("name\nAda\n")
        await planning.start(host)
        planning.desk.table("name\nAlan\n")
        await planning.start(host, confirm=meanwhile)
        for text in ("name\nAlan\n", "name\nAda\nGrace\n"):
            planning.desk.table(text)
            await planning.start(host, plan_only=True)
            found.append(planning.kept)

    planning.run(work)
    assert found == [False, False]


def test_erased_content_is_entered_again(planning: Planning) -> None:
    """The plan names none of it any more."""
    text = "name\nAda\n"
    assert plans(planning, text, text, record_content=False) == [False, False]


def test_a_row_that_loses_its_first_line_keeps_the_other(desk: Desk) -> None:
    """A double is as good."""
    desk.fate = {"Ada": FATES["Barbara"]}
    desk.run(desk.table("name\nAda\nAda\n"))
    desk.fate = {}
    *_, end = desk.run(desk.table("name\nGrace\nAda\n"))
    assert end["rows"] == {"done": 2}
    assert [record["name"] for record in desk.records()] == ["Grace", "Ada"]
