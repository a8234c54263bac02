"""`prefect setup` and `prefect run-table`: the plan and the output are here, the rows run elsewhere."""

import json
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Cancelled, Completed, Crashed, Failed

from perplexity_connector.__main__ import main
from perplexity_connector.adapters.prefect import chunks, flows, setup
from perplexity_connector.adapters.prefect.tables import PAUSED
from perplexity_connector.cli import (
    prefect_progress,
    prefect_running,
    prefect_setup,
    table_plan,
)
from perplexity_connector.host import Host
from perplexity_connector.sandbox import Sandbox
from tests.adapters.prefect.fake_server import FakeServer

pytestmark = pytest.mark.usefixtures("sandbox", "flow_run_id")
COMMAND = ("prefect", "run-table", "execute_search", "table.csv", "query={name}")
NAMED = ("--job", "moons", "--out", "out.csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[Any]:
        """Return its lines of JSON."""
        return [json.loads(line) for line in self.out.splitlines()]


Command = Callable[..., Outcome]


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    """Runs a command in this process, beside a table of four lines."""
    lines = [f"moon {number}" for number in range(4)]
    table = "\n".join(["name", *lines, ""])
    (tmp_path / "table.csv").write_text(table, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(prefect_running, "_LOOK_S", 0.01)

    def run(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["perplexity-connector", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return Outcome(code=end.value.code, out=out, err=err)

    return run


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, fake: FakeServer) -> Any:
    """A worker: it runs the rows, or ends each flow run with `state`, at the second look at them."""
    of_test = SimpleNamespace(state=None, looks=0)
    read = fake.read_flow_runs

    def work(run: Any) -> Any:
        if of_test.state is not None:
            return of_test.state
        given = run.parameters
        return flows.run_table.fn(given["job"], given["start"], given["chunk"])

    def look(**wanted: Any) -> list[Any]:
        of_test.looks += 1
        found = read(**wanted)
        for run in found if of_test.looks > 1 else ():
            run.state = work(run)
        return found

    monkeypatch.setattr(fake, "read_flow_runs", look)
    setup.set_up()
    return of_test


# Set-up.


def test_setup_shows_the_names_of_all_that_the_server_has(
    command: Command, fake: FakeServer
) -> None:
    """As lines, or as JSON."""
    ended = command("prefect", "setup", "--pool", "mine")
    assert (ended.code, ended.out) == (0, "")
    assert "prefect worker start --pool mine" in ended.err
    again = command("prefect", "setup", "--pool", "mine", "--json")
    assert set(json.loads(again.out)["deployments"]) == set(fake.deployments)


def test_without_the_extra_the_commands_say_how_to_get_it(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line."""
    monkeypatch.setattr(prefect_setup, "find_spec", lambda _: None)
    for arguments in (("prefect", "setup"), (*COMMAND, *NAMED)):
        ended = command(*arguments)
        assert ended.code == 1
        assert "perplexity-connector[prefect]" in ended.err


@pytest.mark.parametrize(("refusal", "code"), [(True, 5), (False, 4)])
def test_a_server_that_refuses_or_is_away_is_one_line(
    command: Command, monkeypatch: pytest.MonkeyPatch, *, refusal: bool, code: int
) -> None:
    """Without a traceback."""
    request = httpx.Request("GET", "http://127.0.0.1:9/api")
    problem: Exception = httpx.ConnectError("refused")
    if refusal:
        answer = httpx.Response(401, request=request)
        problem = PrefectHTTPStatusError("401", request=request, response=answer)

    def fail(**_: object) -> None:
        raise problem

    monkeypatch.setattr(setup, "get_client", fail)
    ended = command("prefect", "setup")
    assert ended.code == code
    assert len(ended.err.splitlines()) == 1


# Tables.


@pytest.mark.usefixtures("worker")
def test_workers_run_the_rows_and_the_output_is_written_here(
    command: Command, fake: FakeServer, sandbox: Sandbox, tmp_path: Path
) -> None:
    """The same command again starts nothing."""
    ended = command(*COMMAND, *NAMED)
    assert ended.code == 0, ended.err
    assert len((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()) == 5
    assert sandbox.billed_searches == 4
    assert [run.parameters["chunk"] for run in fake.runs.values()] == [1, 2]
    # All is done: the same command starts nothing.
    again = command(*COMMAND, *NAMED)
    assert again.code == 0
    assert len(fake.runs) == 2


@pytest.mark.usefixtures("worker")
def test_its_events_are_lines_of_json(command: Command, fake: FakeServer) -> None:
    """Without a key in them."""
    fake.save("my-account", api_key="pplx-test-good")
    ended = command(
        *COMMAND, *NAMED, "--json", "--chunks", "1", "--connection", "my-account"
    )
    kinds = [event["type"] for event in ended.events]
    assert kinds == [
        "table.planned",
        "table.entered",
        "prefect.flow_run",
        "prefect.flow_run",
        "table.finished",
    ]
    assert ended.events[-1]["rows"]["done"] == 4
    assert "pplx-test-good" not in ended.out + ended.err


@pytest.mark.usefixtures("worker")
def test_an_unknown_connection_starts_nothing(command: Command) -> None:
    """It is a mistake of the command."""
    ended = command(*COMMAND, *NAMED, "--connection", "nobody")
    assert ended.code == 2


def test_a_server_without_our_deployments_is_set_up_first(command: Command) -> None:
    """The message names the command."""
    ended = command(*COMMAND, *NAMED)
    assert ended.code == 2
    assert "prefect setup" in ended.err


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (Failed(name=PAUSED, message="2 done, 2 planned"), 3),
        (Failed(message="x"), 1),
        (Crashed(), 1),
        (Cancelled(), 130),
        (Completed(), 6),
    ],
)
def test_rows_that_are_left_have_the_code_of_their_flow_runs(
    command: Command, worker: Any, state: Any, code: int
) -> None:
    """Budget, crash, cancel, or nothing known."""
    worker.state = state
    ended = command(*COMMAND, *NAMED)
    assert ended.code == code
    if state.message:
        assert state.message in ended.err


@pytest.mark.usefixtures("worker")
def test_failed_rows_are_a_partial_success(command: Command, tmp_path: Path) -> None:
    """As for run-table."""
    (tmp_path / "table.csv").write_text(
        "name\nmoon\nsandbox:malformed moon\n", encoding="utf-8"
    )
    assert command(*COMMAND, *NAMED).code == 6


@pytest.mark.usefixtures("worker")
def test_records_that_cannot_be_written_are_an_internal_error(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for run-table."""
    write = Host.write_table

    async def lose(host: Host, job: str, out: Any, *, raw: bool = False) -> Any:
        finished = await write(host, job, out, raw=raw)
        return {**finished, "unsaved": "/home/ada/out.csv.unsaved"}

    monkeypatch.setattr(Host, "write_table", lose)
    assert command(*COMMAND, *NAMED).code == 1


@pytest.mark.usefixtures("worker")
def test_a_high_price_needs_a_budget(command: Command) -> None:
    """Or a yes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_plan, "_UNASKED_USD", 0.001)
        assert command(*COMMAND, *NAMED).code == 2
        assert command(*COMMAND, *NAMED, "--yes").code == 0


@pytest.mark.usefixtures("worker")
def test_without_consent_nothing_is_entered(
    command: Command, fake: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is started."""
    monkeypatch.setattr(prefect_running, "may_begin", lambda *_, **__: False)
    assert command(*COMMAND, *NAMED).code == 0
    assert not fake.runs


def test_ctrl_c_stops_watching_and_says_how_to_go_on(
    command: Command, worker: Any, fake: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flow runs go on."""
    seen = chunks.look_at

    def interrupt(ids: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return seen(ids)[:0] or [one for one in seen(ids) if not one.is_final]

    worker.looks = -9
    monkeypatch.setattr(chunks, "look_at", interrupt)
    ended = command(*COMMAND, *NAMED)
    assert ended.code == 130
    (first, second) = [str(run.id) for run in fake.runs.values()]
    assert first in ended.err
    assert second in ended.err
    assert "run-table --job moons" in ended.err


@pytest.mark.usefixtures("worker")
def test_the_output_is_written_now_and_then_and_a_silent_server_waited_for(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restart of the server costs nothing."""
    monkeypatch.setattr(prefect_running, "_WRITE_S", 0.0)
    looks: list[int] = []
    writes: list[int] = []
    seen, write = chunks.look_at, Host.write_table

    def slow(ids: Any) -> Any:
        looks.append(1)
        if len(looks) < 3:
            raise ConnectionRefusedError
        found = seen(ids)
        if len(looks) < 6:
            return [chunk_of(one, is_final=False) for one in found]
        return found

    async def noted(host: Host, job: str, out: Any, *, raw: bool = False) -> Any:
        writes.append(len(looks))
        return await write(host, job, out, raw=raw)

    monkeypatch.setattr(chunks, "look_at", slow)
    monkeypatch.setattr(Host, "write_table", noted)
    ended = command(*COMMAND, *NAMED)
    assert ended.code == 0
    assert "ConnectionRefusedError" in ended.err
    assert len(writes) == 2
    assert writes[0] < 6


def chunk_of(one: chunks.Chunk, *, is_final: bool) -> chunks.Chunk:
    """Return a flow run that has, or has not, ended."""
    return replace(one, is_final=is_final)


# Progress.


def test_on_a_terminal_the_line_moves_and_elsewhere_it_comes_each_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As for run-table."""
    counts: Any = {"done": 2, "planned": 2}
    now = [0.0]
    monkeypatch.setattr(
        prefect_progress, "time", SimpleNamespace(monotonic=lambda: now[0])
    )
    quiet = prefect_progress.JobProgress()
    for now[0] in (0.0, 59.0, 60.0):
        quiet.show(counts, 10_000_000, [])
    quiet.close()
    assert capsys.readouterr().err.count("2 of 4 rows") == 2

    shown: list[str] = []
    spinner = SimpleNamespace(show=shown.append, stop=lambda: shown.append("end"))
    monkeypatch.setattr(prefect_progress, "stderr_is_terminal", lambda: True)
    monkeypatch.setattr(prefect_progress, "Spinner", lambda: spinner)
    loud = prefect_progress.JobProgress()
    loud.show(counts, 10_000_000, [])
    loud.show(counts, 10_000_000, [])
    loud.close()
    assert len(shown) == 3
