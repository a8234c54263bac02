"""The ledger has each flow, and no answer is lost when it cannot be written."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from perplexity_connector.contract import ConnectorError, ErrorCode, JsonObject
from perplexity_connector.host.ledger.entries import FencedError
from tests.host.flows.stage import PEOPLE, Theatre, each, every, flow, kinds, ref, step
from tests.host.stage import TOKEN
from tests.host.tables.stage import FullLedger

if TYPE_CHECKING:
    from perplexity_connector.host import Host

ID = f"flow_{'a' * 32}"
TWO = flow(step("one", name="Ada"), step("two", bindings={"/name": [ref("one")]}))
OLD = {"flow_version": 1, "steps": TWO["steps"]}


class Full(Theatre):
    """A theatre whose ledger fails for some methods, as often as they say."""

    def __init__(self, folder: Path, **fails: int) -> None:
        """Fail like this."""
        super().__init__(folder)
        self.ledger = FullLedger(f"sqlite:///{folder}/ledger.sqlite", environ={})
        self.ledger.fails = fails


def test_a_flow_is_recorded_with_its_steps(theatre: Theatre) -> None:
    """Also one of version 1, whose items are as they are without a ledger."""
    items = theatre.stream(OLD, flow_id=ID, source="/flows/mine.json")
    bare: Any = theatre.inside(lambda host: every(host.stream_flow(OLD)), ledger=None)
    assert [(item["type"], list(item)) for item in items] == [
        (item["type"], list(item)) for item in bare
    ]
    known = theatre.known(ID)
    assert (known.status, known.title, known.source) == (
        "succeeded",
        "mine",
        "/flows/mine.json",
    )
    assert (known.document, known.part, known.is_sandbox) == (OLD, None, False)
    ended = [item["envelope"] for item in items if item["type"] == "step.finished"]
    assert [one.record for one in known.steps] == ended
    assert [one.run_id for one in known.steps] == [one["run_id"] for one in ended]
    last = theatre.ledger.last_flow("/flows/mine.json").result()
    assert last is not None
    assert last.flow_id == ID


def test_each_item_is_recorded_with_its_run(theatre: Theatre) -> None:
    """The inputs are those that the flow has used."""
    document = flow(each(), inputs=PEOPLE)
    theatre.run(document, inputs={"people": '["Ada", "Bo"]'}, flow_id=ID)
    known = theatre.known(ID)
    assert known.inputs == {"people": ["Ada", "Bo"]}
    assert [(one.item, one.state, one.run_state) for one in known.steps] == [
        (-1, "done", None),
        (0, "done", "done"),
        (1, "done", "done"),
    ]


def test_no_record_of_a_flow_holds_a_key(theatre: Theatre) -> None:
    """Neither that of the environment nor a given one."""
    secret = "another-secret-token"
    given = {"toy": {"connection_name": "Given", "token": secret}}
    first = theatre.run(TWO)
    theatre.run(TWO, connections=given, only="two", outputs=first["flow_id"])
    theatre.ledger.close()
    with closing(sqlite3.connect(theatre.folder / "ledger.sqlite")) as database:
        text = "".join(database.iterdump())
    assert "Hello, Ada" in text
    assert TOKEN not in text
    assert secret not in text


def test_a_host_that_keeps_no_content_erases_a_flow_at_its_end(
    theatre: Theatre,
) -> None:
    """Its steps and their cost stay."""
    document = flow(each(), inputs=PEOPLE)
    done: Any = theatre.inside(
        lambda host: host.run_flow(document, inputs={"people": ["Ada"]}, flow_id=ID),
        record_content=False,
    )
    assert done["status"] == "succeeded"
    known = theatre.known(ID)
    assert (known.document, known.inputs) == (None, None)
    assert [one.record for one in known.steps] == [None, None]
    with pytest.raises(ConnectorError) as caught:
        theatre.resume(ID)
    assert caught.value.code is ErrorCode.NOT_FOUND


def test_an_id_that_the_ledger_has_is_refused(theatre: Theatre) -> None:
    """Before anything is sent."""
    theatre.run(TWO, flow_id=ID)
    theatre.sent.clear()
    with pytest.raises(ConnectorError) as caught:
        theatre.run(TWO, flow_id=ID)
    assert caught.value.code is ErrorCode.INVALID_INPUT
    assert theatre.sent == []


def test_a_flow_that_cannot_be_recorded_runs_as_without_a_ledger(
    tmp_path: Path,
) -> None:
    """Its runs are recorded by themselves."""
    theatre = Full(tmp_path, begin_flow=1)
    done = theatre.run(TWO, flow_id=ID)
    assert done["status"] == "succeeded"
    assert theatre.known(ID) is None
    assert len(theatre.ledger.runs().result()) == 2
    theatre.ledger.close()


def test_a_step_that_cannot_be_recorded_runs_all_the_same(tmp_path: Path) -> None:
    """Its end is recorded, if that can be written."""
    theatre = Full(tmp_path, begin_step=1)
    done = theatre.run(TWO, flow_id=ID)
    assert done["status"] == "succeeded"
    assert [one.state for one in theatre.known(ID).steps] == ["done", "done"]
    theatre.ledger.close()


def test_a_flow_that_another_process_has_taken_over_sends_nothing_more(
    tmp_path: Path,
) -> None:
    """The step is cancelled, and the flow with it."""
    theatre = Full(tmp_path, begin_step=1)
    theatre.ledger.error = FencedError("taken")  # type: ignore[attr-defined]
    done = theatre.run(TWO)
    assert done["status"] == done["steps"][0]["envelope"]["status"] == "cancelled"
    assert theatre.sent == []
    theatre.ledger.close()


def test_the_answer_of_a_step_whose_end_cannot_be_recorded_is_not_lost(
    tmp_path: Path,
) -> None:
    """Its envelope warns once, and the flow goes on."""
    theatre = Full(tmp_path, end_run=1, end_step=2, end_flow=1)
    done = theatre.run(TWO, flow_id=ID)
    assert done["status"] == "succeeded"
    first, second = (one["envelope"] for one in done["steps"])
    for envelope in (first, second):
        codes = [warning["code"] for warning in envelope["warnings"]]
        assert codes == ["not_recorded"]
    assert theatre.known(ID).status is None
    theatre.ledger.close()


def test_a_flow_that_another_process_stops_is_stopped(theatre: Theatre) -> None:
    """Through the ledger, by its id."""

    async def wait(_: JsonObject, ctx: Any) -> Any:
        del ctx
        theatre.ledger.cancel(ID)
        await asyncio.Event().wait()

    theatre.fates["Ada"] = wait
    assert kinds(theatre.stream(TWO, flow_id=ID))[-2:] == [
        "step.finished",
        "flow.finished",
    ]
    assert theatre.known(ID).status == "cancelled"


def test_a_closed_host_runs_no_flow_and_records_none(theatre: Theatre) -> None:
    """As it runs nothing else."""
    host: Host = theatre.host()

    async def run() -> None:
        await host.run_flow(TWO, flow_id=ID)

    with pytest.raises(RuntimeError):
        asyncio.run(run())
    assert theatre.known(ID) is None
