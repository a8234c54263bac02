"""Shows how far a table is, on stderr: a moving line on a terminal, elsewhere a line each minute."""

import time
from typing import TYPE_CHECKING

from perplexity_connector.cli.output import say
from perplexity_connector.cli.progress import Spinner, stderr_is_terminal
from perplexity_connector.rendering.durations import wait_in_words
from perplexity_connector.rendering.money import usd_words

if TYPE_CHECKING:
    from perplexity_connector.contract import RowFinishedItem, TablePlannedItem

# Between two updates.
_ON_TERMINAL_S = 0.1
_ELSEWHERE_S = 60.0


class TableProgress:
    """The progress of one start of a job, until it is closed.

    * `_spinner`: the moving line; None without a terminal.
    * `_done`, `_left`: rows that ended in this start, and those that are left.
    * `_cost`: their known costs in USD.
    * `_began`, `_shown`: when the rows began, and when the last line was shown.
    """

    def __init__(self, plan: "TablePlannedItem") -> None:
        """Show that the rows have begun."""
        self._spinner = Spinner() if stderr_is_terminal() else None
        self._done = 0
        self._left = plan["runs"]
        self._cost = 0.0
        self._began = self._shown = time.monotonic()
        if self._spinner:
            self._spinner.show(self._words())

    def close(self) -> None:
        """Wipe the line."""
        if self._spinner:
            self._spinner.stop()

    def show(self, row: "RowFinishedItem") -> None:
        """Count a row, and show the progress if it was not shown for a while."""
        self._done += 1
        self._left = row["left"]
        self._cost += row["cost"] or 0.0
        pause = _ON_TERMINAL_S if self._spinner else _ELSEWHERE_S
        if time.monotonic() - self._shown < pause:
            return
        self._shown = time.monotonic()
        (self._spinner.show if self._spinner else say)(self._words())

    def _words(self) -> str:
        """Return rows, rate, cost and time left as a line."""
        total = self._done + self._left
        seconds = time.monotonic() - self._began
        words = f"{self._done} of {total} rows"
        if not self._done or not seconds:
            return words
        rate = self._done / seconds
        speed = f"{rate:.1f} a second" if rate >= 1 else f"{rate * 60:.1f} a minute"
        words = f"{words}, {speed}, {usd_words(self._cost)}"
        left = wait_in_words(self._left / rate)
        return f"{words}, about {left} left" if self._left else words
