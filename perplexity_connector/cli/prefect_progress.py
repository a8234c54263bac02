"""Shows how far a job on Prefect is, on stderr: a moving line on a terminal, elsewhere a line each minute."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from perplexity_connector.cli.output import say
from perplexity_connector.cli.progress import Spinner, stderr_is_terminal
from perplexity_connector.host.ledger.entries import State, count_ended
from perplexity_connector.host.spending.money import in_usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perplexity_connector.adapters.prefect.chunks import Chunk

_ELSEWHERE_S = 60.0


class JobProgress:
    """The progress of one start of a job, until it is closed.

    * `_spinner`: the moving line; None without a terminal.
    * `_shown`: when the last line was shown; None before.
    """

    def __init__(self) -> None:
        """Show nothing yet."""
        self._spinner = Spinner() if stderr_is_terminal() else None
        self._shown: float | None = None

    def close(self) -> None:
        """Wipe the line."""
        if self._spinner:
            self._spinner.stop()

    def show(
        self, counts: Mapping[State, int], cost: int, chunks: "Sequence[Chunk]"
    ) -> None:
        """Show rows, cost and flow runs, if they were not shown for a while."""
        now, words = time.monotonic(), _words(counts, cost, chunks)
        if self._spinner:
            self._spinner.show(words)
        elif self._shown is None or now - self._shown >= _ELSEWHERE_S:
            self._shown = now
            say(words)


def _words(counts: Mapping[State, int], cost: int, chunks: "Sequence[Chunk]") -> str:
    words = f"{count_ended(counts)} of {sum(counts.values())} rows, {in_usd(cost)}"
    states = ", ".join(f"{chunk.name} {chunk.state}" for chunk in chunks)
    return f"{words}: {states}" if states else words
