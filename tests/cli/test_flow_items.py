"""`run-flow`: the lines, the document and the exit code of a flow of version 2, from the items of a host."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from perplexity_connector.cli import progress
from tests.cli.conftest import Command, Outcome
from tests.cli.fakes import envelope, error_record, failed, stopped
from tests.cli.flow_host import (
    FlowHost,
    ended,
    flow_ended,
    flow_started,
    item_ended,
    started,
    used_flow_host,
)

Document = dict[str, Any]
Run = Callable[..., Outcome]
FLOW: Document = {
    "flow_version": 2,
    "steps": [{"id": "ask", "connector": "toy", "action": "look", "input": {}}],
}
WARNING = {"code": "query_failed", "message": "One query failed."}


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> FlowHost:
    """A host that plays the items that a test gives."""
    return used_flow_host(monkeypatch)


@pytest.fixture
def run(command: Command) -> Run:
    """Runs the flow of one step."""
    document = json.dumps(FLOW).encode()
    return lambda *flags: command("run-flow", "-", *flags, stdin=document)


def answer(text: str, **parts: Any) -> Document:
    """An envelope with an answer."""
    return envelope(output={"content": text}, **parts)


def each(*ends: Document, status: str = "succeeded", **parts: Any) -> list[Document]:
    """The items of a step that runs once for each of these envelopes."""
    failures = [
        {"index": index, "error": end["error"]}
        for index, end in enumerate(ends)
        if end["error"]
    ]
    result = {"items": [end["output"] for end in ends], "failed": failures}
    whole = envelope(output=result)
    if status != "succeeded":
        error = error_record("timeout")
        whole = failed("timeout", partial=result) | {"status": status, "error": error}
    return [
        started("sum", items=len(ends)),
        *(
            {"type": "item.started", "step": "sum", "index": index, "run_id": "run_1"}
            for index in range(len(ends))
        ),
        *(item_ended("sum", index, end) for index, end in enumerate(ends)),
        ended("sum", whole | parts),
    ]


def test_each_item_is_shown_under_its_index(host: FlowHost, run: Run) -> None:
    """In order, with how many there are, and the failed ones by index on stderr."""
    host.items = [
        flow_started(),
        *each(answer("First."), failed("timeout"), answer("Third.")),
        flow_ended(),
    ]
    outcome = run()
    first, second = outcome.out.split("item 2")
    assert "3 items" in first
    assert "item 0\n\nFirst." in first
    assert "Third." in second
    assert "item 1: error" in outcome.err
    assert outcome.code == 6


def test_with_stream_an_item_is_shown_as_soon_as_it_ends(
    host: FlowHost, run: Run
) -> None:
    """Once, and its own events are not mixed into those of the others."""
    event = {"type": "text.delta", "seq": 1, "step": "sum", "item": 0, "text": "Fi"}
    *begin, first, second, end = each(answer("First."), answer("Second."))
    host.items = [flow_started(), *begin, event, second, first, end, flow_ended()]
    outcome = run("--stream")
    assert outcome.out.index("Second.") < outcome.out.index("First.")
    assert outcome.out.count("First.") == 1
    assert outcome.code == 0


def test_a_terminal_shows_how_many_items_have_ended(
    host: FlowHost, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the step has ended, or the first of them is shown."""
    shown: list[str] = []
    monkeypatch.setattr(progress, "stderr_is_terminal", lambda: True)
    monkeypatch.setattr(
        progress.Spinner, "show", lambda _, message: shown.append(message)
    )
    host.items = [flow_started(), *each(answer("a"), answer("b")), flow_ended()]
    assert run().code == 0
    assert shown == ["Running", "0 of 2", "1 of 2", "2 of 2"]
    shown.clear()
    run("--stream")
    assert shown == ["Running", "0 of 2", "1 of 2"]


def test_the_items_of_before_a_crash_are_shown_too(host: FlowHost, run: Run) -> None:
    """They end in no item of this stream."""
    begin, *_, later, end = each(failed("timeout"), answer("Later."))
    host.items = [flow_started(), begin, later, end, flow_ended()]
    outcome = run("--stream")
    assert outcome.out.count("Later.") == 1
    assert "item 0: error" in outcome.err
    assert outcome.code == 6


