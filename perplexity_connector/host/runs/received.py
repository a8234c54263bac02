"""What the attempts of one run have received so far, for a run that fails or is stopped."""

from perplexity_connector.contract import ConnectorError, JsonObject
from perplexity_connector.host.plugins.boundary import plain_object


class Received:
    """The parts of a result that outlive a failed attempt.

    * `partial`: the last partial output of any attempt.
    * `usage`: the last usage of any attempt that failed or was cancelled.
    """

    __slots__ = ("partial", "usage")

    def __init__(self) -> None:
        """Begin with nothing."""
        self.partial: JsonObject | None = None
        self.usage: JsonObject | None = None

    def save_partial(self, partial: object) -> None:
        """Save a plain copy of a partial output, if it is an object."""
        if (copied := plain_object(partial)) is not None:
            self.partial = copied

    def save_usage(self, usage: object) -> None:
        """Save a plain copy of a usage, if it is an object."""
        if (copied := plain_object(usage)) is not None:
            self.usage = copied

    def keep(self, error: ConnectorError) -> None:
        """Save the parts of an error, and add those of earlier attempts that it does not have."""
        error.partial = self.partial = error.partial or self.partial
        error.usage = self.usage = error.usage or self.usage
