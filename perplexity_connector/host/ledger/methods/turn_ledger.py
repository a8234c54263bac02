"""The part of the ledger in which all processes share the limits of their requests."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from perplexity_connector.host.ledger import lazy
from perplexity_connector.host.ledger.methods.using import LedgerUser

if TYPE_CHECKING:
    from concurrent.futures import Future

    from perplexity_connector.host.ledger.entries import LimitKey, TurnTimes


class TurnLedger(LedgerUser):
    """A ledger that says when a request may start."""

    def take_turns(
        self, key: "LimitKey", deadlines: Sequence[float]
    ) -> "Future[TurnTimes]":
        """Take the next free moments of a limit, one for each request in order.

        `deadlines` are monotonic. A request whose deadline comes first takes none.
        """
        return self._write(
            lambda tx: lazy.turns.take_turns(tx.connection, key, deadlines)
        )

    def set_rate(
        self, key: "LimitKey", rate: float | None, *, used: int = 0
    ) -> "Future[None]":
        """Record the requests a second of a limit; None if that is not known any more.

        `used`: so many have counted in the last second, perhaps without a turn.
        """
        return self._write(
            lambda tx: lazy.turns.set_rate(tx.connection, key, rate, used=used)
        )

    def stop_turns(self, key: "LimitKey", seconds: float) -> "Future[None]":
        """Let no request of a limit take a moment of the next seconds."""
        return self._write(
            lambda tx: lazy.turns.stop_turns(tx.connection, key, seconds)
        )
