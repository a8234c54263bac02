"""The endpoints that the page uses: JSON in, JSON out. Each room has those of one subject.

Starlette runs a plain `def` in a thread. Those endpoints read files or wait for a lock.
"""

from starlette.routing import Route

from perplexity_connector.workbench.api.catalogue import CatalogueApi
from perplexity_connector.workbench.api.connections import ConnectionsApi
from perplexity_connector.workbench.api.flows import FlowsApi
from perplexity_connector.workbench.api.history import HistoryApi
from perplexity_connector.workbench.api.parts import Parts
from perplexity_connector.workbench.api.runs import RunsApi
from perplexity_connector.workbench.api.tables import TablesApi

_ROOMS = (CatalogueApi, ConnectionsApi, FlowsApi, RunsApi, HistoryApi, TablesApi)


def api_routes(parts: Parts) -> list[Route]:
    """Return all endpoints, each at its address."""
    return [route for room in _ROOMS for route in room(parts).routes]
