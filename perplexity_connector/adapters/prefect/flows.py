"""The flows: one for each action, and `run_table`. A deployment names a flow by the path of its module."""

import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from prefect import Flow

from perplexity_connector.adapters.prefect.actions import flow_of
from perplexity_connector.adapters.prefect.tables import run_table
from perplexity_connector.contract import ConnectorError
from perplexity_connector.host import Host

__all__ = ["ACTIONS", "run_table"]

_log = logging.getLogger(__name__)


def _action_flows() -> Iterator[tuple[str, tuple[str, Flow[..., Any]]]]:
    """Yield the name in this module, the connector and the flow of each action that can be described."""
    for entry in Host().actions():
        connector, action = entry["connector"], entry["action"]
        name = f"{connector}_{action}".replace("-", "_")
        try:
            yield name, (connector, flow_of(connector, action))
        except ConnectorError as error:
            _log.warning("%s is left out: %s", name, error.user_message)


# By the name in this module: the connector, and the flow.
ACTIONS: Mapping[str, tuple[str, Flow[..., Any]]] = dict(_action_flows())
globals().update({name: made for name, (_, made) in ACTIONS.items()})

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
