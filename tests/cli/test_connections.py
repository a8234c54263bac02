"""`connect`, `connections`, `test`, `disconnect` and `models`, over a real host with the toy in it."""

import io
import json
import os
import pty
import select
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perplexity_connector.__main__ import main
from perplexity_connector.cli import hosts, language_models
from perplexity_connector.cli.connections import EXIT_BY_OUTCOME
from perplexity_connector.contract import ConnectionOutcome
from perplexity_connector.host import ConnectionStore, Host, HostOptions
from tests.cli.conftest import Command, Outcome
from tests.cli.screens import screen
from tests.host.stage import changed, toy_host

GOOD, BAD = b"toy-secret-token\n", b"bad-secret-token"
SECRETS = ("toy-secret-token", "bad-secret-token")


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ConnectionStore:
    """The command line's host has the toy, and this store."""
    store = ConnectionStore(tmp_path / "store", {})

    def make(options: HostOptions) -> Host:
        given: dict[str, Any] = {"store": store, "environ": os.environ, **options}
        return toy_host(**given)

    monkeypatch.setattr(hosts, "make_host", make)
    return store


@pytest.fixture
def connect(command: Command, toys: ConnectionStore) -> Command:
    """`connect --connector toy`, with the key on stdin."""
    del toys

    def run(*arguments: str, stdin: bytes = GOOD) -> Outcome:
        outcome = command("connect", "--connector", "toy", *arguments, stdin=stdin)
        assert not any(secret in outcome.out + outcome.err for secret in SECRETS)
        return outcome

    return run


def names(command: Command) -> list[str]:
    """The names of the stored connections."""
    return [
        connection["connection_name"]
        for connection in json.loads(command("connections", "--json").out)
    ]


def test_a_good_key_from_stdin_is_kept_and_only_its_fingerprint_shown(
    connect: Command, command: Command
) -> None:
    """Trimmed, tested, and listed by name."""
    assert connect("Mine").code == 0
    listed = command("connections")
    assert (listed.code, listed.out.split()[:2]) == (0, ["Mine", "toy"])
    assert not any(secret in listed.out for secret in SECRETS)
    assert command("test", "mine").out.startswith("Mine: ok: ")


def test_a_key_that_the_test_refuses_is_not_kept(
    connect: Command, command: Command
) -> None:
    """The exit code says why; --no-test keeps it all the same, and asks nobody."""
    assert connect("Mine", stdin=BAD).code == 3
    assert names(command) == []
    assert connect("Mine", "--no-test", stdin=BAD).code == 0
    assert command("test", "Mine").code == 3


def test_connecting_tells_a_machine_what_became_of_it(connect: Command) -> None:
    """What is kept, and what the test said, as JSON."""
    told = json.loads(connect("Mine", "--json").out)
    assert (told["connection"]["connection_name"], told["status"]["outcome"]) == (
        "Mine",
        "ok",
    )
    told = json.loads(connect("Other", "--json", stdin=BAD).out)
    assert (told["connection"], told["status"]["outcome"]) == (
        None,
        "invalid_credentials",
    )
    told = json.loads(connect("Other", "--json", "--no-test").out)
    assert (told["connection"]["connection_name"], told["status"]) == ("Other", None)


def test_a_name_that_is_taken_is_refused_unless_its_key_is_to_be_replaced(
    connect: Command, command: Command
) -> None:
    """And one that is not there cannot have its key replaced."""
    assert connect("Mine").code == 0
    assert connect("mine").code == 2
    assert connect("Other", "--replace").code == 2
    before = command("connections", "--json").out
    assert connect("MINE", "--replace", "--no-test", stdin=BAD).code == 0
    assert command("connections", "--json").out != before
    assert names(command) == ["Mine"]


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        (("connect", "--connector", "toy"), GOOD),
        (("connect", "Mine"), GOOD),
        (("connect", "Mine", "--connector", "x"), GOOD),
    ],
)
def test_what_cannot_be_asked_for_has_to_be_said(
    command: Command, toys: ConnectionStore, arguments: tuple[str, ...], stdin: bytes
) -> None:
    """The name, where there is no terminal, and the connector, where there are several."""
    assert command(*arguments, stdin=stdin).code == 2
    assert toys.read() == []


