"""The pluggy plugin: `load_connector`, the only hook."""

from collections.abc import Mapping

from perplexity_connector.contract import Connector, hookimpl
from perplexity_connector.perplexity.connector import PerplexityConnector
from perplexity_connector.perplexity.wire.client import Client
from perplexity_connector.perplexity.wire.endpoint import endpoint_from_settings


@hookimpl
def load_connector(connector_id: str, settings: Mapping[str, str]) -> Connector | None:
    """Return Perplexity's connector, or None for another id."""
    if connector_id != "perplexity":
        return None
    return PerplexityConnector(Client(endpoint_from_settings(settings)))
