"""Which connectors are installed: found by entry points, read from their manifests, never imported."""

import importlib.util
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import cast

from perplexity_connector.contract import ConnectorError, ErrorCode, JsonObject
from perplexity_connector.host.catalogue.manifests import ManifestError, read_manifest

MANIFESTS = "automation_host.manifests"
PLUGINS = "automation_host.plugins"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A connector that could be loaded: its manifest as written, and how to get its plugin.

    `load_plugin` imports the plugin, and raises whatever that raises. `plugin_name` is for messages.
    """

    id: str
    file: Path
    document: JsonObject
    plugin_name: str
    load_plugin: Callable[[], object]

    @property
    def actions(self) -> list[JsonObject]:
        """The manifest's entries, every version of every action."""
        return cast("list[JsonObject]", self.document["actions"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a connector is not there. `connector` is the name of its entry point."""

    connector: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What there is, by id and in order of id, and what could not be read."""

    connectors: Mapping[str, Installed] = field(default_factory=dict[str, Installed])
    problems: Iterable[Problem] = ()


def discover() -> Discovery:
    """The connectors of this environment. One that cannot be read is a problem, and breaks none of the rest."""
    found: dict[str, Installed] = {}
    problems: list[Problem] = []
    points = entry_points()
    plugins = _by_name(points.select(group=PLUGINS))
    for point in points.select(group=MANIFESTS):
        if point.name in found:
            message = f"A second distribution ({_distribution(point)}) has this id; the first one counts."
            problems.append(Problem(connector=point.name, message=message))
            continue
        try:
            found[point.name] = _read(point, plugins.get(point.name, ()))
        except ManifestError as error:
            problems.append(Problem(connector=point.name, message=str(error)))
    return Discovery(connectors=dict(sorted(found.items())), problems=problems)


def find_action(installed: Installed, action: str, version: int | None) -> JsonObject:
    """Find an action's manifest entry, the newest version if `version` is None.

    Raises `ConnectorError` (`not_found`) naming the known actions or versions.
    """
    entries = [entry for entry in installed.actions if entry["id"] == action]
    if not entries:
        what = f"action {action!r}"
        raise _unknown(what, (entry["id"] for entry in installed.actions))
    versions = {cast("int", entry["version"]): entry for entry in entries}
    if version is None:
        return versions[max(versions)]
    if version not in versions:
        what = f"version {version!r} of {action!r}"
        raise _unknown(what, versions)
    return versions[version]


def find_connector(connectors: Mapping[str, Installed], connector: str) -> Installed:
    """Find a connector by id. Raises `ConnectorError` (`not_found`) naming the known ones."""
    if connector not in connectors:
        what = f"connector {connector!r}"
        raise _unknown(what, connectors)
    return connectors[connector]


def _unknown(what: str, there: Iterable[object]) -> ConnectorError:
    known = ", ".join(sorted({str(name) for name in there})) or "none"
    return ConnectorError(ErrorCode.NOT_FOUND, f"Unknown {what}. Available: {known}.")


def _read(point: EntryPoint, plugins: Iterable[EntryPoint]) -> Installed:
    file = _locate(point)
    # Another distribution must not be able to slip its own plugin under a manifest. Of one look at what is installed,
    # the same distribution is the same object; to ask it for its name is to parse its metadata.
    own = [plugin for plugin in plugins if plugin.dist is point.dist]
    if not own:
        message = f"Its distribution ({_distribution(point)}) has a manifest, but no entry point in {PLUGINS}."
        raise ManifestError(message)
    document = read_manifest(file, point.name)
    plugin = own[0]
    return Installed(
        id=point.name,
        file=file,
        document=document,
        plugin_name=plugin.value,
        load_plugin=plugin.load,
    )


def _by_name(points: Iterable[EntryPoint]) -> Mapping[str, list[EntryPoint]]:
    found: dict[str, list[EntryPoint]] = {}
    for point in points:
        found.setdefault(point.name, []).append(point)
    return found


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "unknown"


def _locate(point: EntryPoint) -> Path:
    package, _, name = point.value.partition(":")
    parts = package.strip().split(".")
    for folder in _folders(parts[0]):
        for candidate in _candidates(folder, parts[1:], name.strip()):
            if candidate.is_file():
                return candidate
    message = f"The manifest that its entry point names ({point.value}) is not there."
    raise ManifestError(message)


def _folders(top: str) -> Iterable[str]:
    # find_spec of a dotted name would import its parents; of a top-level one it imports nothing.
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return ()
    return spec.submodule_search_locations or () if spec else ()


def _candidates(folder: str, inner: list[str], name: str) -> Iterator[Path]:
    yield Path(folder, *inner, name)
    # An editable install leaves the manifest where the source tree has it.
    if Path(folder).parent.joinpath("pyproject.toml").is_file():
        yield Path(folder).parent / name
