from typing import Any

from perplexity_connector.contract import ActionContext, ActionResult, JsonObject
from perplexity_connector.host import StepRun
from perplexity_connector.host.runs.params import RunRequest
from tests.host.stage import CONNECTION, TOKEN, run

INPUT = {"name": "a private name"}


def test_what_is_asked_of_a_run_shows_neither_the_connection_nor_the_input() -> None:
    """A frame's values end up in logs and crash reports."""
    asked = RunRequest(
        connector="toy", action="greet", input=INPUT, connection=CONNECTION
    )
    step = StepRun(
        run_id="run_1",
        connector="toy",
        action="greet",
        version=1,
        input=INPUT,
        connection=CONNECTION,
    )
    for shown in (repr(asked), repr(step)):
        assert "greet" in shown
        assert TOKEN not in shown
        assert INPUT["name"] not in shown


def test_a_connector_that_logs_its_context_logs_no_input() -> None:
    """The host's own functions in it stand for a run that knows everything."""
    shown: list[str] = []

    async def handler(_: JsonObject, ctx: ActionContext) -> ActionResult:
        shown.append(repr(ctx))
        return ActionResult(output={"text": "Hello"})

    step: tuple[str, str, Any] = ("toy", "greet", INPUT)
    assert run(handler, step=step)["status"] == "succeeded"
    assert TOKEN not in shown[0]
    assert INPUT["name"] not in shown[0]
