"""`run-table`: the plan first, then the rows, then all that did not go well."""

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from perplexity_connector.cli import progress, table_progress
from tests.cli.conftest import Command
from tests.cli.fakes import FakeHost
from tests.cli.ledger import FakeLedger

PLAN: dict[str, Any] = {
    "type": "table.planned",
    "job_id": "job_1",
    "rows": 4,
    "doubles": 1,
    "done": 0,
    "runs": 3,
    "going_on": 0,
    "changed": [],
    "invalid": [],
    "price": {"likely": 0.3, "worst": 0.5, "currency": "USD", "basis": "list_price"},
    "seconds": 150.0,
    "output": "/home/ada/out.csv",
}
ROW: dict[str, Any] = {
    "type": "row.finished",
    "line": 2,
    "key": "",
    "run_id": "run_1",
    "state": "done",
    "error": None,
    "cost": 0.005,
    "left": 2,
}
FINISHED: dict[str, Any] = {
    "type": "table.finished",
    "job_id": "job_1",
    "reason": "done",
    "cause": None,
    "message": None,
    "rows": {"done": 4, "failed": 0},
    "failed": {},
    "unsure": [],
    "begun": [],
    "cost": 0.015,
    "output": "/home/ada/out.csv",
    "unsaved": None,
    "unsaved_lines": [],
}
COMMAND = ("run-table", "look", "table.csv", "query={company} report")
OUT = ("--out", "out.csv")


@pytest.fixture
def host(host: FakeHost) -> FakeHost:
    """A host that plays a table in which all goes well."""
    host.script = [PLAN, ROW, FINISHED]
    return host


def test_a_table_ends_with_a_summary_and_its_plan_came_first(
    command: Command, host: FakeHost, ledger: FakeLedger
) -> None:
    """The plan is on stderr, since a person reads it before the rows run."""
    outcome = command(*COMMAND, *OUT)
    assert outcome.code == 0
    assert "4 done" in outcome.out
    assert "0.015 USD" in outcome.out
    for word in ("4 rows", "3 to run", "1 double", "likely 0.3 USD", "3 min"):
        assert word in outcome.err
    kind, what, how = host.runs[-1]
    assert (kind, *what) == (
        "table",
        *("toy", "look", "table.csv", {"query": "{company} report"}),
    )
    assert (how["out"], how["at_once"], how["columns"]) == ("out.csv", 16, None)
    assert host.options[-1]["ledger"] is ledger


