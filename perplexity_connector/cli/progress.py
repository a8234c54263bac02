"""What is on the screen while a run goes on: its text, its events as lines, or a word on what it is doing."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

import typer

from perplexity_connector.contract import EventType, JsonObject
from perplexity_connector.contract.json import as_list, as_text
from perplexity_connector.rendering.text import clean, json_text, one_line

if TYPE_CHECKING:
    from rich.live import Live


def say(line: str) -> None:
    """Put one line on stderr; stdout belongs to the result."""
    typer.echo(one_line(line), err=True)


def stderr_is_terminal() -> bool:
    """Whether stderr is a screen that can show and wipe a line."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


class Spinner:
    """A moving line on stderr while nothing else is to be seen; it leaves no trace."""

    def __init__(self) -> None:
        """Show nothing yet."""
        self._live: Live | None = None

    def tell(self, message: str) -> None:
        """Show what is going on; what comes from outside is never read as markup."""
        from rich.console import Console  # noqa: PLC0415 - only a terminal needs rich, and rich takes a while to load
        from rich.live import Live  # noqa: PLC0415 - likewise
        from rich.spinner import Spinner as Dots  # noqa: PLC0415 - likewise
        from rich.text import Text  # noqa: PLC0415 - likewise

        dots = Dots("dots", Text(one_line(message), overflow="ellipsis", no_wrap=True))
        if self._live:
            self._live.update(dots, refresh=True)
            return
        # Without the redirections, which would send what is printed on stdout to stderr.
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
    """Show on a terminal what is going on, while something takes its time."""
    spinner = Spinner()
    if stderr_is_terminal():
        spinner.tell(message)
    try:
        yield
    finally:
        spinner.stop()


class ConsoleRenderer:
    """Sees the events of a run and shows them; as a context manager it surrounds the run.

    With `lines` every event is a line of JSON on stdout, with `text` the answer stands there as it is written. On a
    terminal a spinner tells of searches until something else is to be seen.
    """

    def __init__(self, *, text: bool, lines: bool) -> None:
        """Watch a run for whoever asked for its text, or its events."""
        self._text = text
        self._lines = lines
        self._spinner = Spinner() if stderr_is_terminal() and not lines else None
        self._pieces: list[str] = []

    @property
    def wants_events(self) -> bool:
        """Whether any event would be shown; without a listener a run is cheaper."""
        return self._text or self._lines or self._spinner is not None

    @property
    def streamed(self) -> str:
        """The text shown so far, as it came."""
        return "".join(self._pieces)

    def see(self, event: JsonObject) -> None:
        """Show an event, if it is one to show here."""
        if self._lines:
            typer.echo(json_text(event))
        elif event.get("type") == EventType.TEXT_DELTA:
            self._see_text(as_text(event.get("text")))
        elif event.get("type") == EventType.SEARCH_QUERIES:
            self._tell(
                f"Searching: {'; '.join(map(as_text, as_list(event.get('queries'))))}"
            )
        elif event.get("type") == EventType.STATUS:
            self._tell(as_text(event.get("message")))

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._tell("Running")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the screen in order: no spinner, and what stopped in mid-line has its line ended."""
        self._stop_spinner()
        if (
            self._pieces
            and error is not None
            and not isinstance(error, BrokenPipeError)
        ):
            typer.echo()

    def _see_text(self, text: str) -> None:
        if self._text and text:
            self._stop_spinner()
            self._pieces.append(text)
            typer.echo(clean(text), nl=False)

    def _tell(self, message: str) -> None:
        if self._spinner:
            self._spinner.tell(message)

    def _stop_spinner(self) -> None:
        if self._spinner:
            self._spinner.stop()
        self._spinner = None