def test_a_credential_of_several_fields_needs_a_terminal(
    connect: Command, toys: ConnectionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line of stdin could not fill them."""
    original = Host.describe

    def describe(host: Host, *which: str) -> object:
        found = original(host, *which)  # type: ignore[arg-type]
        found["schemas"]["connection"]["required"] = ["token", "pin"]  # type: ignore[index]
        return found

    monkeypatch.setattr(Host, "describe", describe)
    assert connect("Mine").code == 2
    assert toys.read() == []


def test_an_empty_key_is_refused(connect: Command, command: Command) -> None:
    """By the form, before anything is sent; without the test as well."""
    assert connect("Mine", stdin=b"\n").code == 3
    assert connect("Mine", "--no-test", stdin=b"\n").code == 3
    assert names(command) == []


def test_every_connection_is_tested_when_none_is_named(
    connect: Command, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment's too, where it has one; the exit code is that of the first one that is not good."""
    connect("Good")
    assert command("test").code == 0
    connect("Worse", "--no-test", stdin=BAD)
    monkeypatch.setenv("TOY_TOKEN", "bad-secret-token")
    outcome = command("test")
    lines = outcome.out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "Good",
        "Worse",
        "environment (toy)",
    ]
    assert outcome.code == 3
    told = json.loads(command("test", "--json").out)
    assert [status["outcome"] for status in told] == [
        "ok",
        "invalid_credentials",
        "invalid_credentials",
    ]
    assert told[0]["connection_name"] == "Good"


def test_a_connection_whose_connector_is_gone_keeps_no_other_from_being_tested(
    connect: Command, command: Command, toys: ConnectionStore
) -> None:
    """It has a line of its own; tested alone, it is a refusal as ever."""
    connect("Good")
    toys.change(
        lambda there: [replace(there[0], name="Astray", connector="gone"), *there]
    )
    outcome = command("test")
    assert [line.split(": ")[:2] for line in outcome.out.splitlines()] == [
        ["Astray", "unknown"],
        ["Good", "ok"],
    ]
    assert outcome.code == 5
    alone = command("test", "Astray")
    assert (alone.code, alone.out) == (5, "")


def test_without_any_connection_the_test_says_what_is_missing(
    command: Command, toys: ConnectionStore
) -> None:
    """For every connector that is there."""
    del toys
    outcome = command("test")
    assert outcome.code == 3
    assert "environment (toy): invalid_credentials" in outcome.out
    assert command("connections").out == ""


def test_a_forgotten_connection_is_gone(connect: Command, command: Command) -> None:
    """Upper and lower case count as one."""
    connect("Mine")
    assert command("disconnect", "MINE").code == 0
    assert names(command) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("test", "toy-secret-token"),
        ("disconnect", "toy-secret-token"),
        ("models", "--connection", "x"),
    ],
)
def test_a_name_that_is_not_there_is_a_mistake_of_the_user(
    connect: Command,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
) -> None:
    """What there is is named; what was typed is not repeated, since it may be a key."""
    monkeypatch.setattr(language_models, "SOURCE", "tones")
    connect("Mine")
    outcome = command(*arguments)
    assert outcome.code == 2
    assert "Mine" in outcome.err
    assert "toy-secret-token" not in outcome.err


@pytest.mark.parametrize("name", ["MINE", " mine ", "\uff2d\uff29\uff2e\uff25"])
def test_a_name_is_found_however_it_is_written(
    connect: Command, command: Command, name: str
) -> None:
    """What the store counts as the same name, the command line does too, and before it asks for a key."""
    connect("Mine")
    assert command("test", name).out.startswith("Mine: ok")
    assert connect(name).code == 2


def test_a_run_over_a_stored_connection_names_it(
    connect: Command, command: Command
) -> None:
    """One that is not there is a mistake, and a sandbox has one of its own."""
    connect("Mine")
    assert command("run", "count", "text=abc", "--connection", "mine").code == 0
    assert command("run", "count", "text=abc", "--connection", "gone").code == 2
    assert (
        command("run", "count", "text=abc", "--connection", "mine", "--sandbox").code
        == 2
    )


def test_a_broken_store_is_told_in_words(
    connect: Command, command: Command, tmp_path: Path
) -> None:
    """With the exit code of a credential that cannot be used."""
    connect("Mine")
    (tmp_path / "store" / "connections.json").write_text("{", encoding="utf-8")
    for arguments in (("connections",), ("test",), ("disconnect", "Mine")):
        assert command(*arguments).code == 3


