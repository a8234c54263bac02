"""A row of a table runs a flow, under the row's claim and with the logs of its job."""

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host import Host
from perplexity_connector.host.flows.running.flow_row import FlowRow
from perplexity_connector.host.ledger.entries import Claim, NewLine, NewRow
from perplexity_connector.host.runs.logs.run_log import NO_LOG, RunLog
from tests.host.flows.stage import (
    PEOPLE,
    Theatre,
    each,
    every,
    failing,
    flow,
    kinds,
    ref,
    step,
)
from tests.host.flows.test_flow_records import Full
from tests.host.ledger.books import JOB, a_job

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST, SECOND = f"flow_{'1' * 32}", f"flow_{'2' * 32}"
DOCUMENT = flow(
    step("one", bindings={"/name": [{"input": "/who"}]}),
    each(),
    step("last", bindings={"/name": [ref("one")]}),
    inputs=PEOPLE,
)
INPUTS: Any = {"who": "Ada", "people": ["Bo", "Cy"]}


class Row:
    """A row of a job, which this process has claimed.

    * `logs`: how many logs were made.
    * `inputs`: those of the flow.
    * `may_begin`: whether a further step may begin.
    """

    def __init__(self, theatre: Theatre) -> None:
        """Claim it."""
        self.theatre = theatre
        self.logs = 0
        self.inputs = INPUTS
        self.may_begin: Callable[[], bool] = lambda: True
        ledger = theatre.ledger
        ledger.begin_job(a_job()).result()
        row = NewRow(number=2, key="0", digest="d", input=INPUTS)
        ledger.add_rows(JOB, [row], [NewLine(number=2, key="0")]).result()
        ledger.start_job(JOB).result()
        claim = ledger.claim_row(JOB, {}, ()).result()
        assert claim
        self.claim: Claim = claim

    def log(self) -> RunLog:
        """A log, which writes nothing."""
        self.logs += 1
        return NO_LOG

    def may_run(self) -> bool:
        """Whether a further step may begin now."""
        return self.may_begin()

    async def stream(self, host: Host, **options: Any) -> list[Any]:
        """The items of the row's flow."""
        row = FlowRow(
            **{
                "flow_id": FIRST,
                "row_id": self.claim.row_id,
                "claim": self.claim,
                "inputs": self.inputs,
                "make_log": self.log,
                "may_begin": self.may_run,
                "connections": {},
                **options,
            }
        )
        return await every(host._flows.stream_row(DOCUMENT, row))

    def run(self, **options: Any) -> list[Any]:
        """The same, in a host of its own."""
        items: list[Any] = self.theatre.inside(
            lambda host: self.stream(host, **options)
        )
        return items


@pytest.fixture
def row(theatre: Theatre) -> Row:
    """A row of a theatre."""
    return Row(theatre)


def outputs(items: list[Any]) -> dict[str, Any]:
    """The outputs of the steps that have run."""
    ended = [item for item in items if item["type"] == "step.finished"]
    return {item["step"]: item["envelope"]["output"] for item in ended}


def test_a_row_runs_its_flow(row: Row) -> None:
    """Each run has a log of the row, and the flow belongs to it."""
    items = row.run()
    assert (items[0]["type"], items[-1]["status"]) == ("flow.started", "succeeded")
    assert sorted(row.theatre.sent) == ["Ada", "Bo", "Cy", "Hello, Ada"]
    assert row.logs == 4
    known = row.theatre.known(FIRST)
    assert (known.row_id, known.inputs, known.status) == (
        row.claim.row_id,
        INPUTS,
        "succeeded",
    )


def test_a_flow_that_has_succeeded_sends_nothing_again(row: Row) -> None:
    """Its row may have died before it could say so."""
    row.run()
    row.theatre.sent.clear()
    items = row.run()
    assert kinds(items) == ["flow.started", "flow.finished"]
    assert [kept["step"] for kept in items[0]["kept"]] == ["one", "greet", "last"]
    assert row.theatre.sent == []


@pytest.mark.parametrize("begun", [1, 2, 7])
def test_a_row_that_is_stopped_goes_on_later(row: Row, begun: int) -> None:
    """No further step or item begins, and the flow has no end until then."""
    row.inputs = {"who": "Ada", "people": list("BCDEFG")}
    row.may_begin = lambda: len(row.theatre.sent) < begun
    items = row.run()
    assert items[-1]["type"] != "flow.finished"
    assert row.theatre.known(FIRST).status is None
    row.may_begin = lambda: True
    assert row.run()[-1] == {"type": "flow.finished", "status": "succeeded"}
    assert sorted(row.theatre.sent) == ["Ada", *"BCDEFG", "Hello, Ada"]


def test_the_next_round_of_a_row_goes_on_from_the_flow_before(row: Row) -> None:
    """Its steps and items that have succeeded are not paid again."""
    row.theatre.fates["Cy"] = failing()
    assert row.run()[-1]["status"] == "failed"
    row.theatre.fates.clear()
    row.theatre.fates["Hello, Ada"] = failing()
    items = row.run(flow_id=SECOND, after=FIRST)
    assert items[0]["kept"] == [{"step": "one", "stale": False}]
    assert [item["text"] for item in outputs(items)["greet"]["items"]] == [
        "Hello, Bo",
        "Hello, Cy",
    ]
    row.theatre.fates.clear()
    assert outputs(row.run(flow_id=SECOND, after=FIRST)) == {
        "last": {"text": "Hello, Hello, Ada"}
    }
    assert sorted(row.theatre.sent) == [
        "Ada",
        "Bo",
        "Cy",
        "Cy",
        "Hello, Ada",
        "Hello, Ada",
    ]


def test_a_flow_before_that_is_gone_is_no_help(row: Row) -> None:
    """All steps run."""
    assert len(outputs(row.run(after=SECOND))) == 3


def test_a_row_whose_flow_cannot_be_recorded_sends_nothing(tmp_path: Any) -> None:
    """It is `unavailable`, and may be tried again."""
    row = Row(Full(tmp_path, begin_flow=1))
    with pytest.raises(ConnectorError) as caught:
        row.run()
    assert caught.value.code is ErrorCode.UNAVAILABLE
    assert row.theatre.sent == []
    assert row.run()[-1]["status"] == "succeeded"
    row.theatre.ledger.close()


def test_a_rows_flow_is_stopped_by_its_id(row: Row) -> None:
    """The step that runs ends as cancelled."""

    async def stop(host: Host) -> Any:
        flows = host._flows
        given = FlowRow(
            flow_id=FIRST,
            row_id=row.claim.row_id,
            claim=row.claim,
            inputs=INPUTS,
            make_log=row.log,
            may_begin=lambda: True,
            connections={},
        )
        async with aclosing(flows.stream_row(DOCUMENT, given)) as items:
            return [
                item
                async for item in items
                if item["type"] != "step.started" or flows.cancel(FIRST)
            ]

    items = row.theatre.inside(stop)
    assert items[-1] == {"type": "flow.finished", "status": "cancelled"}
    assert row.theatre.sent == []
