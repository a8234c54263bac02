"""The descriptions of actions that the nodes of a process share."""

from functools import cache

from perplexity_connector.contract import JsonObject
from perplexity_connector.host import Host


@cache
def described(connector: str, action: str) -> JsonObject:
    """Return an action's description, read once: Langflow builds a node's class for every run."""
    return Host().describe(connector, action)
