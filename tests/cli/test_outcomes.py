"""Each outcome of a connection test, as the command line tells it, against a sandbox and where none is."""

import socket
from collections.abc import Iterator

import pytest

from perplexity_connector.sandbox import Sandbox, keys
from tests.cli.conftest import Command

OUTCOMES = {
    keys.GOOD_KEY: ("ok", 0),
    keys.WRONG_KEY: ("invalid_credentials", 3),
    keys.ORGANISATION_KEY: ("permission_denied", 3),
    keys.NO_CREDIT_KEY: ("quota_exhausted", 3),
    keys.ALWAYS_LIMITED_KEY: ("rate_limited", 4),
}


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox that stands in for the real service; afterwards it tells that it was only looked at."""
    with Sandbox() as running:
        monkeypatch.setenv("PERPLEXITY_BASE_URL", running.url)
        yield running
        assert {record.method for record in running.requests} <= {"GET"}
        assert (running.billed_runs, running.billed_searches) == (0, 0)


@pytest.fixture
def closed_port() -> str:
    """The address of a port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def outcome_of(command: Command, key: str) -> tuple[str, int]:
    """The outcome of testing a stored key, and the exit code; it is told on one line, without the key."""
    assert command("connect", "Mine", "--no-test", stdin=key.encode()).code == 0
    outcome = command("test", "Mine")
    (line,) = outcome.out.splitlines()
    assert key not in line
    assert outcome.err == ""
    return line.split(": ")[1], outcome.code


@pytest.mark.parametrize("key", OUTCOMES)
def test_each_test_key_has_its_outcome(
    command: Command, sandbox: Sandbox, key: str
) -> None:
    """In a word, and in the exit code; both requests are free ones."""
    assert outcome_of(command, key) == OUTCOMES[key]
    assert sandbox.requests


def test_a_wrong_base_url_is_unknown(
    command: Command, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something answers there, but not the provider."""
    monkeypatch.setenv("PERPLEXITY_BASE_URL", f"{sandbox.url}/elsewhere")
    assert outcome_of(command, keys.GOOD_KEY) == ("unknown", 5)


def test_where_nobody_listens_it_is_unreachable(
    command: Command, closed_port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the key may be good."""
    monkeypatch.setenv("PERPLEXITY_BASE_URL", closed_port)
    assert outcome_of(command, keys.GOOD_KEY) == ("unreachable", 4)


def test_a_connection_is_made_tested_and_used_without_naming_the_connector(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is one; a run over it is a run with its key, and the environment's is not touched."""
    monkeypatch.setenv("PERPLEXITY_API_KEY", keys.WRONG_KEY)
    with Sandbox() as running:
        monkeypatch.setenv("PERPLEXITY_BASE_URL", running.url)
        assert command("connect", "Mine", stdin=keys.GOOD_KEY.encode()).code == 0
        assert (
            command("run", "execute_search", "query=moon", "--connection", "Mine").code
            == 0
        )
        assert command("run", "execute_search", "query=moon").code == 3
        listed = command("models", "sonar", "--connection", "mine")
        assert listed.err == ""
    assert [line.split()[0] for line in listed.out.splitlines()][:2] == [
        "sonar",
        "sonar-pro",
    ]
    assert "perplexity/sonar" in listed.out


def test_without_a_key_the_models_are_those_that_were_shipped(
    command: Command, closed_port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a word on why, on stderr."""
    monkeypatch.delenv("PERPLEXITY_API_KEY", raising=False)
    monkeypatch.setenv("PERPLEXITY_BASE_URL", closed_port)
    outcome = command("models", "--json")
    assert outcome.code == 0
    assert '"sonar-pro"' in outcome.out
    assert outcome.err.startswith("note: ")
