"""`run-flow` and `runs` over a real ledger: parts, going on, and finding it the next day."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from perplexity_connector.cli import hosts
from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ConnectorError,
    ErrorCode,
)
from perplexity_connector.host import Host, HostOptions, Ledger
from tests.cli.conftest import Command
from tests.host.flows.test_flows import ref, step
from tests.host.stage import toy_host
from tests.toy.toy import ToyPlugin

Document = dict[str, Any]


class Desk:
    """A flow in a file, and the toy that runs it.

    * `file`: the flow.
    * `counted`: the texts that were counted, in turn.
    * `is_broken`: whether counting fails.
    """

    def __init__(self, file: Path) -> None:
        """Save the flow: greet each of several people, then count the letters."""
        self.file = file
        self.counted: list[str] = []
        self.is_broken = False
        self.save(" and ")

    def save(self, join: str) -> None:
        """Save the flow with another text in its last step."""
        texts = {"step": "hello", "pointer": "/items", "pluck": "/text", "join": join}
        names = {"type": "array", "items": {"type": "string"}}
        document = {
            "flow_version": 2,
            "inputs": {"type": "object", "properties": {"names": names}},
            "steps": [
                step("hello", "greet", {"/name": [{"item": ""}]})
                | {"each": {"input": "/names", "max": 3, "on_failure": "continue"}},
                step("count", "count", {"/text": [texts]}),
            ],
        }
        self.file.write_text(json.dumps(document), encoding="utf-8")

    async def count(self, input: Any, ctx: ActionContext) -> ActionResult:
        """Count letters."""
        del ctx
        self.counted.append(str(input["text"]))
        if self.is_broken:
            raise ConnectorError(ErrorCode.QUOTA_EXHAUSTED, "No credit.")
        return ActionResult(output={"letters": len(str(input["text"]))})

    async def greet(self, input: Any, ctx: ActionContext) -> ActionResult:
        """Greet one."""
        del ctx
        if input["name"] == "Nobody":
            raise ConnectorError(ErrorCode.UPSTREAM_FAILED, "Who?")
        return ActionResult(output={"text": f"Hello, {input['name']}!"})


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Desk:
    """A flow, and a ledger in a file."""
    desk = Desk(tmp_path / "greetings.json")
    toy = ToyPlugin(greet=desk.greet, count=desk.count)

    def make(options: HostOptions) -> Host:
        given: Document = {"environ": os.environ, **options}
        return toy_host(toy, **given)

    monkeypatch.setenv("TOY_TOKEN", "toy-secret-token")
    monkeypatch.setattr(hosts, "make_host", make)
    url = f"sqlite:///{tmp_path}/ledger.sqlite"
    monkeypatch.setattr(hosts, "make_ledger", lambda: Ledger(url, environ={}))
    return desk


NAMES = 'names=["Ada", "Grace"]'


def test_one_step_runs_again_with_the_outputs_of_the_last_run(
    command: Command, desk: Desk
) -> None:
    """After a change of its text; an input that was changed makes the kept output stale."""
    file = str(desk.file)
    assert command("run-flow", file, NAMES).code == 0
    desk.save(", ")
    for values, is_stale in (((), False), (('names=["Bob"]',), True)):
        outcome = command("run-flow", file, *values, "--only", "count", "--json")
        assert outcome.code == 0
        document = json.loads(outcome.out)
        assert document["kept"] == [{"step": "hello", "stale": is_stale}]
        assert [each["id"] for each in document["steps"]] == ["count"]
    assert desk.counted == [
        "Hello, Ada! and Hello, Grace!",
        "Hello, Ada!, Hello, Grace!",
        "Hello, Ada!, Hello, Grace!",
    ]


def test_a_flow_that_failed_goes_on_from_its_step(command: Command, desk: Desk) -> None:
    """By the command that it names."""
    desk.is_broken = True
    outcome = command("run-flow", str(desk.file), NAMES, "--json")
    assert outcome.code == 3
    flow_id = json.loads(outcome.out)["flow_id"]
    assert f"run-flow --resume {flow_id}" in outcome.err
    desk.is_broken = False
    outcome = command("run-flow", "--resume", flow_id, "--json")
    assert outcome.code == 0
    assert [each["id"] for each in json.loads(outcome.out)["steps"]] == ["count"]
    assert command("run-flow", "--resume", flow_id).code == 2


def test_a_flow_is_found_the_next_day(command: Command, desk: Desk) -> None:
    """By a text in it, with each answer and each item that failed; and it can be forgotten."""
    names = 'names=["Ada", "Nobody"]'
    assert command("run-flow", str(desk.file), names).code == 6
    (line,) = command("runs", "--search", "nobody").out.splitlines()
    assert "greetings" in line
    assert command("runs", "--search", "somebody").out == ""
    flow_id = json.loads(command("runs", "--json").out)[0]["id"]
    shown = command("runs", "show", flow_id).out
    for word in ("Hello, Ada!", "hello, item 1", '"letters": 11'):
        assert word in shown
    run_id = json.loads(command("runs", "show", flow_id, "--json").out)["steps"][-1]
    assert flow_id in command("runs", "show", run_id["run_id"]).out
    assert command("runs", "forget", flow_id).code == 0
    assert "Ada" not in command("runs", "show", flow_id).out


@pytest.mark.parametrize("flags", [("--only", "count"), ("--from", "count")])
def test_an_output_that_is_not_kept_is_missed_before_anything_is_sent(
    command: Command, desk: Desk, flags: tuple[str, ...], tmp_path: Path
) -> None:
    """A document of `run-flow --json` has it."""
    outcome = command("run-flow", str(desk.file), *flags)
    assert outcome.code == 2
    assert "--with" in outcome.err
    kept = tmp_path / "kept.json"
    kept.write_text(command("run-flow", str(desk.file), NAMES, "--json").out)
    desk.counted.clear()
    assert command("run-flow", str(desk.file), *flags, "--with", str(kept)).code == 0
    assert desk.counted == ["Hello, Ada! and Hello, Grace!"]


def test_a_flow_of_version_1_has_no_more_in_its_document(
    command: Command, desk: Desk
) -> None:
    """Nor in its items; a part of it has."""
    steps = [
        step("one", name="Ada"),
        step("two", "count", {"/text": [ref("one", "/text")]}),
    ]
    desk.file.write_text(json.dumps({"flow_version": 1, "steps": steps}))
    document = json.loads(command("run-flow", str(desk.file), "--json").out)
    assert document.keys() == {"flow_version", "status", "steps"}
    outcome = command("run-flow", str(desk.file), "--only", "two", "--json")
    document = json.loads(outcome.out)
    assert document["flow_version"] == 1
    assert document["kept"] == [{"step": "one", "stale": False}]
