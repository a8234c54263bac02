"""Signals: they stop a run in good order, print what was received, and choose the exit code."""

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from perplexity_connector.cli import hosts, output, terminal
from perplexity_connector.cli.stopping import Stopped, StopSignals
from perplexity_connector.contract import (
    ActionContext,
    ActionResult,
    ConnectorError,
    ErrorCode,
)
from perplexity_connector.host import HostOptions
from tests.cli.conftest import Command
from tests.cli.fakes import FakeHost, envelope, finished, stopped
from tests.cli.ledger import FakeLedger
from tests.host.flows.test_flows import GREET_THEN_COUNT
from tests.host.stage import toy_host
from tests.toy.toy import ToyPlugin

Document = dict[str, Any]
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
PARTIAL: dict[str, Any] = {"content": "Far [1]", "citations": ["https://moon.example"]}
DELTA: dict[str, Any] = {"type": "text.delta", "text": "Far", "seq": 1}
UNSURE = [{"code": "stop_unconfirmed", "message": "It may go on."}]

each_signal = pytest.mark.parametrize("number", CODES)


@pytest.fixture
def waiting() -> Iterator[list[signal.Handlers]]:
    """The handlers of all signals come back after the test."""
    former = {number: signal.getsignal(number) for number in CODES}
    yield []
    for number, handler in former.items():
        signal.signal(number, handler)


def raising(number: signal.Signals) -> Callable[[], None]:
    """What the system does."""
    return lambda: signal.raise_signal(number)


@each_signal
@pytest.mark.parametrize(
    "flags", [(), ("--stream",), ("--json",), ("--stream", "--json")]
)
def test_a_stopped_run_prints_what_was_received(
    command: Command,
    host: FakeHost,
    ledger: FakeLedger,
    number: signal.Signals,
    flags: tuple[str, ...],
) -> None:
    """The text and its sources, or the envelope; the exit code is the signal's, and the run stays for some days."""
    host.state = {"at": 1}
    host.end_of_stopped = stopped(partial=PARTIAL)
    host.script = [raising(number), envelope()]
    outcome = command("run", "look", *flags)
    assert outcome.code == CODES[number]
    (run_id,) = ledger.entries
    assert host.cancelled == [run_id]
    if "--json" in flags:
        end = host.end_of_stopped | {"run_id": run_id}
        shown = finished(end) if "--stream" in flags else end
        assert json.loads(outcome.out) == shown
    else:
        assert outcome.out == "Far [1]\n\n[1] https://moon.example\n"
    assert "--resume" not in outcome.err
    assert host.closed == 1


@pytest.mark.parametrize("code", ["cancelled", "timeout"])
def test_a_stop_that_the_provider_did_not_confirm_names_the_run(
    command: Command, host: FakeHost, ledger: FakeLedger, code: str
) -> None:
    """It may go on and cost money, so its answer can be fetched."""
    host.state = {"at": 1}
    end = stopped(code=code, retryable=code == "timeout", warnings=UNSURE)
    host.script = [end if code == "cancelled" else end | {"status": "failed"}]
    said = command("run", "look").err
    assert f"--resume {ledger.unfinished[0]}" in said


def test_nothing_goes_on_where_nothing_was_sent(
    command: Command, host: FakeHost
) -> None:
    """A run without a checkpoint and without an effect; with one that is unknown, nothing is promised."""
    lines = []
    for effect in ("none", "unknown"):
        host.script = [stopped(effect=effect)]
        lines.append(command("run", "look").err.splitlines())
    assert len(lines[0]) == 2
    assert lines[0][-1] not in lines[1]


def test_a_run_that_succeeds_at_that_moment_has_succeeded(
    command: Command, host: FakeHost
) -> None:
    """Its answer is not thrown away."""
    host.cancel = lambda _: True  # type: ignore[assignment]
    host.script = [raising(signal.SIGTERM), envelope(output={"content": "Far."})]
    outcome = command("run", "look")
    assert (outcome.code, outcome.out.splitlines()[0]) == (0, "Far.")


def test_a_run_that_has_not_begun_yet_is_stopped_as_soon_as_it_has(
    command: Command, host: FakeHost
) -> None:
    """The request is repeated until the run is there."""
    answers = [False, False, True]
    asked: list[str] = []
    is_stopped = asyncio.Event()

    def cancel(run_id: str) -> bool:
        asked.append(run_id)
        if answers[len(asked) - 1]:
            is_stopped.set()
        return is_stopped.is_set()

    async def run(*_: object, **__: Any) -> Document:
        signal.raise_signal(signal.SIGTERM)
        await is_stopped.wait()
        return stopped()

    host.cancel, host.run = cancel, run
    assert command("run", "look").code == 143