@pytest.mark.parametrize("name", ["steps.json", "steps"])
def test_a_file_is_a_flow(
    command: Command,
    host: FakeHost,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """Its rows need no template, and a connection counts for its own connector."""
    monkeypatch.chdir(tmp_path)
    flow = {
        "flow_version": 2,
        "steps": [{"id": "a", "connector": "toy", "action": "look", "input": {}}],
    }
    Path(name).write_text(json.dumps(flow), encoding="utf-8")
    assert command("run-table", name, "table.csv", *OUT).code == 0
    kind, what, how = host.runs[-1]
    assert (kind, *what) == ("flow table", flow, "table.csv", {})
    assert (how["connections"], how["out"]) == ({}, "out.csv")
    options = ("company={name}", "--sandbox")
    assert command("run-table", name, "table.csv", *options, *OUT).code == 0
    _, what, how = host.runs[-1]
    assert (what[2], list(how["connections"])) == ({"company": "{name}"}, ["toy"])


def test_a_connection_is_that_of_the_rows(
    command: Command,
    host: FakeHost,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By its name, for an action and for the steps of a flow."""
    known = [{"connector": "toy", "connection_name": "Mine"}]
    store = SimpleNamespace(list=lambda: known)
    monkeypatch.setattr(host, "connections", store, raising=False)
    flow = tmp_path / "flow.json"
    flow.write_text('{"flow_version": 1, "steps": []}', encoding="utf-8")
    named = ("--connection", "mine", *OUT)
    assert command(*COMMAND, *named).code == 0
    assert host.runs[-1][2]["connection"] == "Mine"
    assert command("run-table", str(flow), "table.csv", *named).code == 0
    assert host.runs[-1][2]["connections"] == {"toy": "Mine"}


def test_a_flow_that_cannot_be_read_is_named(command: Command, host: FakeHost) -> None:
    """Exit code 2, as for `run-flow`."""
    outcome = command("run-table", "lost.json", "table.csv", *OUT)
    assert (outcome.code, host.runs) == (2, [])


def test_each_option_reaches_the_table(command: Command, host: FakeHost) -> None:
    """As the host has it."""
    options = [
        *("--job", "reports", "--budget", "2.50", "--at-once", "3", "--key", "company"),
        *("--column", "answer=/content", "--column", "all=", "--ordered", "--fresh"),
        *("--retry", "unsure", "--raw", "--sandbox", "size:=3"),
    ]
    assert command(*COMMAND, *OUT, *options).code == 0
    _, what, how = host.runs[-1]
    wanted = {
        "job": "reports",
        "at_once": 3,
        "key": "company",
        "columns": {"answer": "/content", "all": ""},
        "ordered": True,
        "fresh": True,
        "retry": "unsure",
        "raw": True,
    }
    assert {name: how[name] for name in wanted} == wanted
    assert str(how["budget"]) == "2.50"
    assert what[3] == {"query": "{company} report", "size:": "3"}
    assert host.options[-1]["sandbox"]


def test_the_templates_of_a_repeated_field_are_the_items_of_a_list(
    command: Command, host: FakeHost
) -> None:
    """By their places, so that the host needs no other kind of template."""
    again = ("query={company} news", 'query:="fixed"')
    assert command(*COMMAND, *OUT, *again).code == 0
    assert host.runs[-1][1][3] == {
        "query.0": "{company} report",
        "query.1": "{company} news",
        "query.2:": '"fixed"',
    }


@pytest.mark.parametrize(
    "options",
    [
        ("query",),
        ("=x",),
        ("size=a", "size=b"),
        ("query=[1]",),
        ("--column", "answer"),
        ("--column", "a=content"),
        ("--column", "a=/b", "--column", "a=/c"),
        ("--budget", "much"),
        ("--budget", "0"),
        ("--budget", "nan"),
        ("--retry", "all"),
        ("--at-once", "0"),
        ("--sandbox", "--connection", "Mine"),
    ],
)
def test_a_mistake_is_named_and_nothing_runs(
    command: Command, host: FakeHost, options: tuple[str, ...]
) -> None:
    """Exit code 2."""
    outcome = command(*COMMAND, *OUT, *options)
    assert (outcome.code, outcome.out, host.runs) == (2, "", [])


def test_the_plan_alone_goes_to_stdout(command: Command, host: FakeHost) -> None:
    """With all that is to be known before it is paid."""
    invalid = [
        {"line": n, "pointer": "/query", "message": "Too long."} for n in range(25)
    ]
    host.script = [
        PLAN
        | {"invalid": invalid, "changed": [3, 4, 5, 9], "kept_as": "out.csv.1"}
        | {"price": PLAN["price"] | {"basis": "estimate"}, "seconds": None}
    ]
    outcome = command(*COMMAND, *OUT, "--plan")
    assert (outcome.code, outcome.err) == (0, "")
    for word in ("25 invalid", "line 7, /query", "lines 3-5, 9", "out.csv.1", "5 more"):
        assert word in outcome.out
    assert host.runs[-1][2]["plan_only"]


@pytest.mark.parametrize(("answer", "rows"), [(b"y\n", 1), (b"n\n", 0)])
def test_on_a_terminal_it_asks(
    command: Command, host: FakeHost, answer: bytes, rows: int
) -> None:
    """Without a yes, nothing runs."""
    seen: list[int] = []
    host.script = [PLAN, lambda: seen.append(1), FINISHED]
    assert command(*COMMAND, *OUT, stdin=answer, terminal=True).code == 0
    assert len(seen) == rows


@pytest.mark.parametrize(
    ("options", "code"),
    [((), 2), (("--yes",), 0), (("--budget", "5"), 0), (("--sandbox",), 0)],
)
def test_elsewhere_a_high_price_needs_a_budget_or_a_yes(
    command: Command, host: FakeHost, options: tuple[str, ...], code: int
) -> None:
    """Nothing is sent without."""
    dear = PLAN | {"price": PLAN["price"] | {"likely": 1.01}}
    host.script = [dear, ROW, FINISHED]
    assert command(*COMMAND, *OUT, *options).code == code


def test_a_table_with_nothing_left_begins_without_a_question(
    command: Command, host: FakeHost
) -> None:
    """It costs nothing."""
    host.script = [PLAN | {"runs": 0, "done": 4, "doubles": 0}, FINISHED]
    assert command(*COMMAND, *OUT, terminal=True).code == 0


@pytest.mark.usefixtures("host")
def test_json_prints_each_event_on_a_line(command: Command) -> None:
    """Stdout has nothing else."""
    outcome = command(*COMMAND, *OUT, "--json")
    assert [json.loads(line)["type"] for line in outcome.out.splitlines()] == [
        "table.planned",
        "row.finished",
        "table.finished",
    ]


def test_an_event_of_a_newer_host_is_not_shown(
    command: Command, host: FakeHost
) -> None:
    """It disturbs nothing."""
    host.script = [PLAN, {"type": "table.rested"}, ROW, FINISHED]
    assert command(*COMMAND, *OUT).code == 0


def test_all_that_did_not_go_well_is_named(command: Command, host: FakeHost) -> None:
    """Failures by code with their lines, every unsure row, and the runs that go on."""
    end = FINISHED | {
        "rows": {"done": 1, "failed": 2, "unsure": 2, "begun": 1},
        "failed": {"timeout": [3, 4], "upstream_failed": [9]},
        "unsure": [
            {"line": 5, "key": "ACME", "run_id": "run_5"},
            {"line": 6, "key": "", "run_id": "run_6"},
        ],
        "begun": ["run_7"],
        "message": "One record is long.",
    }
    invalid = [{"line": 8, "pointer": "", "message": "It has too many cells."}]
    host.script = [PLAN | {"invalid": invalid, "going_on": 1}, end]
    outcome = command(*COMMAND, *OUT)
    assert outcome.code == 6
    for words in (
        "timeout: lines 3-4",
        "upstream_failed: line 9",
        "line 5 (ACME), run_5",
        "line 6, run_6",
        "--retry unsure",
        "run_7",
        "not run: line 8",
        "One record is long.",
    ):
        assert words in outcome.err


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ({"reason": "budget", "message": "The day's budget is used up."}, 3),
        ({"reason": "failed", "cause": "invalid_credentials"}, 3),
        ({"reason": "failed", "cause": "unavailable", "message": "Down."}, 4),
        ({"reason": "failed", "cause": "unsupported"}, 5),
        ({"reason": "failed"}, 1),
        ({"reason": "stopped"}, 130),
        ({"unsaved": "out.csv.unsaved"}, 1),
        ({"unsaved_lines": ["a,b"]}, 1),
        ({"rows": {"done": 3, "planned": 1}}, 6),
    ],
)
def test_the_exit_code_says_how_the_job_ended(
    command: Command, host: FakeHost, end: dict[str, Any], code: int
) -> None:
    """A job that another process cancels counts as interrupted."""
    host.script = [PLAN, ROW, FINISHED | end]
    outcome = command(*COMMAND, *OUT)
    assert outcome.code == code
    for word in (*end.get("unsaved_lines", ()), end.get("message") or ""):
        assert word in outcome.err


def raising(number: signal.Signals) -> Callable[[], None]:
    """What the system does."""
    return lambda: signal.raise_signal(number)


@pytest.mark.parametrize("times", [1, 2])
def test_each_of_two_signals_asks_the_job_to_stop(
    command: Command, host: FakeHost, times: int
) -> None:
    """The first in order, the second at the provider; the exit code is the first one's."""
    signals = [signal.SIGTERM, signal.SIGINT][:times]
    host.script = [PLAN, *map(raising, signals), FINISHED | {"reason": "stopped"}]
    assert command(*COMMAND, *OUT).code == 143
    assert host.cancelled == ["job_1"] * times


def test_a_third_signal_ends_at_once(
    command: Command, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows that were begun are in the ledger."""

    def end(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(os, "_exit", end)
    host.script = [PLAN, *[raising(signal.SIGINT)] * 3, FINISHED]
    assert command(*COMMAND, *OUT).code == 130


def test_a_signal_before_the_rows_ends_the_command(
    command: Command, host: FakeHost
) -> None:
    """As while the table is read; nothing is sent."""
    host.script = [raising(signal.SIGTERM), PLAN, ROW, FINISHED]
    outcome = command(*COMMAND, *OUT)
    assert (outcome.code, outcome.out, host.cancelled) == (143, "", [])


def test_a_reader_that_leaves_stops_the_job_without_an_error(
    command: Command, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in `--json | head`; it is asked once, in order."""
    reader, writer = os.pipe()
    end = FINISHED | {"reason": "stopped"}
    host.script = [PLAN, lambda: os.close(reader), ROW, ROW, end]
    with suppress(OSError), os.fdopen(writer, "w", encoding="utf-8") as broken:
        monkeypatch.setattr(sys, "stdout", broken)
        code = command(*COMMAND, *OUT, "--json").code
    assert (code, host.cancelled) == (0, ["job_1"])


def test_without_a_reader_of_the_plan_nothing_begins(
    command: Command, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its price was not seen."""
    reader, writer = os.pipe()
    os.close(reader)
    seen: list[int] = []
    host.script = [PLAN, lambda: seen.append(1), FINISHED]
    with suppress(OSError), os.fdopen(writer, "w", encoding="utf-8") as broken:
        monkeypatch.setattr(sys, "stdout", broken)
        code = command(*COMMAND, *OUT, "--json").code
    assert (code, seen) == (0, [])


@pytest.mark.parametrize("terminal", [True, False])
def test_the_progress_has_rate_cost_and_time_left(
    command: Command, host: FakeHost, monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    """On a terminal as a moving line, elsewhere as a line each minute."""
    shown: list[str] = []
    now = [100.0]
    monkeypatch.setattr(table_progress, "stderr_is_terminal", lambda: terminal)
    monkeypatch.setattr(progress.Spinner, "show", lambda _, text: shown.append(text))
    monkeypatch.setattr(table_progress, "say", shown.append)
    # Not that of the process: the servers of other tests live by it.
    clock = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr(table_progress, "time", clock)

    def later(seconds: float) -> Callable[[], None]:
        return lambda: now.__setitem__(0, now[0] + seconds)

    host.script = [
        PLAN,
        *(later(0.01), ROW),
        *(later(61), ROW | {"left": 1, "cost": None}),
        *(later(61), ROW | {"left": 0}),
        FINISHED,
    ]
    assert command(*COMMAND, *OUT).code == 0
    begun, *lines = shown if terminal else ["0 of 3 rows", *shown]
    assert begun == "0 of 3 rows"
    assert len(lines) == 2
    for word in ("2 of 3 rows", "a minute", "0.005 USD", "left"):
        assert word in lines[0]
    assert "left" not in lines[1]


WRITE = ("run-table", "--job", "reports", "--out", "out.csv")


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ({}, 0),
        ({"rows": {"done": 1, "planned": 2}, "reason": "stopped"}, 6),
        ({"reason": "failed", "message": "No space left"}, 1),
    ],
)
def test_a_job_and_a_file_alone_write_the_records_of_the_job(
    command: Command,
    host: FakeHost,
    ledger: FakeLedger,
    end: dict[str, Any],
    code: int,
) -> None:
    """Nothing runs. The exit code says whether all rows are done."""
    host.script = [FINISHED | end]
    outcome = command(*WRITE, "--raw")
    assert outcome.code == code
    assert "out.csv" in outcome.out
    assert host.runs == [("write", ("reports", "out.csv"), {"raw": True})]
    assert host.options[-1]["ledger"] is ledger


def test_the_end_of_a_writing_is_a_line_of_json(
    command: Command, host: FakeHost
) -> None:
    """As that of a table."""
    host.script = [FINISHED]
    outcome = command(*WRITE, "--json")
    assert (outcome.code, json.loads(outcome.out)) == (0, FINISHED)


@pytest.mark.parametrize(
    "line",
    [
        ("run-table", *OUT),
        ("run-table", "look", *OUT),
        ("run-table", "look", "--job", "reports", *OUT),
        (*WRITE, "--budget", "5"),
        (*WRITE, "--retry", "failed"),
        (*WRITE, "--sandbox"),
    ],
)
def test_options_of_a_table_need_one(
    command: Command, host: FakeHost, line: tuple[str, ...]
) -> None:
    """Exit code 2: nothing is left out in silence."""
    assert (command(*line).code, host.runs) == (2, [])
