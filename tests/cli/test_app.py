import json
from contextlib import redirect_stdout
from importlib.metadata import version
from io import StringIO
from typing import cast

import pytest

from perplexity_connector.cli import hosts
from perplexity_connector.cli.hosts import make_ledger
from perplexity_connector.host import Host, HostOptions, Ledger
from tests.cli.conftest import Command
from tests.cli.fakes import DESCRIPTION, ENTRY, FakeHost, envelope
from tests.cli.ledger import FakeLedger


def test_the_palette_is_listed(command: Command, host: FakeHost) -> None:
    """Every action by the name that `run` takes."""
    outcome = command("actions")
    assert outcome.code == 0
    assert outcome.out.startswith("toy.look ")
    assert host.runs == []


def test_the_palette_as_json_is_the_hosts_own(command: Command, host: FakeHost) -> None:
    """For programs: nothing else stands on stdout."""
    assert json.loads(command("actions", "--json").out) == [ENTRY]
    assert host.runs == []


def test_a_connector_that_cannot_be_read_is_told_and_breaks_nothing(
    command: Command, host: FakeHost
) -> None:
    """A line on stderr names it; the others are listed."""
    host.faults = [{"connector": "bad", "message": "No\nmanifest."}]
    outcome = command("actions")
    assert outcome.code == 0
    assert "bad" in outcome.err
    assert outcome.err.count("\n") == 1
    assert "toy.look" in outcome.out


def test_an_action_is_described(command: Command, host: FakeHost) -> None:
    """By any of its names."""
    for name in ("look", "toy.look", "toy/look"):
        assert "options.depth" in command("describe", name).out
    assert host.runs == []


def test_a_description_as_json_is_the_hosts_own(
    command: Command, host: FakeHost
) -> None:
    """Manifest entry, schemas, labels and examples."""
    assert json.loads(command("describe", "look", "--json").out) == DESCRIPTION
    assert host.runs == []


def test_the_version_is_the_packages(command: Command) -> None:
    """As it was installed."""
    outcome = command("--version")
    assert (outcome.code, outcome.out) == (0, version("perplexity-connector") + "\n")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nonsense",),
        ("run",),
        ("actions", "--nonsense"),
        ("sandbox", "--port", "x"),
    ],
)
def test_a_command_line_that_cannot_be_parsed_ends_with_two(
    command: Command, arguments: tuple[str, ...]
) -> None:
    """Nothing on stdout."""
    outcome = command(*arguments)
    assert outcome.code == 2
    assert outcome.err


def test_output_goes_to_whatever_stands_for_stdout(
    command: Command, host: FakeHost
) -> None:
    """A program that embeds the command may have put a buffer there."""
    with redirect_stdout(StringIO()) as buffer:
        command("actions")
    assert "toy.look" in buffer.getvalue()
    assert host.runs == []


def test_a_user_without_a_home_gets_the_answer_and_a_warning(
    command: Command, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container under a number that no account has; there is no place for a ledger."""

    def homeless(_: str) -> None:
        raise RuntimeError

    monkeypatch.setattr("platformdirs.user_state_path", homeless)
    monkeypatch.setattr(hosts, "make_ledger", make_ledger)
    host.script = [envelope(output={"content": "Far."})]
    outcome = command("run", "look")
    assert (outcome.code, outcome.out.splitlines()[0]) == (0, "Far.")
    assert outcome.err.startswith("warning: ")
    assert command("run", "--resume", "run_1").code == 1


def test_the_host_is_the_reference_host() -> None:
    """With the settings given."""
    assert isinstance(hosts.make_host({}), Host)


def test_a_daily_budget_counts_for_runs_and_disturbs_no_other_command(
    command: Command, ledger: FakeLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even one that cannot be read, which a run names."""
    monkeypatch.setenv("AUTOMATION_HOST_DAILY_BUDGET", "5")
    counting = HostOptions(ledger=cast("Ledger", ledger))
    assert hosts.make_host(counting)._daily_cap == 5_000_000_000
    monkeypatch.setenv("AUTOMATION_HOST_DAILY_BUDGET", "much")
    assert command("actions").code == 0
    outcome = command("run", "execute_search", "query=moon", "--sandbox")
    assert (outcome.code, outcome.out) == (2, "")
