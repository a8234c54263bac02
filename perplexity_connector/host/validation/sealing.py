"""Seal the credentials in the options of a call: later frames have no readable text of them."""

from collections.abc import Mapping
from typing import Any, TypedDict

from perplexity_connector.contract.secret import sealed


class _Options(TypedDict, total=False):
    connection: Any


class _FlowOptions(TypedDict, total=False):
    connections: Any


def seal(options: _Options) -> None:
    """Make the texts of a credential `Secret`."""
    if "connection" in options:
        options["connection"] = sealed(options["connection"])


def seal_all(options: _FlowOptions) -> None:
    """Make the texts of each credential of a flow `Secret`."""
    if isinstance(connections := options.get("connections"), Mapping):
        options["connections"] = {
            connector: sealed(given) for connector, given in connections.items()
        }
