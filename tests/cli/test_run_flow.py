"""`run-flow`: over a host with the toy in it, and with the installed connector against the sandbox over loopback."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from perplexity_connector.cli import hosts, progress
from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ConnectorError,
    ErrorCode,
    RunWarning,
)
from perplexity_connector.host import ConnectionStore, Host, HostOptions
from perplexity_connector.sandbox import GOOD_KEY, Sandbox
from tests.cli.conftest import Command, Outcome
from tests.host.flows.test_flows import GREET_THEN_COUNT, flow, ref, step
from tests.host.stage import CONNECTION, toy_host
from tests.toy.toy import ToyPlugin

Document = dict[str, Any]
ASK: Document = {
    "id": "ask",
    "connector": "perplexity",
    "action": "create_chat_completion",
    "input": {"model": "sonar", "messages": [{"role": "user"}]},
    "bindings": {"/messages/0/content": ["moon: ", ref("search", "/results/0/title")]},
}
SEARCH_THEN_ASK = flow(
    {
        "id": "search",
        "connector": "perplexity",
        "action": "execute_search",
        "input": {"query": "moon distance"},
    },
    ASK,
)


@pytest.fixture
def store(tmp_path: Path) -> ConnectionStore:
    """A store of its own."""
    return ConnectionStore(tmp_path / "store", {})


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch, store: ConnectionStore) -> ToyPlugin:
    """The toy of the command line's host; a test may put handlers into it. Its key stands in the environment."""
    toy = ToyPlugin()

    def make(options: HostOptions) -> Host:
        given: Document = {"store": store, "environ": os.environ, **options}
        return toy_host(toy, **given)

    monkeypatch.setenv("TOY_TOKEN", "toy-secret-token")
    monkeypatch.setattr(hosts, "make_host", make)
    return toy


def run_flow(command: Command, document: Document, *flags: str) -> Outcome:
    """The flow, handed over on stdin."""
    return command("run-flow", "-", *flags, stdin=json.dumps(document).encode())


@pytest.mark.usefixtures("plugin")
def test_the_result_of_each_step_is_shown_under_its_name(command: Command) -> None:
    """As `run` shows it."""
    outcome = run_flow(command, GREET_THEN_COUNT)
    assert outcome.code == 0
    first, second = outcome.out.split("\ntwo (count)\n")
    assert first.startswith("one (greet)\n")
    assert '"text": "Hello, Ada!"' in first
    assert '"letters": 13' in second
    assert outcome.err == "warning: It was polite. (polite)\n"


@pytest.mark.usefixtures("plugin")
def test_with_stream_the_text_stands_there_as_it_is_written(command: Command) -> None:
    """Then the whole of it."""
    out = run_flow(command, GREET_THEN_COUNT, "--stream").out
    assert out.startswith("one (greet)\n\nHello, Ada!\n")


@pytest.mark.usefixtures("plugin")
def test_json_is_one_document(command: Command) -> None:
    """With the envelope of each step."""
    document = json.loads(run_flow(command, GREET_THEN_COUNT, "--json").out)
    assert (document["flow_version"], document["status"]) == (1, "succeeded")
    assert [(one["id"], one["envelope"]["status"]) for one in document["steps"]] == [
        ("one", "succeeded"),
        ("two", "succeeded"),
    ]


@pytest.mark.usefixtures("plugin")
def test_streamed_json_is_one_item_a_line(command: Command) -> None:
    """As the host gives them."""
    items = [
        json.loads(line)
        for line in run_flow(
            command, GREET_THEN_COUNT, "--json", "--stream"
        ).out.splitlines()
    ]
    assert [item["type"] for item in items if item["type"] != "text.delta"] == [
        "step.started",
        "step.finished",
        "step.started",
        "step.finished",
        "flow.finished",
    ]


