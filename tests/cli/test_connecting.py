"""`connect` on a terminal asks again; `connect --sandbox` and `test --sandbox` exercise without a real key."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from perplexity_connector.cli import hosts
from perplexity_connector.host import ConnectionStore, Host, HostOptions
from tests.cli.conftest import Command
from tests.host.stage import changed, toy_host

GOOD, BAD = "test-good", "bad-secret-token"
PLACE = """
sandbox:
  start: tests.cli.test_connecting:sandbox
  settings: {greeting: "{address}"}
  connection: {token: test-good}
  test_prefixes: {token: test-}
actions:"""


@contextmanager
def sandbox(*, pace: float) -> Iterator[str]:
    """A sandbox that serves nothing."""
    yield f"http://127.0.0.1:9/{pace}"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ConnectionStore:
    """The command line's host has a toy with a sandbox, and this store."""
    kept = ConnectionStore(tmp_path / "store", {})
    manifest = changed(
        tmp_path / "toy", lambda text: text.replace("\nactions:", PLACE, 1)
    )

    def make(options: HostOptions) -> Host:
        given: dict[str, Any] = {"store": kept, "environ": os.environ, **options}
        return toy_host(manifest=manifest, **given)

    monkeypatch.setattr(hosts, "make_host", make)
    return kept


def typing(monkeypatch: pytest.MonkeyPatch, *typed: str) -> list[str]:
    """Answer each question with the next text; the questions are kept."""
    asked: list[str] = []
    answers = iter(typed)

    def prompt(text: str, **_: object) -> str:
        asked.append(text)
        return next(answers)

    monkeypatch.setattr("typer.prompt", prompt)
    return asked


def connect(command: Command, *options: str, **how: Any) -> Any:
    """The outcome of `connect --connector toy`, which never shows a secret."""
    outcome = command("connect", "--connector", "toy", *options, **how)
    assert BAD not in outcome.out + outcome.err
    return outcome


def test_on_a_terminal_a_refused_key_is_asked_for_again(
    command: Command, store: ConnectionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name stays, and only the good key is kept."""
    asked = typing(monkeypatch, "Mine", BAD, BAD, GOOD)
    outcome = connect(command, terminal=True)
    assert outcome.code == 0
    assert asked == ["Connection Name", "Token", "Token", "Token"]
    assert outcome.err.count("invalid_credentials") == 2
    assert [(one.name, one.fields["token"]) for one in store.read()] == [("Mine", GOOD)]


def test_an_exercise_goes_as_the_real_thing_and_keeps_nothing(
    command: Command, store: ConnectionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal it shows the test value; a machine gets the same document."""
    typing(monkeypatch, GOOD)
    outcome = connect(command, "Mine", "--sandbox", terminal=True)
    assert (outcome.code, GOOD in outcome.err) == (0, True)
    piped = connect(command, "Mine", "--sandbox", "--json", stdin=GOOD.encode())
    connection = json.loads(piped.out)["connection"]
    assert connection["connection_name"] == "Mine"
    assert store.read() == []


@pytest.mark.parametrize("options", [(), ("--replace",), ("--no-test",)])
def test_an_exercise_takes_no_real_key_and_replaces_none(
    command: Command, store: ConnectionStore, options: tuple[str, ...]
) -> None:
    """A real one that is typed by mistake goes nowhere."""
    outcome = connect(command, "Mine", "--sandbox", *options, stdin=BAD.encode())
    assert (outcome.code, outcome.out) == (2, "")
    assert store.read() == []


def test_the_test_of_a_sandbox_uses_its_own_credential(
    command: Command, store: ConnectionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No stored one, and the environment's only if it is a test value."""
    monkeypatch.setenv("TOY_TOKEN", BAD)
    outcome = command("test", "--sandbox")
    assert (outcome.code, "sandbox (toy): ok" in outcome.out) == (0, True)
    statuses = json.loads(command("test", "--sandbox", "--json").out)
    assert {status["outcome"] for status in statuses} == {"ok"}
    assert command("test", "Mine", "--sandbox").code == 2
    assert store.read() == []
