"""The descriptions of actions that the nodes of a process share."""

from functools import cache
from typing import TYPE_CHECKING

from perplexity_connector.host import Host

if TYPE_CHECKING:
    from perplexity_connector.contract import ActionDescription


@cache
def described(connector: str, action: str) -> "ActionDescription":
    """Return an action's description, read once: Langflow builds a node's class for every run."""
    return Host().describe(connector, action)
