import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from perplexity_connector.cli import sandboxing
from perplexity_connector.cli.targets import private_sandboxes
from perplexity_connector.sandbox import GOOD_KEY, keys, prompts
from tests.cli.conftest import Command
from tests.cli.fakes import DESCRIPTION, SANDBOX, Document, FakeHost


@pytest.mark.parametrize(
    ("in_the_environment", "sent"),
    [
        (None, "test-good"),
        ("a-real-key", "test-good"),
        ("xtest-wrong", "test-good"),
        ("test-wrong", "test-wrong"),
    ],
)
def test_a_sandbox_run_has_a_private_sandbox_and_a_test_key(
    command: Command,
    host: FakeHost,
    monkeypatch: pytest.MonkeyPatch,
    in_the_environment: str | None,
    sent: str,
) -> None:
    """A test key from the environment is taken, a real one never."""
    monkeypatch.delenv("TOY_KEY", raising=False)
    if in_the_environment:
        monkeypatch.setenv("TOY_KEY", in_the_environment)
    outcome = command("run", "look", "--sandbox", "query=a")
    assert outcome.code == 0
    base_url = "http://127.0.0.1:9/0.0/v1"
    assert host.options[-1]["settings"] == {
        "toy": {"base_url": base_url, "retries": "0"}
    }
    assert host.runs[-1][2]["connection"] == {"api_key": sent, "account": "any"}
    assert outcome.err.count("\n") == 1


def without_sandbox(**parts: object) -> Document:
    """The description of a connector with another sandbox, or without one."""
    connector = DESCRIPTION["connector"] | {"sandbox": None} | parts
    return DESCRIPTION | {"connector": connector}


def test_a_connector_without_a_sandbox_is_named_and_not_run(
    command: Command, host: FakeHost
) -> None:
    """Its real service would be reached instead; a setting called base_url is no invitation."""
    host.description = without_sandbox()
    outcome = command("run", "look", "query=a", "--sandbox")
    assert outcome.code == 2
    assert outcome.err.startswith("error: toy ")
    assert host.runs == []


@contextmanager
def numbered(*, pace: float) -> Iterator[float]:
    """A sandbox whose address is not text."""
    yield pace


def exiting(*, pace: float) -> None:
    """A sandbox that ends the process."""
    raise SystemExit(pace)


@pytest.mark.parametrize(
    "start",
    [
        "no_such_package:start",
        "tests.cli.fakes:no_such",
        "tests.cli.fakes:stopped",
        f"{__name__}:numbered",
        f"{__name__}:exiting",
    ],
)
def test_a_sandbox_that_cannot_be_started_is_an_error_of_the_connector(
    command: Command, host: FakeHost, start: str
) -> None:
    """One line, and nothing is sent."""
    host.description = without_sandbox(sandbox=SANDBOX | {"start": start})
    outcome = command("run", "look", "query=a", "--sandbox")
    assert outcome.code == 1
    assert "toy" in outcome.err
    assert "Traceback" not in outcome.err
    assert host.runs == []


class Unstoppable:
    """A sandbox whose end fails, with a key in the text."""

    def __init__(self, *, pace: float) -> None:
        """Start."""

    def __enter__(self) -> str:
        """Give an address."""
        return "http://127.0.0.1:9"

    def __exit__(self, *_: object) -> None:
        """Fail."""
        raise RuntimeError(GOOD_KEY)


class Greedy(Unstoppable):
    """A sandbox that hides the error of what runs in it."""

    def __exit__(self, *error: object) -> bool:  # type: ignore[override]
        """Hide it."""
        return True


def test_a_sandbox_that_fails_at_its_end_changes_nothing_for_the_run(
    command: Command, host: FakeHost
) -> None:
    """The failure is named, without its text."""
    start = f"{__name__}:Unstoppable"
    host.description = without_sandbox(sandbox=SANDBOX | {"start": start})
    outcome = command("run", "look", "query=a", "--sandbox")
    assert outcome.code == 0
    assert "RuntimeError" in outcome.err
    assert GOOD_KEY not in outcome.err


def test_a_sandbox_cannot_hide_an_error() -> None:
    """It learns of none."""
    start = f"{__name__}:Greedy"
    connector: Any = without_sandbox(sandbox=SANDBOX | {"start": start})["connector"]
    with pytest.raises(LookupError), private_sandboxes([connector]):
        raise LookupError


def test_the_sandbox_of_perplexity_is_the_one_that_its_manifest_names(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real key stays here; a test key of the environment is used, and is refused as it should be."""
    search = ("run", "execute_search", "query=moon", "--sandbox", "--json")
    monkeypatch.setenv("PERPLEXITY_API_KEY", "pplx-a-real-one")
    assert command(*search).code == 0
    monkeypatch.setenv("PERPLEXITY_API_KEY", keys.WRONG_KEY)
    assert command(*search).code == 3


def test_the_sandbox_serves_until_ctrl_c(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It prints its address, how to use it, all its keys and prompts, and ends as it should."""
    tell = sandboxing._print_instructions

    def tell_and_interrupt(url: str) -> None:
        tell(url)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(sandboxing, "_print_instructions", tell_and_interrupt)
    outcome = command("sandbox")
    assert outcome.code == 0
    assert "export PERPLEXITY_BASE_URL=http://127.0.0.1:" in outcome.out
    assert f"PERPLEXITY_API_KEY={GOOD_KEY}" in outcome.out
    assert "daily budget" in outcome.out
    listed = [line.split()[0] for line in outcome.out.splitlines() if line[:2] == "  "]
    words = [f"sandbox:{prompt}" for prompt in prompts.MEANINGS]
    assert listed == [*keys.MEANINGS, *words]


@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows lets two servers listen on one port"
)
def test_a_port_that_is_taken_is_told(command: Command) -> None:
    """Usage, not a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        outcome = command("sandbox", "--port", str(taken.getsockname()[1]))
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
