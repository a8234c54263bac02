"""The whole pluggy surface: one synchronous hook. No key, input or result ever crosses it."""

from collections.abc import Mapping

import pluggy

from perplexity_connector.contract.connector import Connector

__all__ = ["PROJECT_NAME", "ConnectorSpecs", "hookimpl", "hookspec"]

PROJECT_NAME = "automation_host"

hookspec = pluggy.HookspecMarker(PROJECT_NAME)
hookimpl = pluggy.HookimplMarker(PROJECT_NAME)


class ConnectorSpecs:
    """What a plugin may implement."""

    @hookspec(firstresult=True)
    def load_connector(
        self, connector_id: str, settings: Mapping[str, str]
    ) -> Connector | None:
        """The connector of that id, or None when it is another plugin's.

        `settings` are the operator's, resolved by the host as the manifest declares them; one left out takes the
        connector's default. Raises `ConnectorError` (`invalid_input`, pointing at `/settings/NAME`) for a setting that
        cannot be used.
        """
