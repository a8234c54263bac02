"""Shows a run while it goes on: its text, its events as lines, or a spinner."""

import functools
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

import typer

from perplexity_connector.cli.output import print_json
from perplexity_connector.cli.terminal import (
    columns,
    is_dumb,
    is_plain,
    is_screen,
    new_wrapper,
)
from perplexity_connector.rendering.text import clean, one_line

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

    from perplexity_connector.contract import EventDocument, StatusEvent

# The dots of the spinner, and a space.
_DOTS = 2
# A longer wait is not counted down.
_LONGEST_WAIT_S = 86_400


def stderr_is_terminal() -> bool:
    """Return whether stderr is a screen that can show a line and wipe it again."""
    return sys.stderr.isatty() and not is_dumb() and not is_plain()


class Spinner:
    """A moving line on stderr, with the seconds since it began. It leaves no trace when it stops.

    * `_words`: returns the message.
    * `_began`: when it began; monotonic seconds.
    * `_live`: the line on the screen; None while nothing is shown.
    """

    def __init__(self) -> None:
        """Show nothing yet."""
        self._words: Callable[[], str] = str
        self._began = 0.0
        self._live: Live | None = None

    def show(self, message: str) -> None:
        """Show a message beside the spinner, as plain text and never as markup."""
        text = one_line(message)
        self._show(lambda: text)

    def count_down(self, seconds: float, words: Callable[[int], str]) -> None:
        """Show the words for the seconds that are left, down to 0."""
        end = time.monotonic() + seconds
        self._show(lambda: words(max(0, math.ceil(end - time.monotonic()))))

    def stop(self) -> None:
        """Wipe the line."""
        if self._live:
            self._live.stop()
        self._live = None

    def _show(self, words: Callable[[], str]) -> None:
        self._words = words
        if self._live:
            self._live.refresh()
            return
        self._began = time.monotonic()
        self._live = self._new_live()
        self._live.start(refresh=True)

    def _new_live(self) -> "Live":
        from rich.console import Console  # noqa: PLC0415 - slow to import, and only a terminal needs it
        from rich.live import Live  # noqa: PLC0415 - likewise
        from rich.spinner import Spinner as Dots  # noqa: PLC0415 - likewise

        console, dots = Console(stderr=True), Dots("dots")

        def line() -> Dots:
            dots.text = self._text(console.width - _DOTS)
            return dots

        # Redirecting would send text for stdout to stderr.
        return Live(
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            get_renderable=line,
        )

    def _text(self, width: int) -> "Text":
        """Return the message, cut to the width, and the seconds."""
        from rich.text import Text  # noqa: PLC0415 - likewise

        seconds = f"  {time.monotonic() - self._began:.0f} s"
        text = Text(self._words())
        text.truncate(max(1, width - len(seconds)), overflow="ellipsis")
        return text.append(seconds)


@contextmanager
def waiting(message: str) -> Iterator[None]:
    """Show a message on a terminal until the block ends."""
    spinner = Spinner()
    if stderr_is_terminal():
        spinner.show(message)
    try:
        yield
    finally:
        spinner.stop()


class ConsoleRenderer:
    """Shows the events of one run. Use it as a context manager around the run.

    * `_text`: print the answer on stdout as it arrives.
    * `_lines`: print every event on stdout as a line of JSON.
    * `_spinner`: shows what the run is doing, on a terminal; None once text is printed.
    * `_pieces`: the text received so far, if it is printed.
    * `_wrapper`: ends the lines of the text between words; None if stdout is not a terminal.
    """

    def __init__(self, *, text: bool, lines: bool) -> None:
        """Choose what to show: the text, the events as lines, or neither."""
        self._text = text
        self._lines = lines
        self._spinner = Spinner() if stderr_is_terminal() and not lines else None
        self._pieces: list[str] = []
        self._wrapper = new_wrapper() if text and is_screen() else None

    @property
    def wants_events(self) -> bool:
        """Whether any event would be shown. A run without a listener is cheaper."""
        return self._text or self._lines or self._spinner is not None

    @property
    def streamed(self) -> str:
        """The text printed so far, as it was received."""
        return "".join(self._pieces)

    def show_event(self, event: "EventDocument") -> None:
        """Show an event, or ignore it if it is not shown here."""
        if self._lines:
            print_json(event, on_one_line=True)
            return
        match event["type"]:
            case "text.delta" if event["text"]:
                self._show_text(event["text"])
            case "search.queries":
                self.show_status(f"Searching: {'; '.join(event['queries'])}")
            case "search.results" if pages := len(event["results"]):
                self.show_status(f"Reading {pages} page{'s' * (pages != 1)}")
            case "status":
                self._show_status_event(event)
            case _:
                pass

    def show_status(self, message: str) -> None:
        """Show a sentence beside the spinner, where there is one."""
        if self._spinner:
            self._spinner.show(message)

    def stop_spinner(self) -> None:
        """Wipe the spinner for good."""
        if self._spinner:
            self._spinner.stop()
        self._spinner = None

    def __enter__(self) -> Self:
        """Show that the run has started."""
        self.show_status("Running")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the spinner, and end the line of a text that was cut off by an error."""
        self.stop_spinner()
        if self._wrapper:
            # A terminal that is gone is found by the next one that writes.
            with suppress(OSError):
                typer.echo(self._wrapper.end(), nl=False)
        if error is None or isinstance(error, BrokenPipeError):
            return
        if self._pieces:
            typer.echo()

    def _show_status_event(self, event: "StatusEvent") -> None:
        if self._spinner is None:
            return
        match event:
            case {
                "reason": str(reason),
                "wait": float(wait),
                "attempt": int(number),
                "attempts": int(total),
            } if 0 <= wait <= _LONGEST_WAIT_S:
                words = functools.partial(_retry_words, number, total, reason)
                self._spinner.count_down(wait, words)
            case _:
                # A connector may send any other keys.
                self._spinner.show(event["message"])

    def _show_text(self, text: str) -> None:
        if not self._text:
            self.show_status("Writing")
            return
        self.stop_spinner()
        self._pieces.append(text)
        shown = clean(text)
        if self._wrapper:
            # The window may have another width than before.
            self._wrapper.width = columns()
            shown = self._wrapper.feed(shown)
        typer.echo(shown, nl=False)


def _retry_words(number: int, total: int, reason: str, seconds_left: int) -> str:
    """Return which attempt comes next, when, and why."""
    attempt = f"{number} of {total}"
    if not seconds_left:
        return f"Attempt {attempt}"
    return one_line(f"Waiting {seconds_left} s, attempt {attempt}: {reason}")
