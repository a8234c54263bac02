"""The help of every command: it fits a screen of 80 columns, and its examples can be copied."""

import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from perplexity_connector.cli.app import app
from tests.cli.conftest import Command

WIDTH = 80
PROGRAM = "perplexity-connector"


def commands(group: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each command below a group, with its words; the group too."""
    yield path, group
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, *path, name)


# Their manifests name them, so they are not among those of the program.
OF_CONNECTORS = [("ask",), ("search",)]
ROOT = typer.main.get_command(app)
COMMANDS = dict(commands(ROOT))


@pytest.mark.parametrize("path", [*COMMANDS, *OF_CONNECTORS], ids=" ".join)
def test_the_help_fits_a_screen_and_its_examples_are_command_lines(
    command: Command, path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`-h` is `--help`, nothing is cut, and each example is understood by its command."""
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    outcome = command(*path, "-h")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == command(*path, "--help").out
    _, _, text = outcome.out.partition("\n\n")
    lines = outcome.out.splitlines()
    assert [line for line in lines if len(line) > WIDTH] == []
    assert [line for line in text.splitlines() if line.endswith("...")] == []
    assert "range>" not in text
    examples = outcome.out.partition("Examples:\n")[2].replace("\\\n", "")
    assert examples
    for line in examples.splitlines():
        program, *words = shlex.split(line, comments=True)
        assert program == PROGRAM
        understand(words, path)


def understand(words: list[str], path: tuple[str, ...]) -> None:
    """Let a command parse the words; none is called."""
    known: Any = ROOT
    context = ROOT.make_context(PROGRAM, ["usage"])
    found = []
    while words and hasattr(known, "get_command"):
        if (inner := known.get_command(context, words[0])) is None:
            break
        found.append(words.pop(0))
        known = inner
    assert tuple(found)[: len(path)] == path
    known.make_context(PROGRAM, words)
