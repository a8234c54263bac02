"""Terminals in the place of stdout and stderr, in a test's body: pytest puts its capture back before each phase."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import pytest


class Terminal(io.StringIO):
    """A stream that says it is a screen."""

    def isatty(self) -> bool:
        """Yes."""
        return True

    @property
    def text(self) -> str:
        """What was written, without styles and links."""
        return re.sub(r"\x1b\][^\x1b]*\x1b\\|\x1b\[[0-9;]*m", "", self.getvalue())


@contextmanager
def terminal(
    kind: str = "xterm", *, columns: int = 80, no_color: str = ""
) -> Iterator[Terminal]:
    """A screen in the place of stderr."""
    with _environment(kind, columns, no_color), redirect_stderr(Terminal()) as screen:
        yield screen


@contextmanager
def screen(
    kind: str = "xterm", *, columns: int = 80, no_color: str = ""
) -> Iterator[Terminal]:
    """A screen in the place of stdout."""
    with _environment(kind, columns, no_color), redirect_stdout(Terminal()) as shown:
        yield shown


@contextmanager
def _environment(kind: str, columns: int, no_color: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERM", kind)
        patch.setenv("COLUMNS", str(columns))
        patch.setenv("NO_COLOR", no_color)
        yield
