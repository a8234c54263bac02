import io
import time
from contextlib import ExitStack, redirect_stderr
from typing import Any

import pytest

from perplexity_connector.cli.progress import (
    ConsoleRenderer,
    Spinner,
    stderr_is_terminal,
    waiting,
)
from perplexity_connector.cli.terminal import use_plain
from tests.cli.screens import screen, terminal


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


def test_the_phases_of_a_run_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Searching, reading, writing; with the seconds, which a long message does not push out."""
    with (
        terminal(columns=40) as shown,
        ConsoleRenderer(text=False, lines=False) as renderer,
    ):
        renderer.show_event(event("search.queries", queries=["moon " * 20]))
        renderer.show_event(event("search.results", results=[{}, {}]))
        renderer.show_event(event("search.results", results=[{}]))
        renderer.show_event(event("text.delta", text="Far"))
    for phase in ("Searching: moon", "Reading 2 pages", "Reading 1 page ", "Writing"):
        assert phase in shown.text
    assert "\u2026  0 s" in shown.text
    assert capsys.readouterr().out == ""


def test_the_wait_before_a_retry_is_counted_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the reason and the attempt, down to the attempt itself. A connector's own event may be odd."""
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    facts = {"reason": "Too many\x1b[2J", "attempt": 2, "attempts": 3}
    with terminal() as shown, ConsoleRenderer(text=False, lines=False) as renderer:
        renderer.show_event(event("status", message="x", wait=11.2, **facts))
        assert "Waiting 12 s, attempt 2 of 3: Too many[2J" in shown.text
        for wait in ("long", float("nan"), float("inf"), -1.0):
            renderer.show_event(event("status", message="Odd.", wait=wait, **facts))
            assert shown.text.count("Odd.") == 1
            shown.truncate(0)
        now += 8
        renderer.show_event(event("status", message="x", wait=0.0, **facts))
        assert "Attempt 2 of 3  8 s" in shown.text
    ConsoleRenderer(text=True, lines=False).show_event(event("status", message="x"))


def test_a_count_down_goes_on_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends at zero."""
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    spinner = Spinner()
    with terminal() as shown:
        spinner.count_down(2.0, "{} left".format)
        for later in (1, 5):
            now += later
            spinner._live.refresh()  # type: ignore[union-attr] # it is shown
        spinner.stop()
    assert [f"{left} left" in shown.text for left in (2, 1, 0)] == [True, True, True]


def test_a_plain_command_has_no_spinner() -> None:
    """A screen reader would read each of its moves."""
    use_plain(plain=True)
    with terminal() as shown, waiting("Testing"):
        pass
    use_plain(plain=False)
    assert shown.getvalue() == ""


def test_a_stream_follows_the_width_of_its_window() -> None:
    """Which a person may change."""
    with screen(columns=40) as shown:
        renderer = ConsoleRenderer(text=True, lines=False)
        with pytest.MonkeyPatch.context() as patch, renderer:
            renderer.show_event(event("text.delta", text="one two three "))
            patch.setenv("COLUMNS", "12")
            renderer.show_event(event("text.delta", text="four"))
    assert shown.getvalue() == "one two three\nfour"