def test_a_terminal_is_told_what_goes_on(
    command: Command, plugin: ToyPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a spinner, one for each step, gone when its step is."""
    told: list[str] = []

    async def search(input: Any, ctx: ActionContext) -> ActionResult:
        del input
        ctx.emit({"type": "status", "message": "Thinking"})
        return ActionResult(output={"text": "x"})

    plugin.handlers["greet"] = search
    monkeypatch.setattr(progress, "stderr_is_terminal", lambda: True)
    monkeypatch.setattr(
        progress.Spinner, "show", lambda _, message: told.append(message)
    )
    assert run_flow(command, GREET_THEN_COUNT).code == 0
    assert told == ["Running", "Thinking", "Running"]


@pytest.mark.parametrize("flags", [(), ("--json",), ("--json", "--stream")])
def test_problems_are_told_step_by_step_and_nothing_is_sent(
    command: Command, plugin: ToyPlugin, flags: tuple[str, ...]
) -> None:
    """Exit code 2; with --json they are a document too."""
    document = flow(
        step("one", name="Ada"), step("two", "count", more=1), step("three", "none")
    )
    outcome = run_flow(command, document, *flags)
    assert outcome.code == 2
    assert [line.split(":")[0] for line in outcome.err.splitlines()] == [
        "error",
        "step two, /more",
        "step two, /text",
        "step three",
    ]
    assert all(toy.log == [] for toy in plugin.loaded)
    if flags:
        assert [error["step"] for error in json.loads(outcome.out)["errors"]] == [
            "two",
            "two",
            "three",
        ]
    else:
        assert outcome.out == ""
    assert "\nthe flow, /steps: " in run_flow(command, {"flow_version": 1}, *flags).err


@pytest.mark.parametrize("text", [b"{", b"[]", b"\xff"])
def test_what_is_no_json_object_ends_with_two_and_a_line(
    command: Command, plugin: ToyPlugin, text: bytes
) -> None:
    """Nothing is loaded for it."""
    outcome = command("run-flow", "-", stdin=text)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert plugin.loaded == []


@pytest.mark.usefixtures("plugin")
def test_a_flow_is_read_from_a_file(command: Command, tmp_path: Path) -> None:
    """Or is said not to be there."""
    file = tmp_path / "flow.json"
    file.write_text(json.dumps(flow()), encoding="utf-8-sig")
    assert command("run-flow", str(file)) == Outcome(code=0, out="", err="")
    assert command("run-flow", str(tmp_path / "none.json")).code == 2
    assert command("run-flow", str(file), "--timeout", "0").code == 2


def test_a_step_that_partly_failed_shows_in_the_exit_code_of_the_flow(
    command: Command, plugin: ToyPlugin
) -> None:
    """The steps after it do not hide it; all steps together have one line of totals."""
    warning = RunWarning(code="query_failed", message="One failed.")
    usage: Any = {"cost": {"total_cost": 0.005, "basis": "list_price"}}

    async def partly(input: Any, ctx: ActionContext) -> ActionResult:
        del input, ctx
        return ActionResult(output={"text": "x"}, warnings=[warning], usage=usage)

    plugin.handlers["greet"] = partly
    outcome = run_flow(command, GREET_THEN_COUNT)
    assert outcome.code == 6
    *_, last = outcome.out.splitlines()
    assert "about 0.005 USD" in last
    assert "about" not in run_flow(command, GREET_THEN_COUNT, "--json").out


def test_a_step_that_fails_ends_the_flow_with_its_exit_code(
    command: Command, plugin: ToyPlugin
) -> None:
    """And the error is told as `run` tells it."""

    async def fail(input: Any, ctx: ActionContext) -> ActionResult:
        del input, ctx
        raise ConnectorError(
            ErrorCode.QUOTA_EXHAUSTED, "No credit.", partial={"text": "half"}
        )

    plugin.handlers["greet"] = fail
    outcome = run_flow(command, GREET_THEN_COUNT)
    assert outcome.code == 3
    assert '"text": "half"' in outcome.out
    assert "two (count)" not in outcome.out
    assert "error: No credit. (quota_exhausted)" in outcome.err
    assert (
        json.loads(run_flow(command, GREET_THEN_COUNT, "--json").out)["status"]
        == "failed"
    )


def test_a_connection_stands_in_for_those_of_its_connector(
    command: Command, plugin: ToyPlugin, store: ConnectionStore
) -> None:
    """The names that the steps hold are not looked for then; one that is not there is told."""
    seen: list[str] = []

    async def look(input: Any, ctx: ActionContext) -> ActionResult:
        del input
        seen.append(str(ctx.connection["connection_name"]))
        return ActionResult(output={"text": "x"})

    plugin.handlers["greet"] = look
    toy_host(store=store).connections.add("toy", CONNECTION)
    document = flow(step("one", name="Ada") | {"connection": "Gone"})
    assert run_flow(command, document).code == 2
    assert run_flow(command, document, "--connection", "none").code == 2
    assert run_flow(command, document, "--connection", "mine").code == 0
    assert seen == ["Mine"]


def test_a_step_whose_run_could_go_on_is_kept_for_that(
    command: Command, plugin: ToyPlugin
) -> None:
    """With its bindings filled; `run --resume` goes on with it."""

    async def breaking(input: Any, ctx: ActionContext) -> ActionResult:
        del input
        if ctx.resume_from:
            return ActionResult(output={"letters": 5})
        await ctx.checkpoint({"at": 1})
        raise ConnectorError(ErrorCode.UNAVAILABLE, "Cut.", retry_after=10_000)

    plugin.handlers["count"] = breaking
    outcome = run_flow(command, GREET_THEN_COUNT, "--json")
    assert outcome.code == 4
    run_id = json.loads(outcome.out)["steps"][1]["envelope"]["run_id"]
    assert f"--resume {run_id}" in outcome.err
    resumed = command("run", "--resume", run_id, "--json")
    assert json.loads(resumed.out)["output"] == {"letters": 5}
    assert run_id not in command("run", "--resume", "run_9").err


@pytest.mark.usefixtures("plugin")
def test_a_sandbox_wants_connectors_that_can_be_pointed_at_it(command: Command) -> None:
    """And has a connection of its own."""
    assert run_flow(command, GREET_THEN_COUNT, "--sandbox").code == 2


def test_a_search_feeds_a_question_on_the_sandbox(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No key, no network, and a real key goes nowhere; a stored connection that the flow names is not needed."""
    monkeypatch.setenv("PERPLEXITY_API_KEY", "pplx-a-real-one")
    document = flow(SEARCH_THEN_ASK["steps"][0] | {"connection": "Somebody's"}, ASK)
    outcome = run_flow(command, document, "--sandbox", "--json")
    assert outcome.code == 0
    search, ask = (one["envelope"] for one in json.loads(outcome.out)["steps"])
    assert search["output"]["results"][0]["url"].startswith("https://")
    assert ask["output"]["citations"]


def process(base_url: str, file: Path) -> "subprocess.Popen[str]":
    """The command as a process of its own, over the environment's connection."""
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "perplexity_connector",
            "run-flow",
            str(file),
            "--stream",
            "--json",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={
            **os.environ,
            "PERPLEXITY_BASE_URL": base_url,
            "PERPLEXITY_API_KEY": GOOD_KEY,
        },
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
@pytest.mark.parametrize("leave", ["interrupt", "hang up"])
def test_whoever_leaves_stops_the_run_at_the_provider_and_the_steps_behind_it(
    tmp_path: Path, leave: str
) -> None:
    """Ctrl-C exits 130, a reader that is gone 0; nothing further is paid for, and no traceback is written."""
    file = tmp_path / "flow.json"
    slow = ASK | {
        "input": {
            "model": "sonar",
            "messages": [{"role": "user", "content": "sandbox:slow"}],
        },
        "bindings": {},
    }
    file.write_text(json.dumps(flow(slow, slow | {"id": "again"})), encoding="utf-8")
    with Sandbox(delta_seconds=0.01) as sandbox:
        with process(sandbox.url, file) as running:
            assert running.stdout
            assert running.stderr
            assert any('"text.delta"' in line for line in running.stdout)
            if leave == "interrupt":
                running.send_signal(signal.SIGINT)
                running.stdout.read()
            else:
                running.stdout.close()
            err = running.stderr.read()
        assert running.returncode == (130 if leave == "interrupt" else 0)
        assert "Traceback" not in err
        assert sandbox.billed_runs == 1
        assert [
            request.path.split("/")[-1]
            for request in sandbox.requests
            if request.method == "POST"
        ] == [
            "agent",
            "cancel",
        ]


def test_the_hints_of_a_flow_are_lines_before_its_steps(
    command: Command, plugin: ToyPlugin, tmp_path: Path
) -> None:
    """On stderr, with step and field."""
    del plugin
    file = tmp_path / "flow.json"
    document = flow(step("one", name="Ada"), step("two", name="Bob", tone="cool"))
    file.write_text(json.dumps(document), encoding="utf-8")
    outcome = command("run-flow", str(file), "--json")
    hints = [line for line in outcome.err.splitlines() if line.startswith("hint")]
    assert len(hints) == 1
    assert "step two, /tone: " in hints[0]
    assert outcome.code == 0
