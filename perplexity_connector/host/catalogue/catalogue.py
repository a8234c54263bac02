"""The connectors of one host: installed ones, and those registered by this process."""

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.contract.near_matches import did_you_mean, unknown_name
from perplexity_connector.host.catalogue.describing import (
    describe,
    describe_connector,
    palette,
)
from perplexity_connector.host.catalogue.discovery import (
    Discovery,
    Installed,
    Problem,
    discover,
    find_action,
    unknown_connector,
)
from perplexity_connector.host.catalogue.manifests import ManifestError, read_manifest
from perplexity_connector.host.catalogue.schemas import read_schema, schema_files
from perplexity_connector.host.validation.arguments import (
    require_name,
    require_path,
    require_whole_number,
)

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        ActionDescription,
        ConnectorDocument,
        ManifestActionDocument,
        PaletteEntry,
        ProblemDocument,
    )


class Catalogue:
    """Find connectors and describe them, from their manifests alone.

    * `_wanted`: the ids of the installed connectors to use; None for all.
    * `_discovered`: the installed connectors; None until they are first needed.
    * `_registered`: connectors of this process by id. They replace installed ones with the same id.
    * `_lock`: held while looking for installed connectors, so that this happens once.
    """

    def __init__(self, wanted: Collection[str] | None = None) -> None:
        """Start with nothing registered; look for installed connectors on first use."""
        self._wanted = wanted
        self._discovered: Discovery | None = None
        self._registered: dict[str, Installed] = {}
        self._lock = threading.Lock()

    def register(self, plugin: object, manifest: Path) -> str:
        """Add a connector of this process and return its id.

        Raises `ConnectorError`: `internal` for a manifest that cannot be used, `invalid_input` if
        it is not a path.
        """
        require_path("manifest", manifest)
        try:
            document = read_manifest(manifest)
        except ManifestError as error:
            raise ConnectorError(ErrorCode.INTERNAL, str(error)) from None
        connector = document["id"]
        self._registered[connector] = Installed(
            id=connector,
            file=manifest,
            document=document,
            plugin_name=str(getattr(plugin, "__name__", type(plugin).__name__)),
            load_plugin=lambda: plugin,
        )
        return connector

    def actions(self) -> "list[PaletteEntry]":
        """Return the palette: one entry for each action, in its newest version."""
        return palette(self._connectors().values())

    def connectors(self) -> "list[ConnectorDocument]":
        """Return the description of each connector, in order of id."""
        return list(map(describe_connector, self._connectors().values()))

    def problems(
        self, configured: Mapping[str, Iterable[str]]
    ) -> "list[ProblemDocument]":
        """Return why connectors, or settings of them, cannot be used, as {connector, message}.

        `configured` has the names of the settings that the operator gave to each connector. This
        reads all schemas.
        """
        return [
            {"connector": problem.connector, "message": problem.message}
            for problem in (
                *self._discovery().problems,
                *_schema_problems(self._connectors().values()),
                *self._unused_settings(configured),
            )
        ]

    def describe(
        self, connector: str, action: str, version: int | None
    ) -> "ActionDescription":
        """Return an action's {connector, action, schemas, labels, examples}.

        Raises `ConnectorError`: `not_found`, or `internal` for a schema that cannot be read.
        """
        entry = self.action(connector, action, version)
        return describe(self.connector(connector), entry)

    def connector(self, connector: str) -> Installed:
        """Find a connector. Raises `ConnectorError` (`not_found`) naming the known ones."""
        require_name("connector", connector)
        found = self._registered.get(connector)
        found = found or self._discovery().connectors.get(connector)
        if found is None:
            raise unknown_connector(self._connectors(), connector)
        return found

    def action(
        self, connector: str, action: str, version: int | None
    ) -> "ManifestActionDocument":
        """Find an action's manifest entry. Without `version`, find the newest one.

        Raises `ConnectorError`: `not_found` naming the known ones, `invalid_input` for a wrong type.
        """
        require_name("action", action)
        if version is not None:
            require_whole_number("version", version)
        return find_action(self.connector(connector), action, version)

    def action_version(self, connector: str, action: str, version: int | None) -> int:
        """Return the version number that a run of this action gets. Raises as `action` does."""
        return self.action(connector, action, version)["version"]

    def _unused_settings(
        self, configured: Mapping[str, Iterable[str]]
    ) -> Iterator[Problem]:
        known = self._connectors()
        for connector, names in sorted(configured.items()):
            if connector in known:
                yield from _setting_problems(known[connector], names)
                continue
            near = did_you_mean(connector, known) or " Install it or check the name."
            message = f"Has settings but is not installed.{near}"
            yield Problem(connector=connector, message=message)

    def _discovery(self) -> Discovery:
        with self._lock:
            self._discovered = self._discovered or discover(self._wanted)
            return self._discovered

    def _connectors(self) -> dict[str, Installed]:
        connectors = {**self._discovery().connectors, **self._registered}
        return dict(sorted(connectors.items()))


def _setting_problems(installed: Installed, names: Iterable[str]) -> Iterator[Problem]:
    declared = installed.document.get("settings", [])
    known = [setting["name"] for setting in declared]
    for name in names:
        if name not in known:
            message = unknown_name(f"setting {name!r}", str(name), known)
            yield Problem(connector=installed.id, message=message)


def _schema_problems(connectors: Iterable[Installed]) -> Iterator[Problem]:
    for installed in connectors:
        try:
            for name in schema_files(installed.document):
                read_schema(installed.file, name)
        except ConnectorError as error:
            yield Problem(connector=installed.id, message=error.user_message)
