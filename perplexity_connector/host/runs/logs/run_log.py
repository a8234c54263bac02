"""The log of a run while it goes on: its reservation, its state, its end."""

from typing import TYPE_CHECKING

from perplexity_connector.contract import JsonObject

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument
    from perplexity_connector.host.limits.patience import Patience


class RunLog:
    """The log of a run, which the run calls in this order. This one writes nothing.

    A method that raises does so before anything of that attempt was sent.
    """

    async def begin(self, patience: "Patience") -> None:
        """Write that the run begins. Raises `ConnectorError` if it must not."""

    async def reserve(self, attempt: int, patience: "Patience") -> None:
        """Reserve the run's price before a request waits for its turn, once for each attempt.

        An attempt after one in doubt needs a second reservation. Raises `ConnectorError`:
        `quota_exhausted` with the cause `budget`, `unavailable` if the ledger cannot be written.
        """

    async def fence(self) -> None:
        """Write that a request leaves now. Raises `ConnectorError` if it must not."""

    def back(self) -> None:
        """Write that an attempt ended without an effect."""

    async def checkpoint(self, state: JsonObject) -> bool:
        """Write a checkpoint; an empty one clears it. Return whether a crash cannot lose it."""
        del state
        return True

    async def may_stop(self) -> bool:
        """Return whether the provider may be asked to stop the run."""
        return True

    async def ended(self, envelope: "EnvelopeDocument") -> None:
        """Write the end of the run, and replace its reservation by its cost."""


NO_LOG = RunLog()
