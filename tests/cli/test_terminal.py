"""Results on a terminal: lines that fit, bold titles, links, tables. A pipe and --plain get the plain text."""

import json
from typing import Any

import pytest
from rich.cells import cell_len

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host.ledger.entries import UsageRow
from tests.cli.conftest import Command
from tests.cli.fakes import FakeHost, envelope
from tests.cli.flow_ledger import FLOW
from tests.cli.ledger import JOB, FakeLedger
from tests.cli.screens import screen

LINK = "\x1b]8;;"
WORDS = "The Moon moves away from Earth by about 3.8 cm a year, say the lasers"
ANSWER: dict[str, Any] = {
    "content": f"{WORDS} [2]. {WORDS}.",
    "search_results": [
        {"title": "Not cited", "url": "https://other.example", "date": "2026-01-02"},
        {"title": "How far away is it?", "url": "https://moon.example/far", "date": None},
    ],
}  # fmt: skip
PAGES: dict[str, Any] = {
    "results": [{"title": "Far", "url": "https://moon.example", "snippet": WORDS}]
}


def streamed(text: str, size: int = 7) -> list[dict[str, Any]]:
    """The text in pieces, as a stream has them."""
    return [
        {"type": "text.delta", "text": text[at : at + size], "seq": at + 1}
        for at in range(0, len(text), size)
    ]


@pytest.mark.parametrize("flags", [(), ("--stream",)])
def test_an_answer_fits_its_terminal(
    command: Command, host: FakeHost, flags: tuple[str, ...]
) -> None:
    """Whole words, bold titles, addresses to click, and the cited source first with its own number."""
    host.script = [*streamed(ANSWER["content"]), envelope(output=ANSWER)]
    piped = command("run", "look", *flags).out
    with screen(columns=40) as shown:
        assert command("run", "look", *flags).code == 0
    lines = shown.text.splitlines()
    assert max(map(cell_len, lines)) <= 40
    assert max(map(cell_len, piped.splitlines())) > 40
    content = "\n".join(lines[: lines.index("")])
    assert content.split() == ANSWER["content"].split()
    numbers = [line.split()[0] for line in lines if line.startswith("[")]
    assert numbers == ["[2]", "[1]"]
    assert "\x1b[1mHow far away is it?\x1b[" in shown.getvalue()
    assert f"{LINK}https://moon.example/far\x1b\\" in shown.getvalue()
    assert set(piped.split()) < set(shown.text.split())


@pytest.mark.parametrize("look", [{"no_color": "1"}, {"kind": "dumb"}])
def test_a_terminal_without_styles_gets_none(
    command: Command, host: FakeHost, look: dict[str, str]
) -> None:
    """Its lines end between words all the same."""
    host.script = [envelope(output=ANSWER)]
    with screen(columns=40, **look) as shown:
        command("run", "look")
    assert "\x1b" not in shown.getvalue()
    assert max(map(cell_len, shown.getvalue().splitlines())) <= 40


@pytest.mark.parametrize(
    "arguments",
    [
        ("actions",),
        ("describe", "look"),
        ("run", "look", "--stream"),
        ("runs",),
        ("runs", "show", "last"),
        ("runs", "resume", "run_1"),
        ("usage",),
    ],
)
def test_plain_is_the_text_of_a_pipe(
    command: Command, host: FakeHost, ledger: FakeLedger, arguments: tuple[str, ...]
) -> None:
    """Byte for byte; without it, a terminal gets another one."""
    host.script = [*streamed(ANSWER["content"]), envelope(output=ANSWER)]
    ledger.keep("run_1", state="done", output=envelope(output=ANSWER), checkpoint=None)
    ledger.known_jobs, ledger.known_flows = [JOB], [FLOW]
    row = UsageRow(name="a", runs=1, cost=0, unpriced=0, kept=0, listed=False)
    ledger.rows = [row]
    piped = command(*arguments)
    with screen(columns=40) as plain:
        assert command(*arguments, "--plain").code == piped.code
    with screen(columns=40) as shown:
        command(*arguments)
    assert plain.getvalue() == piped.out
    assert shown.getvalue() != piped.out