def test_models_are_listed_with_what_they_are_and_a_note(
    connect: Command, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All pages of them; the note goes to stderr."""
    monkeypatch.setattr(language_models, "SOURCE", "tones")
    connect("Mine")
    outcome = command("models", "--connection", "mine")
    assert (outcome.code, outcome.out.split()) == (0, ["warm", "cool"])
    assert outcome.err == "note: Two.\n"
    told = json.loads(command("models", "--json").out)
    assert [option["label"] for option in told] == ["without", "Cool"]
    assert command("models", "cool").out.split() == ["cool"]


def test_lists_are_tables_on_a_terminal(
    connect: Command, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With headers, and all that a pipe gets; --plain is the text of a pipe."""
    monkeypatch.setattr(language_models, "SOURCE", "tones")
    connect("Mine")
    for arguments in (
        ("connections",),
        ("test",),
        ("models", "--connection", "mine"),
    ):
        piped = command(*arguments).out
        with screen() as shown:
            command(*arguments)
        with screen() as plain:
            command(*arguments, "--plain")
        assert plain.getvalue() == piped
        first, *rest = shown.text.splitlines()
        assert not set(first.split()) & set(piped.split())
        assert "\n".join(rest).split() == piped.replace(": ", " ").split()


def test_models_of_nobody_are_a_mistake(
    command: Command, toys: ConnectionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No connector has such a list."""
    del toys
    monkeypatch.setattr(language_models, "SOURCE", "no such source")
    assert command("models").code == 2


def test_every_outcome_has_an_exit_code() -> None:
    """None is forgotten."""
    assert set(EXIT_BY_OUTCOME) == set(ConnectionOutcome)


def test_on_a_terminal_what_is_missing_is_asked_for(
    command: Command, toys: ConnectionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guide first, unless a key is replaced; a secret is asked for without showing it."""
    asked: list[tuple[str, bool]] = []

    def prompt(text: str, *, err: bool, hide_input: bool = False) -> str:
        assert err
        asked.append((text, hide_input))
        return "toy-secret-token" if hide_input else "Mine"

    monkeypatch.setattr("typer.prompt", prompt)
    outcome = command("connect", "--connector", "toy", terminal=True)
    assert asked == [("Connection Name", False), ("Token", True)]
    assert "1. Make one up" in outcome.err
    assert [one.name for one in toys.read()] == ["Mine"]
    assert (
        "1. Make one up"
        not in command(
            "connect", "Mine", "--connector", "toy", "--replace", terminal=True
        ).err
    )


def test_a_question_has_no_control_characters_of_the_form(
    command: Command,
    toys: ConnectionStore,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """A title that another wrote could rewrite the screen."""
    del toys
    asked: list[str] = []
    field = {"type": "string", "title": "\x1b[2JTo\u202e\nken", "format": "password"}
    form = {"type": "object", "properties": {"token": field}, "required": ["token"]}
    manifest = changed(tmp_path / "toy", schemas={"connection": form})
    monkeypatch.setattr(hosts, "make_host", lambda _: toy_host(manifest=manifest))
    monkeypatch.setattr(
        "typer.prompt", lambda text, **_: asked.append(text) or "toy-secret-token"
    )
    command("connect", "Mine", "--connector", "toy", terminal=True)
    assert asked == ["[2JTo ken"]


def test_on_a_terminal_the_guide_is_shown_and_the_key_is_asked_for_without_echo(
    state_folder: Path,
) -> None:
    """A real process on a pseudo-terminal: the screen never shows the key; the list has the connection."""
    child, screen = pty.fork()
    if child == 0:
        os.execv(  # noqa: S606
            sys.executable,
            [sys.executable, "-m", "perplexity_connector", "connect", "--no-test"],
        )
    shown = _until(screen, b"Connection Name: ")
    os.write(screen, b"Mine\n")
    shown += _until(screen, b"API Key: ")
    os.write(screen, b"pplx-sentinel-typed\n")
    shown += _until(screen, b"Saved as Mine")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(screen)
    assert b"1. Sign in" in shown
    assert b"sentinel" not in shown
    (stored,) = ConnectionStore(state_folder / "automation-host", {}).read()
    assert stored.fields == {
        "connection_name": "Mine",
        "api_key": "pplx-sentinel-typed",
    }


def test_ctrl_c_while_the_key_is_asked_for_is_an_interruption(
    state_folder: Path,
) -> None:
    """As it is at any other time; nothing is kept."""
    child, screen = pty.fork()
    if child == 0:
        os.execv(  # noqa: S606
            sys.executable,
            [sys.executable, "-m", "perplexity_connector", "connect", "Mine"],
        )
    _until(screen, b"API Key: ")
    os.write(screen, b"\x03")
    _until(screen, b"Interrupted.")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 130
    os.close(screen)
    assert not (state_folder / "automation-host").exists()


@pytest.mark.parametrize(("stream", "code"), [("stdin", 3), ("stderr", 0)])
def test_a_stream_that_is_closed_is_as_good_as_an_empty_one(
    monkeypatch: pytest.MonkeyPatch, toys: ConnectionStore, stream: str, code: int
) -> None:
    """A service or a cron job may begin without it."""
    monkeypatch.setattr(
        sys, "argv", ["perplexity-connector", "connect", "Mine", "--connector", "toy"]
    )
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(GOOD)))
    monkeypatch.setattr(sys, stream, None)
    with pytest.raises(SystemExit) as end:
        main()
    getattr(sys, stream).close()
    assert end.value.code == code
    assert len(toys.read()) == (code == 0)


def _until(screen: int, words: bytes) -> bytes:
    shown = b""
    while words not in shown:
        assert select.select([screen], [], [], 30)[0], shown
        shown += os.read(screen, 4096)
    return shown
