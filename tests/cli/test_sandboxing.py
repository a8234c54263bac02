import signal
import socket
import sys

import pytest

from perplexity_connector.cli import sandboxing
from perplexity_connector.sandbox import GOOD_KEY, keys, prompts
from tests.cli.conftest import Command
from tests.cli.fakes import DESCRIPTION, FakeHost


@pytest.mark.parametrize(
    ("in_the_environment", "sent"),
    [
        (None, GOOD_KEY),
        ("pplx-a-real-key", GOOD_KEY),
        ("xpplx-test-wrong", GOOD_KEY),
        ("pplx-test-wrong", "pplx-test-wrong"),
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
    assert host.settings[-1]["toy"]["base_url"].startswith("http://127.0.0.1:")
    assert host.runs[-1][2]["connection"] == {
        "connection_name": "Sandbox",
        "api_key": sent,
    }
    assert outcome.err.count("\n") == 1


def test_a_connector_without_a_base_url_has_no_sandbox(
    command: Command, host: FakeHost
) -> None:
    """Its real service would be reached instead."""
    host.description = DESCRIPTION | {
        "connector": {"id": "toy", "settings": [{"name": "other"}]}
    }
    assert command("run", "look", "--sandbox").code == 2
    assert host.runs == []


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