@pytest.mark.parametrize(
    ("items", "code"),
    [
        ([started("a"), ended("a", failed("timeout")), flow_ended()], 6),
        ([started("a"), ended("a", answer("x", warnings=[WARNING])), flow_ended()], 6),
        ([*each(answer("x", warnings=[WARNING])), flow_ended()], 6),
        ([*each(answer("x")), flow_ended()], 0),
        ([*each(), flow_ended()], 0),
        ([{"type": "step.skipped", "step": "b", "missing": "a"}, flow_ended()], 6),
        (
            [
                *(started("a"), ended("a", failed("timeout"))),
                *(started("b"), ended("b", failed("quota_exhausted"))),
                flow_ended("failed"),
            ],
            3,
        ),
        ([*each(failed("timeout"), status="failed"), flow_ended("failed")], 4),
        ([flow_ended("failed")], 1),
        ([started("a"), flow_ended("cancelled")], 130),
    ],
)
@pytest.mark.parametrize("flags", [(), ("--json",), ("--json", "--stream")])
def test_the_exit_code_says_whether_all_of_it_succeeded(
    host: FlowHost, run: Run, items: list[Document], code: int, flags: tuple[str, ...]
) -> None:
    """A flow that goes on after a failure has partly succeeded; else the step that ended it decides."""
    host.items = [flow_started(), *items]
    assert run(*flags).code == code


def test_the_error_of_an_item_is_shown_once(host: FlowHost, run: Run) -> None:
    """A step that it ends has the same error; a step that was stopped has its own."""
    end = each(answer("First."), failed("timeout"), status="failed")
    host.items = [flow_started(), *end, flow_ended("failed")]
    outcome = run()
    assert "First." in outcome.out
    assert outcome.err.count("error: ") == 1
    end = each(answer("First."), failed("timeout"), status="cancelled")
    host.items = [flow_started(), *end, flow_ended("cancelled")]
    assert run().err.count("error: ") == 2


def test_a_stop_of_several_items_is_said_once(host: FlowHost, run: Run) -> None:
    """By the step that was stopped; so are the words about their runs."""
    ends = (answer("First."), stopped(effect="none"), stopped(effect="none"))
    items = each(*ends, status="cancelled", warnings=[WARNING])
    host.items = [flow_started(), *items, flow_ended("cancelled")]
    error = run().err
    assert error.count("item") == 0
    assert error.count("error: ") == 1
    assert error.count("warning: ") == 0
    assert error.count("Nothing goes on") == 1


def test_an_item_has_its_warnings_under_its_index(host: FlowHost, run: Run) -> None:
    """Also in JSON, where its output is only in the document."""
    host.items = [
        flow_started(),
        *each(answer("a", warnings=[WARNING])),
        flow_ended(),
    ]
    for flags in ((), ("--json",)):
        assert "item 0: warning" in run(*flags).err
    assert "item 0" not in run("--json").out


def test_a_skipped_step_and_kept_outputs_are_named(host: FlowHost, run: Run) -> None:
    """The stale ones are marked; the document has all of them."""
    kept = [{"step": "one", "stale": False}, {"step": "two", "stale": True}]
    skipped = {"type": "step.skipped", "step": "three", "missing": "two"}
    host.items = [flow_started(*kept), skipped, flow_ended()]
    one, two, three = run().err.splitlines()[1:]
    assert one.startswith("one: ")
    assert "stale" not in one
    assert "stale" in two
    assert "two" in three
    document = json.loads(run("--json").out)
    assert document == {
        "flow_version": 2,
        "status": "succeeded",
        "steps": [],
        "flow_id": "flow_1",
        "kept": kept,
        "skipped": ["three"],
    }


def test_the_price_comes_first(host: FlowHost, run: Run) -> None:
    """On stderr, before the flow runs."""
    outcome = run()
    assert "0.25 USD" in outcome.err.splitlines()[0]
    assert [call[0] for call in host.calls] == ["price", "stream"]


def test_streamed_json_has_the_items_of_version_2_too(host: FlowHost, run: Run) -> None:
    """Each on a line, as the host gives them."""
    host.items = [flow_started(), *each(answer("a")), flow_ended()]
    lines = run("--json", "--stream").out.splitlines()
    assert [json.loads(line) for line in lines] == host.items
