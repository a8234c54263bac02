"""The pluggy door: `load_connector`, and nothing else."""

from collections.abc import Mapping

from perplexity_connector.contract import Connector, hookimpl
from perplexity_connector.perplexity.connector import PerplexityConnector
from perplexity_connector.perplexity.wire.client import Client
from perplexity_connector.perplexity.wire.endpoint import endpoint


@hookimpl
def load_connector(connector_id: str, settings: Mapping[str, str]) -> Connector | None:
    """Perplexity's connector, or None when another one is asked for."""
    return (
        PerplexityConnector(Client(endpoint(settings)))
        if connector_id == "perplexity"
        else None
    )
