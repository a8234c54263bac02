"""What the endpoints work with."""

from dataclasses import dataclass

from perplexity_connector.host import Host, Ledger
from perplexity_connector.workbench.saved_flows import SavedFlows
from perplexity_connector.workbench.streams import Streams
from perplexity_connector.workbench.uploads import Uploads


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of a server that its endpoints share.

    * `host`: the open host.
    * `sandbox`: whether it runs against a sandbox.
    * `flows`: the saved flows.
    * `streams`: the flows and tables that run.
    * `uploads`: the tables that pages have sent.
    * `ledger`: what has the history; None without one.
    """

    host: Host
    sandbox: bool
    flows: SavedFlows
    streams: Streams
    uploads: Uploads
    ledger: Ledger | None
