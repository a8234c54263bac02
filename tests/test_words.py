"""Users read plain words: no text of ours has a phrase of the list in `tests/words.py`."""

from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
import typer.main

from perplexity_connector.cli.app import app
from tests.paths import ROOT, SCHEMAS
from tests.words import (
    BANNED,
    banned_phrases,
    html_texts,
    javascript_messages,
    python_prose,
)

PACKAGE = ROOT / "perplexity_connector"
STATIC = PACKAGE / "workbench" / "static"
# Its one long string is the list of words that a search ignores.
NO_MESSAGES = PACKAGE / "sandbox" / "corpus.py"
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "connector.yaml"]


def python_messages(source: str) -> list[str]:
    """The strings of a Python file that are messages."""
    return python_prose(source).messages


def whole(source: str) -> list[str]:
    """A file that is read as it is."""
    return [source]


READERS: dict[Path, Callable[[str], list[str]]] = {
    **dict.fromkeys(PACKAGE.rglob("*.py"), python_messages),
    **dict.fromkeys(STATIC.rglob("*.js"), javascript_messages),
    **dict.fromkeys(STATIC.glob("*.html"), html_texts),
    **dict.fromkeys(SCHEMAS.glob("*.json"), whole),
    **dict.fromkeys(PAGES, whole),
}
del READERS[NO_MESSAGES]


@pytest.mark.parametrize(
    "path", sorted(READERS), ids=lambda path: str(path.relative_to(ROOT))
)
def test_a_text_that_users_read_has_no_banned_phrase(path: Path) -> None:
    """Messages of the code, texts of the page, descriptions of fields, and the documents."""
    texts = READERS[path](path.read_text(encoding="utf-8"))
    assert [phrase for text in texts for phrase in banned_phrases(text)] == []


def commands(command: click.Command) -> Iterator[click.Command]:
    """A command and all below it."""
    yield command
    for one in getattr(command, "commands", {}).values():
        yield from commands(one)


def test_the_help_of_the_command_line_has_no_banned_phrase() -> None:
    """Neither that of a command nor that of an option."""
    texts = []
    for command in commands(typer.main.get_command(app)):  # type: ignore[arg-type]
        texts += [command.help or "", command.epilog or ""]
        texts += [getattr(option, "help", None) or "" for option in command.params]
    assert len(texts) > 50
    assert [phrase for text in texts for phrase in banned_phrases(text)] == []


@pytest.mark.parametrize(
    ("source", "read"),
    [
        ('raise E("Nobody was told", "x")', python_messages),
        ('raise E(f"The name {name} is none")', python_messages),
        ("const x = `Nobody was ${name} there`; // it's", javascript_messages),
        ("x = 'Take it out'; // a comment", javascript_messages),
        ("<b title='Nobody'>x</b>", html_texts),
        ("<b>What\nis</b>", html_texts),
        ("There is:\nx", whole),
    ],
)
def test_every_kind_of_text_is_searched(source: str, read: object) -> None:
    """The tests above can fail."""
    assert callable(read)
    assert [phrase for text in read(source) for phrase in banned_phrases(text)]


@pytest.mark.parametrize(
    ("source", "read"),
    [
        ('"""Nobody was told."""\ntold = "told"  # nobody', python_messages),
        ("told('told'); // it's nobody\n/* nobody 'is told */", javascript_messages),
        ("x = `a b c ${told}`", javascript_messages),
        ("It says what is wrong, still is no longer there: a stand-in.", whole),
    ],
)
def test_code_comments_and_plain_words_pass(source: str, read: object) -> None:
    """Users read no docstring and no comment; these are counted by `.ci/house.py`."""
    assert callable(read)
    assert not [phrase for text in read(source) for phrase in banned_phrases(text)]


def test_each_phrase_has_better_words() -> None:
    """A writer who meets this test finds in the list what to write."""
    assert all(BANNED.values())
    assert not [better for better in BANNED.values() if banned_phrases(better)]
