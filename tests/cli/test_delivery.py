"""The answer comes before the bookkeeping, and an answer that could not be written can be had again."""

import asyncio
import errno
import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from perplexity_connector.cli import delivery, hosts, journal
from perplexity_connector.cli.exits import ExitCode
from perplexity_connector.cli.journal import Journal
from perplexity_connector.contract import ActionContext, ActionResult, JsonObject
from tests.cli.conftest import Command, Outcome
from tests.cli.fakes import FakeHost, envelope, failed, stopped
from tests.host.flows.test_flows import GREET_THEN_COUNT
from tests.host.stage import toy_host
from tests.toy.toy import ToyPlugin

ANSWER = {"content": "Far away."}
DELTA = {"type": "text.delta", "text": "Far ", "seq": 1}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The journal's folder."""
    monkeypatch.setattr(hosts, "journal_folder", lambda: tmp_path / "state" / "runs")
    return tmp_path / "state" / "runs"


def refuse(code: int) -> Callable[..., None]:
    """A system call that fails."""

    def call(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    return call


def remove_run(folder: Path, _: pytest.MonkeyPatch) -> None:
    """Another process has removed the run's file."""
    for file in folder.glob("run_*.json"):
        file.unlink()


def remove_folder(folder: Path, _: pytest.MonkeyPatch) -> None:
    """Another process has removed the whole folder."""
    shutil.rmtree(folder)


def dangling_run(folder: Path, _: pytest.MonkeyPatch) -> None:
    """The run's file is a link to nowhere, and so is another one."""
    for file in [*folder.glob("run_*.json"), folder / "run_0.json"]:
        file.unlink(missing_ok=True)
        file.symlink_to(folder / "nowhere")


def dangling_folder(folder: Path, _: pytest.MonkeyPatch) -> None:
    """The folder is a link to nowhere."""
    shutil.rmtree(folder)
    folder.symlink_to(folder.parent / "nowhere")


def read_only(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be removed or written."""
    for name in ("unlink", "touch", "mkdir"):
        monkeypatch.setattr(Path, name, refuse(errno.EROFS))


def full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be written."""
    monkeypatch.setattr(journal, "write_private", refuse(errno.ENOSPC))
    monkeypatch.setattr(Path, "touch", refuse(errno.ENOSPC))
    old = folder / "run_0.json"
    old.write_text("{}", encoding="utf-8")
    os.utime(old, (0, 0))


def unreadable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder belongs to another user."""
    usual = Path.stat

    def stat(path: Path, **options: bool) -> os.stat_result:
        if folder in (path, *path.parents):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        return usual(path, **options)

    monkeypatch.setattr(Path, "stat", stat)


TROUBLE = [
    *(remove_run, remove_folder, dangling_run, dangling_folder),
    *(read_only, full_disk, unreadable),
]
each_trouble = pytest.mark.parametrize("trouble", TROUBLE)
each_form = pytest.mark.parametrize("flags", [(), ("--json",), ("--stream", "--json")])


@each_trouble
@each_form
def test_a_run_that_succeeded_gives_its_answer_whatever_happens_to_its_file(
    command: Command,
    host: FakeHost,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Callable[[Path, pytest.MonkeyPatch], None],
    flags: tuple[str, ...],
) -> None:
    """Exit 0; at most a warning."""
    host.state = {"at": 1}
    with monkeypatch.context() as patch:
        host.script = [lambda: trouble(folder, patch), envelope(output=ANSWER)]
        outcome = command("run", "look", *flags)
    assert (outcome.code, "Far away." in outcome.out) == (0, True)
    assert all(line.startswith("warning: ") for line in outcome.err.splitlines())


@each_trouble
@each_form
def test_a_flow_gives_all_its_answers_whatever_happens_to_its_files(
    command: Command,
    folder: Path,
    plugin: ToyPlugin,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Callable[[Path, pytest.MonkeyPatch], None],
    flags: tuple[str, ...],
) -> None:
    """Both steps, and exit 0."""

    def make(output: JsonObject, patch: pytest.MonkeyPatch | None) -> Any:
        async def handler(input: JsonObject, ctx: ActionContext) -> ActionResult:
            del input
            await ctx.checkpoint({"at": 1})
            if patch:
                trouble(folder, patch)
            return ActionResult(output=output)

        return handler

    with monkeypatch.context() as patch:
        plugin.handlers |= {
            "greet": make({"text": "Hello."}, patch),
            "count": make({"letters": 6}, None),
        }
        outcome = run_flow(command, *flags)
    assert outcome.code == 0
    assert '"text": "Hello."' in outcome.out
    assert '"letters": 6' in outcome.out
    assert all(line.startswith("warning: ") for line in outcome.err.splitlines())


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> ToyPlugin:
    """The toy of the command line's host; a test puts handlers into it."""
    toy = ToyPlugin()
    monkeypatch.setenv("TOY_TOKEN", "toy-secret-token")
    monkeypatch.setattr(
        hosts,
        "make_host",
        lambda settings: toy_host(toy, settings=settings, environ=os.environ),
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
def test_an_answer_that_could_not_be_written_can_be_had_again(
    command: Command,
    host: FakeHost,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    stdout: Stdout,
    flags: tuple[str, ...],
) -> None:
    """Stderr says how; only a full disk is a failure. The second time the run is forgotten."""
    host.state = {"at": 1}
    stdout.use(monkeypatch)
    host.script = [envelope(output=ANSWER)]
    outcome = command("run", "look", *flags)
    (run_id,) = Journal(folder).unfinished()
    assert outcome.code == stdout.code
    assert f"--resume {run_id}" in outcome.err
    monkeypatch.setattr(sys, "stdout", buffer := io.StringIO())
    assert command("run", "--resume", run_id).code == 0
    assert "Far away." in buffer.getvalue()
    assert Journal(folder).unfinished() == []


def test_an_answer_without_a_checkpoint_that_could_not_be_written_is_said_to_be_gone(
    command: Command,
    host: FakeHost,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    stdout: Stdout,
) -> None:
    """The command must be repeated; a failed run has no answer to speak of."""
    stdout.use(monkeypatch)
    host.script = [envelope(output=ANSWER)]
    success = command("run", "look")
    host.script = [failed("not_found")]
    failure = command("run", "look")
    assert success.code == stdout.code
    assert failure.code == 5
    extra = len(success.err.splitlines()) - stdout.code
    assert (extra, folder.exists()) == (1, False)


def test_a_reader_that_leaves_stops_the_run_without_an_error(
    command: Command,
    host: FakeHost,
    folder: Path,
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
    assert f"--resume {Journal(folder).unfinished()[0]}" in outcome.err


@each_form
@pytest.mark.usefixtures("folder")
def test_a_flow_whose_answers_cannot_be_written_begins_no_further_step_and_keeps_the_first(
    command: Command,
    plugin: ToyPlugin,
    monkeypatch: pytest.MonkeyPatch,
    stdout: Stdout,
    flags: tuple[str, ...],
) -> None:
    """With one document at the end, or a stdout that was never there, nothing is known to fail before that."""

    async def greet(input: JsonObject, ctx: ActionContext) -> ActionResult:
        del input
        await ctx.checkpoint({"at": 1})
        ctx.emit({"type": "text.delta", "text": "Hello"})
        return ActionResult(output={"text": "Hello."})

    begun: list[JsonObject] = []

    async def count(input: JsonObject, ctx: ActionContext) -> ActionResult:
        del ctx
        begun.append(input)
        return ActionResult(output={"letters": 6})

    plugin.handlers |= {"greet": greet, "count": count}
    stdout.use(monkeypatch)
    outcome = run_flow(command, *flags)
    assert outcome.code == stdout.code
    goes_on = flags == ("--json",) or stdout.kind == "closed"
    assert "--resume run_" in outcome.err
    assert bool(begun) == goes_on


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
    command: Command, host: FakeHost, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`>&-` in a shell: the answer is kept for `--resume`."""
    monkeypatch.setattr(sys, "stdout", None)
    host.state = {"at": 1}
    host.script = [envelope(output=ANSWER)]
    outcome = command("run", "look")
    sys.stdout.close()
    assert outcome.code == 0
    assert f"--resume {Journal(folder).unfinished()[0]}" in outcome.err


@pytest.mark.usefixtures("folder")
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
