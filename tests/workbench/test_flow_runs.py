"""Flows over a real host and its ledger: left, cancelled, priced, resumed."""

import json
from typing import Any

from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ConnectorError,
    ErrorCode,
    JsonObject,
)
from perplexity_connector.host import Ledger
from tests.host.flows.test_flows import flow, step
from tests.host.runs.test_run import GOOD
from tests.toy.toy import ToyPlugin
from tests.workbench.conftest import Bench, Serve
from tests.workbench.test_api import ONE, Paused, failed, pointers

FLOW_ID = f"flow_{'c' * 32}"
BOUND = flow(step("one", name="Ada"), step("two", name="Bob"))


class Counted:
    """A handler that counts its calls, and fails at first where it is asked to."""

    def __init__(self, *, failures: int = 0) -> None:
        """Fail so often."""
        self.names: list[Any] = []
        self._failures = failures

    async def __call__(self, input: JsonObject, _: ActionContext) -> ActionResult:
        """Count it."""
        self.names.append(input["name"])
        if input["name"] == "Bob" and self._failures:
            self._failures -= 1
            raise ConnectorError(ErrorCode.INVALID_INPUT, "not yet")
        return GOOD


def lines_of(answer: Any) -> list[Any]:
    """The items of an answer."""
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def left_after_one(bench: Bench, handler: Paused) -> None:
    """A flow whose page has left in its first step, which then ended; it has come to the second."""
    body = {"flow": ONE, "flow_id": FLOW_ID}
    headers = {"Origin": bench.url}
    with bench.page.stream("POST", "/api/runs", json=body, headers=headers) as answer:
        next(answer.iter_lines())
    assert handler.begun.wait(20)


def states(bench: Bench) -> list[str]:
    """The states of the steps of that flow, in the ledger."""
    steps = bench.get(f"/api/history/{FLOW_ID}")["steps"]
    return [step["state"] for step in steps]


def test_a_flow_without_a_page_is_cancelled_by_its_id(serve: Serve) -> None:
    """Its step too; a page that comes back sees the end."""
    handler = Paused()
    bench = serve(ToyPlugin(greet=handler))
    left_after_one(bench, handler)
    assert bench.post(f"/api/runs/{FLOW_ID}/cancel", {}) == {"cancelled": True}
    assert handler.stopped.wait(20)
    items = lines_of(bench.call("GET", f"/api/flow-runs/{FLOW_ID}/items"))
    assert items[-1] == {"type": "flow.finished", "status": "cancelled"}
    answer = bench.post(f"/api/runs/{FLOW_ID}/cancel", {})
    assert answer == {"cancelled": False}


def test_a_part_of_a_flow_is_priced_with_what_is_kept(
    serve: Serve, ledger: Ledger
) -> None:
    """By the outputs of a run in the ledger; nothing is sent."""
    handler = Counted()
    bench = serve(ToyPlugin(greet=handler), ledger=ledger)
    whole = bench.post("/api/price", {"flow": BOUND})
    assert (set(whole), whole["kept"]) == ({"price", "kept"}, [])
    assert whole["price"]["worst"] >= whole["price"]["likely"] > 0
    lines_of(bench.call("POST", "/api/runs", {"flow": BOUND, "flow_id": FLOW_ID}))
    sends = [*handler.names]
    greeting = [{"step": "one", "pointer": "/text"}]
    later = flow(step("one", name="Ada"), step("two", "greet", {"/name": greeting}))
    part = {"flow": later, "only": "two", "outputs": FLOW_ID}
    found = bench.post("/api/price", part)
    assert found["kept"] == [{"step": "one", "stale": False}]
    assert found["price"]["worst"] < whole["price"]["worst"]
    assert handler.names == sends
    error = failed(
        bench.call("POST", "/api/price", {"flow": later, "only": "two"}), 400
    )
    assert error["code"] == "invalid_input"
    items = lines_of(bench.call("POST", "/api/runs", part))
    assert items[0]["type"] == "flow.started"
    assert items[0]["kept"] == found["kept"]
    assert [one["step"] for one in items if one["type"] == "step.started"] == ["two"]


def test_a_flow_that_failed_is_resumed_from_its_step(
    serve: Serve, ledger: Ledger
) -> None:
    """What had succeeded is not paid again."""
    handler = Counted(failures=1)
    bench = serve(ToyPlugin(greet=handler), ledger=ledger)
    items = lines_of(bench.call("POST", "/api/runs", {"flow": ONE, "flow_id": FLOW_ID}))
    assert items[-1]["status"] == "failed"
    resume = f"/api/flow-runs/{FLOW_ID}/resume"
    error = failed(bench.call("POST", resume, {"retry": "failed"}), 400)
    assert pointers(error) == ["/retry"]
    items = lines_of(bench.call("POST", resume, {"retry": "unsure"}))
    assert (items[0]["type"], items[-1]["status"]) == ("flow.started", "succeeded")
    assert handler.names == ["Ada", "Bob", "Bob"]
    assert failed(bench.call("POST", resume, {}), 400)["code"] == "invalid_input"
    unknown = f"/api/flow-runs/flow_{'d' * 32}/resume"
    assert failed(bench.call("POST", unknown, {}), 404)["code"] == "not_found"


def test_a_flow_that_waits_when_the_server_ends_is_resumed_by_the_next(
    serve: Serve, ledger: Ledger
) -> None:
    """It is shown as interrupted; its first step is not paid again."""
    paused, counted = Paused(), Counted()
    bench = serve(ToyPlugin(greet=paused), ledger=ledger)
    left_after_one(bench, paused)
    assert failed(bench.call("POST", f"/api/flow-runs/{FLOW_ID}/resume", {}), 409)
    paused.go_on()
    while states(bench)[0] != "done":
        pass
    bench.end()
    bench = serve(ToyPlugin(greet=counted), ledger=ledger)
    shown = bench.get(f"/api/history/{FLOW_ID}")
    assert shown["status"] == "interrupted"
    items = lines_of(bench.call("POST", f"/api/flow-runs/{FLOW_ID}/resume", {}))
    assert items[-1]["status"] == "succeeded"
    assert counted.names == ["Bob"]


def test_without_a_ledger_nothing_is_resumed(bench: Bench) -> None:
    """It says so."""
    answer = bench.call("POST", f"/api/flow-runs/{FLOW_ID}/resume", {})
    assert failed(answer, 500)["code"] == "unsupported"
