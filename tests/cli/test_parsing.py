"""Command lines that cannot be parsed: the answer never repeats what was typed, which may be a key."""

import sys
from collections.abc import Iterator

import pytest

from perplexity_connector.__main__ import main
from tests.cli.conftest import Command
from tests.cli.fakes import FakeHost
from tests.cli.ledger import FakeLedger

KEY = "pplx-sEnTiNeLx0123456789abcdef"
TABLE = ["run-table", "look", "table.csv", "--out", "out.csv"]
# Every place of a command line where a key could be typed or pasted by mistake.
LINES = [
    *([KEY], [f"--{KEY}"], [f"-{KEY}"], [f"--version={KEY}"], ["actions", KEY]),
    *(["actions", f"--{KEY}"], ["actions", f"--json={KEY}"], ["describe"]),
    *(["describe", KEY], ["describe", "look", KEY], ["run", KEY]),
    *(["run", "look", KEY], ["run", "look", "query=x", f"query.{KEY}.0=1"]),
    *(["run", "look", "query=x", f"query.{KEY}=1"], ["run", "look", f"--{KEY}"]),
    *(["run", "look", "--input", KEY], ["run", "look", "--input", f'{{"a": {KEY}']),
    *(["run", "look", "--input", f"@{KEY}"], ["run", "look", "--timeout", KEY]),
    *(["run", "look", "--connection", KEY], ["run", "--resume", KEY]),
    *(["run", "--forget", KEY], ["run", "look", "--timeout"]),
    *(["run-flow", KEY], ["run-flow", "a", KEY], ["run-flow", "-", f"--time={KEY}"]),
    *(["connect", "a", KEY], ["connect", "a", "--connector", KEY]),
    *(["test", KEY], ["disconnect", KEY], ["disconnect"]),
    ["models", "a", KEY],
    *(["sandbox", "--port", KEY], ["sandbox", "--port", "70000"], ["sandbox", KEY]),
    *(["workbench", "--port", KEY], ["workbench", f"--browser={KEY}"]),
    *(
        ["run-table", KEY],
        ["run-table", "look", KEY],
        [*TABLE, KEY],
        [*TABLE, f"={KEY}"],
    ),
    *([*TABLE, "a=b", option, KEY] for option in ("--budget", "--at-once", "--retry")),
    *([*TABLE, "a=b", option, KEY] for option in ("--column", "--connection")),
    *(["runs", KEY], ["runs", "--status", KEY], ["runs", "--since", KEY]),
    *(["runs", "--limit", KEY], ["runs", "--limit", "0"], ["usage", "--by", KEY]),
    *(["runs", command, KEY] for command in ("show", "resume", "cancel", "forget")),
    *(["mcp", "--http", KEY], ["mcp", "--host", KEY], ["mcp", "--connection", KEY]),
]


@pytest.fixture(autouse=True)
def _toy(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "connections", _NoConnections(), raising=False)


class _NoConnections:
    def list(self) -> list[object]:
        """There are none."""
        return []


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_no_mistake_in_a_command_line_repeats_what_was_typed(
    command: Command, line: list[str]
) -> None:
    """Exit 2 and at most two lines, which say what to do."""
    outcome = command(*line)
    assert (outcome.code, outcome.out) == (2, "")
    assert KEY not in outcome.err
    assert outcome.err.count("\n") in {1, 2}


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_no_exception_of_a_mistake_holds_what_was_typed(
    monkeypatch: pytest.MonkeyPatch, line: list[str]
) -> None:
    """Neither the last one nor one before it."""
    monkeypatch.setattr(sys, "argv", ["perplexity-connector", *line])
    with pytest.raises(SystemExit) as end:
        main()
    for error in chain(end.value):
        assert KEY not in f"{error!r} {error} {vars(error)}"


def chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and all that it came from, hidden or not."""
    waiting = [error]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += [each for each in (one.__cause__, one.__context__) if each]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (["run", "look", "--strean"], "--stream"),
        (["sandbox", "--port", "x"], "65535"),
        (["runs", "--limit", "0"], " 1."),
        (["run", "look", "--timeout", "x"], "a number"),
        (["run", "look", "--timeout"], "--timeout"),
        (["disconnect"], "NAME"),
        (["nonsense"], "run-flow"),
        (["disconnect"], "perplexity-connector disconnect --help"),
    ],
)
def test_a_mistake_names_what_the_program_knows(
    command: Command, line: list[str], wanted: str
) -> None:
    """Its own options, arguments and commands."""
    assert wanted in command(*line).err


def test_without_any_argument_the_help_is_shown(command: Command) -> None:
    """With every command in it."""
    assert "run-flow" in command().err


def test_the_ledger_lists_only_ids(command: Command, ledger: FakeLedger) -> None:
    """The ids that it knows, and not the one that was typed."""
    ledger.keep("run_1")
    assert "run_1" in command("run", "--resume", KEY).err