@each_signal
def test_a_signal_before_the_run_ends_the_command(
    command: Command,
    host: FakeHost,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    """As while the sandbox starts; nothing is sent."""
    make = hosts.make_host

    def make_late(settings: Any) -> Any:
        if len(host.options) == 1:
            signal.raise_signal(number)
        return make(settings)

    monkeypatch.setattr(hosts, "make_host", make_late)
    outcome = command("run", "look")
    assert (outcome.code, outcome.out) == (CODES[number], "")
    assert outcome.err.count("\n") == 1
    assert host.runs == []


def signalling(
    monkeypatch: pytest.MonkeyPatch, place: str, number: signal.Signals
) -> None:
    """Send one signal while the answer is written there."""
    write = getattr(terminal if "page" in place else output, place.partition(".")[2])
    waiting = [number]

    def interrupted(*what: object, **how: Any) -> None:
        while waiting:
            signal.raise_signal(waiting.pop())
        write(*what, **how)

    monkeypatch.setattr(f"perplexity_connector.cli.{place}", interrupted)


@each_signal
@pytest.mark.parametrize("flags", [(), ("--json",)])
@pytest.mark.parametrize("state", [{}, {"at": 1}])
def test_a_signal_while_the_answer_is_written_does_not_tear_it(
    command: Command,
    host: FakeHost,
    ledger: FakeLedger,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    flags: tuple[str, ...],
    state: Document,
) -> None:
    """It was paid for, and a search could not be resumed; the exit code is the signal's all the same."""
    host.state = state
    host.script = [envelope(output={"content": "Far."})]
    place = "running.print_json" if flags else "run_output.print_page"
    signalling(monkeypatch, place, number)
    outcome = command("run", "look", *flags)
    assert outcome.code == CODES[number]
    if flags:
        assert json.loads(outcome.out)["output"] == {"content": "Far."}
    else:
        assert outcome.out.splitlines()[0] == "Far."
    assert outcome.err == ""
    assert ledger.unfinished == []


def test_a_second_signal_while_the_answer_is_written_ends_at_once(
    command: Command,
    host: FakeHost,
    ledger: FakeLedger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The run is in the ledger then."""
    kept: list[int] = []

    def end(code: int) -> None:
        kept.append(len(ledger.entries))
        raise SystemExit(code)

    monkeypatch.setattr(os, "_exit", end)
    host.state = {"at": 1}

    def show(*_: object, **__: Any) -> None:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("perplexity_connector.cli.running.print_json", show)
    assert command("run", "look", "--json").code == 130
    assert kept == [1]


@each_signal
def test_a_signal_that_was_ignored_stays_ignored(
    command: Command, host: FakeHost, waiting: list[Any], number: signal.Signals
) -> None:
    """As by `nohup`."""
    del waiting
    signal.signal(number, signal.SIG_IGN)
    host.script = [raising(number), envelope()]
    assert command("run", "look").code == 0
    assert signal.getsignal(number) is signal.SIG_IGN


@each_signal
def test_the_handlers_come_back_after_the_command(
    command: Command, host: FakeHost, number: signal.Signals
) -> None:
    """For the program that embeds the command."""
    former = signal.getsignal(number)
    host.script = [envelope()]
    command("run", "look")
    assert signal.getsignal(number) is former


@pytest.mark.parametrize("terminal", [True, False])
def test_a_second_signal_ends_at_once(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], terminal: bool
) -> None:
    """Without waiting for the event loop; a terminal gets its cursor back."""
    ends: list[int] = []
    # The real one does not come back.
    monkeypatch.setattr(os, "_exit", ends.append)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setattr(sys.stderr, "fileno", lambda: 2)

    async def work() -> None:
        with signals.asking(lambda: True):
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGHUP)
            await asyncio.sleep(0)

    with StopSignals() as signals:
        asyncio.run(work())
    assert ends == [129]
    assert bool(capfd.readouterr().err) == terminal


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    """Python delivers them to the main thread alone."""
    former = signal.getsignal(signal.SIGTERM)
    seen: list[Any] = []

    def enter() -> None:
        with StopSignals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [former]


def test_a_request_that_comes_after_the_run_is_not_made() -> None:
    """The loop may still have it in its queue."""

    async def work() -> None:
        with signals.asking(pytest.fail):
            signals._loop.call_soon(signals.ask)  # type: ignore[union-attr]
        await asyncio.sleep(0)

    signals = StopSignals()
    asyncio.run(work())


def test_stopped_counts_as_ctrl_c() -> None:
    """Whoever handles that handles any signal."""
    assert isinstance(Stopped(143), KeyboardInterrupt)


def test_windows_has_no_sighup(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are taken all the same."""
    few = [signal.SIGINT, signal.SIGTERM]
    monkeypatch.setattr(signal, "Signals", few)
    with StopSignals() as signals:
        assert list(signals._former) == few


# Flows


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> ToyPlugin:
    """The toy of the command line's host; a test puts handlers into it."""
    toy = ToyPlugin()

    def make(options: HostOptions) -> Any:
        given: Document = {"environ": os.environ, **options}
        return toy_host(toy, **given)

    monkeypatch.setenv("TOY_TOKEN", "toy-secret-token")
    monkeypatch.setattr(hosts, "make_host", make)
    return toy


@each_signal
@pytest.mark.parametrize("flags", [(), ("--json",), ("--json", "--stream")])
def test_a_stopped_flow_prints_its_finished_steps_and_the_received_part(
    command: Command, plugin: ToyPlugin, number: signal.Signals, flags: tuple[str, ...]
) -> None:
    """The first step has ended, and the second is stopped."""

    async def slow(input: Any, ctx: ActionContext) -> ActionResult:
        del input
        ctx.save_partial({"letters": 7})
        signal.raise_signal(number)
        await asyncio.sleep(60)
        raise AssertionError

    plugin.handlers["count"] = slow
    document = json.dumps(GREET_THEN_COUNT).encode()
    outcome = command("run-flow", "-", *flags, stdin=document)
    assert outcome.code == CODES[number]
    if flags == ("--json",):
        flow = json.loads(outcome.out)
        assert flow["status"] == "cancelled"
        assert [step["envelope"]["status"] for step in flow["steps"]] == [
            "succeeded",
            "cancelled",
        ]
        assert flow["steps"][1]["envelope"]["partial"] == {"letters": 7}
    else:
        assert "Hello, Ada!" in outcome.out
        assert '"letters": 7' in outcome.out


@each_signal
@pytest.mark.usefixtures("plugin")
def test_a_signal_while_a_flow_is_written_does_not_tear_it(
    command: Command, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """All its steps are in the document."""
    signalling(monkeypatch, "flow_renderer.print_json", number)
    document = json.dumps(GREET_THEN_COUNT).encode()
    outcome = command("run-flow", "-", "--json", stdin=document)
    assert outcome.code == CODES[number]
    flow = json.loads(outcome.out)
    assert (flow["status"], len(flow["steps"])) == ("succeeded", 2)


def test_a_signal_between_two_steps_begins_no_further_one(
    command: Command, plugin: ToyPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The finished one is printed."""
    begun: list[str] = []

    async def count(input: Any, ctx: ActionContext) -> ActionResult:
        del input, ctx
        begun.append("count")
        raise ConnectorError(ErrorCode.INTERNAL, "No.")

    async def greet(input: Any, ctx: ActionContext) -> ActionResult:
        del input, ctx
        signal.raise_signal(signal.SIGTERM)
        return ActionResult(output={"text": "x"})

    plugin.handlers |= {"count": count, "greet": greet}
    monkeypatch.setattr("perplexity_connector.host.Host.cancel", lambda *_: False)
    document = json.dumps(GREET_THEN_COUNT).encode()
    outcome = command("run-flow", "-", "--json", stdin=document)
    assert outcome.code == 143
    flow = json.loads(outcome.out)
    assert (flow["status"], len(flow["steps"])) == ("cancelled", 1)
    assert begun == []


def test_ctrl_c_during_the_start_leaves_no_traceback(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the command line is imported, while it is parsed, and in a command without a run."""
    for place in (
        "importlib.util.find_spec",
        "perplexity_connector.cli.app.small",
        "perplexity_connector.cli.hosts.make_host",
    ):
        with monkeypatch.context() as patch:
            patch.setattr(place, lambda *_, **__: signal.raise_signal(signal.SIGINT))
            outcome = command("actions")
        assert (outcome.code, outcome.out) == (130, "")
        assert outcome.err in {"", "Interrupted.\n"}
