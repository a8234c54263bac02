import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr
from typing import Any

import pytest

from perplexity_connector.cli.progress import (
    ConsoleRenderer,
    Spinner,
    stderr_is_terminal,
    waiting,
)


class Terminal(io.StringIO):
    """A stderr that says it is a screen."""

    def isatty(self) -> bool:
        """Yes."""
        return True


@contextmanager
def terminal(kind: str = "xterm") -> Iterator[Terminal]:
    """A screen in the place of stderr (in the test's own body: pytest puts its capture back before each phase)."""
    with pytest.MonkeyPatch.context() as patch, redirect_stderr(Terminal()) as screen:
        patch.setenv("TERM", kind)
        patch.setenv("COLUMNS", "80")
        yield screen


def event(kind: str, **parts: object) -> Any:
    """An event as a host hands it out."""
    return {"type": kind, "seq": 1} | parts


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_spinner_that_was_never_seen_leaves_nothing_to_wipe() -> None:
    """Stopping it is no error."""
    with terminal() as screen:
        Spinner().stop()
    assert screen.getvalue() == ""


def test_what_takes_its_time_is_told_on_a_terminal_and_nowhere_else() -> None:
    """And wiped when it is over."""
    with terminal() as screen, waiting("Testing"):
        pass
    assert "Testing" in screen.getvalue()
    with terminal("dumb") as screen, waiting("Testing"):
        pass
    assert screen.getvalue() == ""


def test_a_dumb_terminal_counts_as_none() -> None:
    """It cannot wipe a line; a pipe is no terminal either."""
    with terminal():
        assert stderr_is_terminal()
    with terminal("dumb"):
        assert not stderr_is_terminal()
    with redirect_stderr(io.StringIO()):
        assert not stderr_is_terminal()


def test_searches_are_told_on_a_terminal_while_they_happen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On stderr alone, as plain text, never as markup, and without a listener for anything else."""
    with terminal() as screen, ConsoleRenderer(text=False, lines=False) as renderer:
        assert renderer.wants_events
        queries = ["[red]moon[/red]\x1b]0;x", "tides"]
        renderer.show_event(event("search.queries", queries=queries))
        renderer.show_event(event("status", message="Thinking."))
        renderer.show_event(event("text.delta", text="hidden"))
        renderer.show_event(event("search.results", results=[]))
        renderer.show_event(event("of.a.later.version"))
    shown = screen.getvalue()
    assert "[red]moon[/red]" in shown
    assert "tides" in shown
    assert "Thinking." in shown
    assert "\x1b]0" not in shown
    assert "hidden" not in shown
    assert capsys.readouterr().out == ""
    assert renderer.streamed == ""


def test_the_spinner_makes_room_for_the_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Once the answer begins, stderr stays still."""
    with terminal() as screen, ConsoleRenderer(text=True, lines=False) as renderer:
        renderer.show_event(event("text.delta", text="Far"))
        before = screen.getvalue()
        renderer.show_event(event("status", message="Thinking."))
        renderer.show_event(event("text.delta", text=" away"))
        assert screen.getvalue() == before
    assert before
    assert capsys.readouterr().out == "Far away"
    assert renderer.streamed == "Far away"


def test_without_a_terminal_and_without_a_wish_nobody_listens(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Such a run is cheaper."""
    with ConsoleRenderer(text=False, lines=False) as renderer:
        assert not renderer.wants_events
    assert capsys.readouterr().err == ""


def test_events_as_lines_leave_the_terminal_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line of JSON each on stdout, no spinner between them."""
    with terminal() as screen, ConsoleRenderer(text=False, lines=True) as renderer:
        renderer.show_event(event("text.delta", text="a\nb"))
    assert (
        capsys.readouterr().out == '{"type": "text.delta", "seq": 1, "text": "a\\nb"}\n'
    )
    assert screen.getvalue() == ""


def test_a_text_that_is_cut_off_has_its_line_ended(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What is said next does not stand beside it."""
    stack = ExitStack()
    renderer = stack.enter_context(ConsoleRenderer(text=True, lines=False))
    renderer.show_event(event("text.delta", text="Fa"))
    stack.push(_interrupt)
    with pytest.raises(KeyboardInterrupt):
        stack.close()
    assert capsys.readouterr().out == "Fa\n"


def test_a_run_that_fails_before_its_text_writes_no_empty_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nothing was begun on the screen."""
    stack = ExitStack()
    stack.enter_context(ConsoleRenderer(text=True, lines=False))
    stack.push(_interrupt)
    with pytest.raises(KeyboardInterrupt):
        stack.close()
    assert capsys.readouterr().out == ""


def test_controls_of_a_streamed_text_do_not_reach_the_screen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The raw text is kept, to compare with the final answer."""
    with ConsoleRenderer(text=True, lines=False) as renderer:
        renderer.show_event(event("text.delta", text="a\x1b[2Jb"))
        renderer.show_event(event("text.delta", text=""))
    assert capsys.readouterr().out == "a[2Jb"
    assert renderer.streamed == "a\x1b[2Jb"
