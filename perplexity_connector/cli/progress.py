"""Shows a run while it goes on: its text, its events as lines, or a spinner."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

import typer

from perplexity_connector.cli.output import print_json
from perplexity_connector.rendering.text import clean, one_line

if TYPE_CHECKING:
    from rich.live import Live

    from perplexity_connector.contract import EventDocument


def stderr_is_terminal() -> bool:
    """Return whether stderr is a screen that can show a line and wipe it again."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


class Spinner:
    """A moving line on stderr. It leaves no trace when it stops.

    * `_live`: the line on the screen; None while nothing is shown.
    """

    def __init__(self) -> None:
        """Show nothing yet."""
        self._live: Live | None = None

    def show(self, message: str) -> None:
        """Show a message beside the spinner, as plain text and never as markup."""
        from rich.console import Console  # noqa: PLC0415 - slow to import, and only a terminal needs it
        from rich.live import Live  # noqa: PLC0415 - likewise
        from rich.spinner import Spinner as Dots  # noqa: PLC0415 - likewise
        from rich.text import Text  # noqa: PLC0415 - likewise

        dots = Dots("dots", Text(one_line(message), overflow="ellipsis", no_wrap=True))
        if self._live:
            self._live.update(dots, refresh=True)
            return
        # Redirecting would send text for stdout to stderr.
        self._live = Live(
            dots,
            console=Console(stderr=True),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def stop(self) -> None:
        """Wipe the line."""
        if self._live:
            self._live.stop()
        self._live = None


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
    * `_pieces`: the text printed so far.
    """

    def __init__(self, *, text: bool, lines: bool) -> None:
        """Choose what to show: the text, the events as lines, or neither."""
        self._text = text
        self._lines = lines
        self._spinner = Spinner() if stderr_is_terminal() and not lines else None
        self._pieces: list[str] = []

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
            case "text.delta":
                self._show_text(event["text"])
            case "search.queries":
                self.show_status(f"Searching: {'; '.join(event['queries'])}")
            case "status":
                self.show_status(event["message"])

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
        if error is None or isinstance(error, BrokenPipeError):
            return
        if self._pieces:
            typer.echo()

    def _show_text(self, text: str) -> None:
        if self._text and text:
            self.stop_spinner()
            self._pieces.append(text)
            typer.echo(clean(text), nl=False)