def test_json_is_the_same_on_a_terminal(command: Command, host: FakeHost) -> None:
    """And so is an output that is neither an answer nor pages."""
    host.script = [envelope(output={"words": WORDS})]
    with screen(columns=40) as document:
        command("run", "look", "--json")
    assert json.loads(document.getvalue()) == host.script[0]
    with screen(columns=40) as shown:
        command("run", "look")
    assert f'"words": "{WORDS}"' in shown.getvalue()


def test_pages_have_bold_titles_and_hanging_lines(
    command: Command, host: FakeHost
) -> None:
    """A snippet stays below its title."""
    host.script = [envelope(output=PAGES)]
    with screen(columns=40) as shown:
        command("run", "look")
    title, address, *snippet = shown.text.split("\n\n")[0].splitlines()
    assert title == "  1. Far"
    assert address == "     https://moon.example"
    assert len(snippet) > 1
    assert all(line.startswith("     ") for line in snippet)


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("https://a.example/\x1b\\\x1b]0;x\x07", "https://a.example/%5C]0;x"),
        ("https://a.example/é b", "https://a.example/%C3%A9%20b"),
        ("HTTP://user:secret@a.example", "HTTP://a.example"),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("https://", None),
    ],
)
def test_foreign_text_writes_no_sequence_of_its_own(
    command: Command, host: FakeHost, address: str, target: str | None
) -> None:
    """Only an address of the web is a link, and it has no user; a title is a text."""
    title = "Evil \x1b]8;;https://evil.example\x1b\\click\x1b[31m\x07 \x9b2J"
    page = {"title": title, "url": address}
    host.script = [envelope(output={"content": title, "search_results": [page]})]
    with screen(columns=200) as shown:
        command("run", "look")
    text = shown.getvalue()
    links = [link for link in (target,) if link]
    expected = [part for link in links for part in (link, "")]
    assert [part.split("\x1b\\")[0] for part in text.split(LINK)[1:]] == expected
    assert "secret" not in text
    assert not {"\x07", "\x9b"} & set(shown.text)
    assert "\x1b" not in shown.text


def test_a_failure_ends_the_line_of_a_streamed_text(
    command: Command, host: FakeHost
) -> None:
    """The word that was held back is shown."""
    error = ConnectorError(ErrorCode.UNAVAILABLE, "Down.")

    def fail() -> None:
        raise error

    host.script = [*streamed("Far away"), fail]
    with screen() as shown:
        assert command("run", "look", "--stream").code == 4
    assert shown.getvalue() == "Far away\n"


@pytest.mark.parametrize("columns", [120, 80, 40])
def test_runs_are_a_table(command: Command, ledger: FakeLedger, columns: int) -> None:
    """With headers; an id is never cut, and nothing is lost where it is narrow."""
    run_id = f"run_{'7' * 32}"
    ledger.keep(run_id, state="done", checkpoint=None)
    ledger.known_jobs = [JOB]
    piped = command("runs").out
    with screen(columns=columns) as shown:
        command("runs")
    assert max(map(len, shown.text.splitlines())) <= max(columns, 4 + len(run_id))
    assert run_id in shown.text
    assert set(piped.split()) - {"since"} < set(shown.text.split())
    assert "When" in shown.text


def test_nothing_has_no_headers(command: Command) -> None:
    """A sentence on stderr says so."""
    with screen() as shown:
        assert command("runs").err
    assert shown.getvalue() == ""


def test_a_command_to_copy_stays_on_its_line(
    command: Command, ledger: FakeLedger
) -> None:
    """The terminal itself breaks it, so that a copy has no line end."""
    ledger.keep("run_1", state="begun")
    with screen(columns=20) as shown:
        command("runs", "show", "run_1")
    assert "perplexity-connector runs resume run_1\n" in shown.getvalue()
