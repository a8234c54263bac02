"""The catalogue of one host: installed connectors, and those registered by this process."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from perplexity_connector.contract import ConnectorError, ErrorCode, JsonObject
from perplexity_connector.contract.json import Document
from perplexity_connector.host.catalogue.describing import (
    describe,
    describe_connector,
    palette,
)
from perplexity_connector.host.catalogue.discovery import (
    Discovery,
    Installed,
    discover,
    find_action,
    find_connector,
)
from perplexity_connector.host.catalogue.manifests import ManifestError, read_manifest


class Catalogue:
    """Finds connectors and describes them, from their manifests alone.

    * `_discovered`: the installed connectors; None until they are first needed.
    * `_registered`: connectors of this process by id. They replace installed ones.
    """

    def __init__(self) -> None:
        """Start with nothing registered. Installed connectors are looked for on first use."""
        self._discovered: Discovery | None = None
        self._registered: dict[str, Installed] = {}
        self._lock = threading.Lock()

    def register(self, plugin: object, manifest: Path) -> str:
        """Add a connector of this process and return its id.

        Raises `ConnectorError` (`internal`) for a manifest that cannot be used.
        """
        try:
            document = read_manifest(manifest)
        except ManifestError as error:
            raise ConnectorError(ErrorCode.INTERNAL, str(error)) from None
        connector = str(document["id"])
        self._registered[connector] = Installed(
            id=connector,
            file=manifest,
            document=document,
            plugin_name=str(getattr(plugin, "__name__", type(plugin).__name__)),
            load_plugin=lambda: plugin,
        )
        return connector

    def actions(self) -> list[Document]:
        """Return the palette: one entry for each action, in its newest version."""
        return palette(self._connectors().values())

    def connectors(self) -> list[Document]:
        """Return what the manifest says of each connector, in order of id."""
        return [
            describe_connector(installed) for installed in self._connectors().values()
        ]

    def problems(self, configured: Mapping[str, object]) -> list[Document]:
        """Return each connector that is missing, as {connector, message}.

        `configured` are the connectors that the operator has settings for.
        """
        unknown = sorted(configured.keys() - self._connectors().keys())
        problems = [
            (problem.connector, problem.message)
            for problem in self._installed().problems
        ]
        problems += [
            (name, "Settings for a connector that is not installed.")
            for name in unknown
        ]
        return [{"connector": name, "message": message} for name, message in problems]

    def describe(self, connector: str, action: str, version: int | None) -> Document:
        """Return an action's {connector, action, schemas, labels, examples}.

        Raises `ConnectorError`: `not_found`, or `internal` for a schema that cannot be read.
        """
        return describe(
            self.connector(connector), self.action(connector, action, version)
        )

    def connector(self, connector: str) -> Installed:
        """Find a connector. Raises `ConnectorError` (`not_found`) naming the known ones."""
        return find_connector(self._connectors(), connector)

    def action(self, connector: str, action: str, version: int | None) -> JsonObject:
        """Find an action's manifest entry, the newest version if `version` is None.

        Raises `ConnectorError` (`not_found`) naming the known ones.
        """
        return find_action(self.connector(connector), action, version)

    def action_version(self, connector: str, action: str, version: int | None) -> int:
        """Return the version number that a run of this action gets. Raises as `action` does."""
        return cast("int", self.action(connector, action, version)["version"])

    def _installed(self) -> Discovery:
        with self._lock:
            self._discovered = self._discovered or discover()
            return self._discovered

    def _connectors(self) -> dict[str, Installed]:
        return dict(
            sorted({**self._installed().connectors, **self._registered}.items())
        )
