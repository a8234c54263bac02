"""The answer comes before the bookkeeping, and an answer that could not be written can be had again."""

import asyncio
import errno
import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from perplexity_connector.cli import delivery, hosts
from perplexity_connector.cli.exits import ExitCode
from perplexity_connector.contract import ActionContext, ActionResult, JsonObject
from perplexity_connector.host.ledger.entries import LedgerError
from tests.cli.conftest import Command, Outcome
from tests.cli.fakes import FakeHost, envelope, failed, stopped
from tests.cli.ledger import FakeLedger
from tests.host.flows.test_flows import GREET_THEN_COUNT
from tests.host.stage import toy_host
from tests.toy.toy import ToyPlugin

ANSWER = {"content": "Far away."}
DELTA = {"type": "text.delta", "text": "Far ", "seq": 1}


def refuse(code: int) -> Callable[..., None]:
    """A system call that fails."""

    def call(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    return call


each_form = pytest.mark.parametrize("flags", [(), ("--json",), ("--stream", "--json")])


@each_form
def test_a_run_that_succeeded_gives_its_answer_if_its_ledger_cannot_be_written(
    command: Command, host: FakeHost, ledger: FakeLedger, flags: tuple[str, ...]
) -> None:
    """Exit 0, and a warning."""
    ledger.warnings = ["The ledger cannot be written: the disk is full."]
    host.state = {"at": 1}
    host.script = [lambda: broken(ledger), envelope(output=ANSWER)]
    outcome = command("run", "look", *flags)
    assert (outcome.code, "Far away." in outcome.out) == (0, True)
    assert outcome.err.splitlines() == [f"warning: {ledger.warnings[0]}"]


def test_a_problem_of_the_ledger_is_said_once(
    command: Command, host: FakeHost, ledger: FakeLedger
) -> None:
    """That of the run's own warning is not said again at the end."""
    ledger.warnings = ["The disk is full.", "Another one."]
    warning = {"code": "not_recorded", "message": "Not there: The disk is full."}
    host.script = [envelope(output=ANSWER, warnings=[warning])]
    lines = command("run", "look").err.splitlines()
    assert [line for line in lines if "disk is full" in line] == lines[:1]
    assert lines[-1] == "warning: Another one."


def broken(ledger: FakeLedger) -> None:
    """From now on nothing can be written or read."""
    ledger.problem = LedgerError("It is broken.")


def test_a_run_that_failed_says_so_if_its_ledger_cannot_be_read(
    command: Command, host: FakeHost, ledger: FakeLedger
) -> None:
    """Its own exit code; no way back is promised."""
    host.state = {"at": 1}
    host.script = [lambda: broken(ledger), failed("unavailable", retryable=True)]
    outcome = command("run", "look")
    assert (outcome.code, "--resume" in outcome.err) == (4, False)


@each_form
def test_a_flow_gives_all_its_answers_if_its_ledger_cannot_be_written(
    command: Command, ledger: FakeLedger, plugin: ToyPlugin, flags: tuple[str, ...]
) -> None:
    """Both steps, and exit 0."""

    def make(output: JsonObject) -> Any:
        async def handler(input: JsonObject, ctx: ActionContext) -> ActionResult:
            del input
            await ctx.checkpoint({"at": 1})
            broken(ledger)
            return ActionResult(output=output)

        return handler

    plugin.handlers |= {
        "greet": make({"text": "Hello."}),
        "count": make({"letters": 6}),
    }
    outcome = run_flow(command, *flags)
    assert outcome.code == 0
    assert all(line.startswith("warning: ") for line in outcome.err.splitlines())
    assert '"text": "Hello."' in outcome.out
    assert '"letters": 6' in outcome.out


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> ToyPlugin:
    """The toy of the command line's host; a test puts handlers into it."""
    toy = ToyPlugin()
    monkeypatch.setenv("TOY_TOKEN", "toy-secret-token")
    monkeypatch.setattr(
        hosts,
        "make_host",
        lambda options: toy_host(toy, **{"environ": os.environ, **options}),
    )
    return toy


def run_flow(command: Command, *flags: str) -> Outcome:
    """The flow of two steps, handed over on stdin."""
    return command("run-flow", "-", *flags, stdin=json.dumps(GREET_THEN_COUNT).encode())


class Stdout(NamedTuple):
    """A stdout that takes nothing: closed at the start, a reader that has left, or a full disk."""

    kind: str
    stream: io.TextIOWrapper

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put it in place. Not in the fixture: pytest puts its own there before each test."""
        monkeypatch.setattr(sys, "stdout", self.stream)

    @property
    def code(self) -> int:
        """The exit code of a success that cannot be written."""
        return 1 if self.kind == "full" else 0


@pytest.fixture(params=["closed", "left", "full"])
def stdout(request: pytest.FixtureRequest) -> Iterator[Stdout]:
    """Each kind of it."""
    kind = str(request.param)
    if kind == "left":
        reader, writer = os.pipe()
        os.close(reader)
        stream = os.fdopen(writer, "w", encoding="utf-8", buffering=1)
    else:
        # For a closed stdout, `main` opens that file.
        path = Path("/dev/full" if kind == "full" else os.devnull)
        stream = path.open("w", encoding="utf-8", buffering=1)
    yield Stdout(kind, stream)
    with suppress(OSError):
        stream.close()


@each_form
@pytest.mark.parametrize("state", [{}, {"at": 1}])
def test_an_answer_that_could_not_be_written_can_be_had_again(
    command: Command,
    host: FakeHost,
    ledger: FakeLedger,
    monkeypatch: pytest.MonkeyPatch,
    stdout: Stdout,
    flags: tuple[str, ...],
    state: dict[str, int],
) -> None:
    """From the ledger, with a checkpoint or without. Stderr says how; only a full disk is a failure."""
    host.state = state
    host.has_own_ids = True
    stdout.use(monkeypatch)
    host.script = [envelope(output=ANSWER)]
    outcome = command("run", "look", *flags)
    (run_id,) = ledger.entries
    assert outcome.code == stdout.code
    assert f"--resume {run_id}" in outcome.err
    monkeypatch.setattr(sys, "stdout", buffer := io.StringIO())
    assert command("run", "--resume", run_id).code == 0
    assert "Far away." in buffer.getvalue()
    assert len(host.runs) == 1


def test_an_answer_that_is_neither_written_nor_recorded_is_said_to_be_gone(
    command: Command,
    host: FakeHost,
    ledger: FakeLedger,
    monkeypatch: pytest.MonkeyPatch,
    stdout: Stdout,
) -> None:
    """The command must be repeated; a failed run has no answer to speak of."""
    stdout.use(monkeypatch)
    broken(ledger)
    host.script = [envelope(output=ANSWER)]
    success = command("run", "look")
    host.script = [failed("not_found")]
    failure = command("run", "look")
    assert success.code == stdout.code
    assert failure.code == 5
    extra = len(success.err.splitlines()) - stdout.code
    assert (extra, "--resume" in success.err) == (1, False)


def test_a_reader_that_leaves_stops_the_run_without_an_error(
    command: Command,
    host: FakeHost,
    ledger: FakeLedger,
    monkeypatch: pytest.MonkeyPatch,
    stdout: Stdout,
) -> None:
    """A full disk, or a stdout that was never there, lets it end: its answer can be fetched then."""
    host.state = {"at": 1}
    host.end_of_stopped = stopped(partial=ANSWER)
    stdout.use(monkeypatch)
    host.script = [DELTA, DELTA, envelope(output=ANSWER)]
    outcome = command("run", "look", "--stream", "--json")
    assert outcome.code == stdout.code
    assert bool(host.cancelled) == (stdout.kind == "left")
    assert "(cancelled)" not in outcome.err
    assert f"--resume {next(iter(ledger.entries))}" in outcome.err


@each_form
def test_a_flow_whose_answers_cannot_be_written_begins_no_further_step_and_keeps_the_first(
    command: Command,
    plugin: ToyPlugin,
    monkeypatch: pytest.MonkeyPatch,
    stdout: Stdout,
    flags: tuple[str, ...],
) -> None:
    """With one document at the end, or a stdout that was never there, nothing is known to fail before that.

    For a reader that has left before the first step, nothing is sent.
    """
    begun: list[JsonObject] = []

    async def greet(input: JsonObject, ctx: ActionContext) -> ActionResult:
        begun.append(input)
        await ctx.checkpoint({"at": 1})
        ctx.emit({"type": "text.delta", "text": "Hello"})
        return ActionResult(output={"text": "Hello."})

    async def count(input: JsonObject, ctx: ActionContext) -> ActionResult:
        del ctx
        begun.append(input)
        return ActionResult(output={"letters": 6})

    plugin.handlers |= {"greet": greet, "count": count}
    stdout.use(monkeypatch)
    outcome = run_flow(command, *flags)
    assert outcome.code == stdout.code
    goes_on = flags == ("--json",) or stdout.kind == "closed"
    is_sent = goes_on or stdout.kind != "left"
    assert ("--resume run_" in outcome.err) == is_sent
    assert len(begun) == is_sent + goes_on


def test_a_broken_stderr_changes_no_exit_code(
    command: Command, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it would have said is lost, and nothing else."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as broken:
        monkeypatch.setattr(sys, "stderr", broken)
        host.script = [failed("not_found")]
        assert command("run", "look").code == 5


class _Pipe(io.RawIOBase):
    """A pipe without a buffer, of which a signal interrupts each write."""

    def __init__(self) -> None:
        self.taken = b""

    def writable(self) -> bool:
        """It takes text."""
        return True

    def write(self, data: Any) -> int:
        """Take a part."""
        self.taken += bytes(data[:100])
        return min(len(data), 100)


def test_an_answer_is_written_to_its_end_without_pythons_buffer(
    command: Command, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`PYTHONUNBUFFERED`, as in many containers: Python then drops the rest of a text, and says nothing."""
    pipe = _Pipe()
    unbuffered = io.TextIOWrapper(pipe, write_through=True)  # type: ignore[type-var] # as `python -u` makes it
    monkeypatch.setattr(sys, "stdout", unbuffered)
    host.script = [envelope(output={"content": "x" * 100_000})]
    assert command("run", "look", "--json").code == 0
    assert len(json.loads(pipe.taken)["output"]["content"]) == 100_000


def test_a_list_that_cannot_be_written_ends_as_its_reader_does(
    command: Command, host: FakeHost, monkeypatch: pytest.MonkeyPatch, stdout: Stdout
) -> None:
    """A full disk is a failure; a reader that leaves, as `| head`, is not."""
    stdout.use(monkeypatch)
    outcome = command("actions")
    assert outcome.code == stdout.code
    assert outcome.err.count("\n") == stdout.code
    assert host.runs == []


def test_a_process_that_was_started_without_a_stdout_runs_all_the_same(
    command: Command,
    host: FakeHost,
    ledger: FakeLedger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`>&-` in a shell: the answer is kept for `--resume`."""
    monkeypatch.setattr(sys, "stdout", None)
    host.state = {"at": 1}
    host.script = [envelope(output=ANSWER)]
    outcome = command("run", "look")
    sys.stdout.close()
    assert outcome.code == 0
    assert f"--resume {next(iter(ledger.entries))}" in outcome.err


def test_a_reader_that_leaves_a_flow_stops_its_step_without_an_error(
    command: Command, plugin: ToyPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing has failed, and no further step begins."""

    async def greet(input: JsonObject, ctx: ActionContext) -> ActionResult:
        del input
        ctx.emit({"type": "text.delta", "text": "Hello"})
        await asyncio.sleep(60)
        raise AssertionError

    plugin.handlers["greet"] = greet
    reader, writer = os.pipe()
    os.close(reader)
    with suppress(OSError), os.fdopen(writer, "w", encoding="utf-8") as broken:
        monkeypatch.setattr(sys, "stdout", broken)
        outcome = run_flow(command, "--stream", "--json")
    assert outcome.code == 0
    assert "(cancelled)" not in outcome.err


@pytest.mark.parametrize(
    ("of_run", "code"),
    [
        (ExitCode.SUCCEEDED, ExitCode.INTERNAL),
        (ExitCode.PARTLY, ExitCode.INTERNAL),
        (ExitCode.TRY_LATER, ExitCode.TRY_LATER),
    ],
)
def test_a_result_that_was_not_written_is_not_a_success(
    monkeypatch: pytest.MonkeyPatch, of_run: ExitCode, code: ExitCode
) -> None:
    """A failed run keeps its own code: it is the more useful one."""
    monkeypatch.setattr(delivery, "discard", lambda _: None)
    written = delivery.Delivery()
    assert not written.write(refuse(errno.ENOSPC))
    assert written.code(of_run) == code
