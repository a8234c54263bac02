"""The pluggy surface: one synchronous hook. No key, input or result ever crosses it."""

from collections.abc import Mapping

import pluggy

from perplexity_connector.contract.connector import Connector

__all__ = ["PROJECT_NAME", "ConnectorSpecs", "hookimpl", "hookspec"]

PROJECT_NAME = "automation_host"

hookspec = pluggy.HookspecMarker(PROJECT_NAME)
hookimpl = pluggy.HookimplMarker(PROJECT_NAME)


class ConnectorSpecs:
    """The hooks that a plugin implements."""

    @hookspec(firstresult=True)
    def load_connector(
        self, connector_id: str, settings: Mapping[str, str]
    ) -> Connector | None:
        """Return the connector with that id, or None if it belongs to another plugin.

        `settings` are the operator's, resolved by the host as the manifest declares them. The
        connector has a default for each omitted setting. Raises `ConnectorError` (`invalid_input`,
        with a field error at `/settings/NAME`) for an invalid setting.
        """
