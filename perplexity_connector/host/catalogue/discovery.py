"""Find the installed connectors by their entry points. Reads manifests, imports no connector."""

import importlib.util
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.contract.near_matches import unknown_name
from perplexity_connector.host.catalogue.manifests import ManifestError, read_manifest

if TYPE_CHECKING:
    from perplexity_connector.contract import ManifestActionDocument, ManifestDocument

MANIFESTS = "automation_host.manifests"
PLUGINS = "automation_host.plugins"


class Installed(NamedTuple):
    """A connector that can be loaded.

    `file` is the manifest, `document` its content as written. `load_plugin` imports the plugin, and
    raises any error of that import. `plugin_name` is for messages.
    """

    id: str
    file: Path
    document: "ManifestDocument"
    plugin_name: str
    load_plugin: Callable[[], object]


class Problem(NamedTuple):
    """Why a connector cannot be used. `connector` is the name of its entry point."""

    connector: str
    message: str


class Discovery(NamedTuple):
    """The installed connectors by id, in order of id, and the problems of unreadable ones."""

    connectors: Mapping[str, Installed]
    problems: Sequence[Problem]


def discover(wanted: Collection[str] | None = None) -> Discovery:
    """Return the connectors of this environment: those with a wanted id, or all of them.

    A connector that cannot be read is a problem; the others still work.
    """
    found: dict[str, Installed] = {}
    problems: list[Problem] = []
    points = entry_points()
    # By distribution: another one must not replace the plugin of a manifest. Distributions are
    # compared as objects, since reading their names would parse the metadata of each.
    plugins = {
        (plugin.name, plugin.dist): plugin for plugin in points.select(group=PLUGINS)
    }
    for point in points.select(group=MANIFESTS):
        if wanted is not None and point.name not in wanted:
            continue
        try:
            _require_new(point, found)
            found[point.name] = _read(point, plugins.get((point.name, point.dist)))
        except ManifestError as error:
            problems.append(Problem(connector=point.name, message=str(error)))
        except Exception as error:  # noqa: BLE001 - one connector never keeps the others away
            message = f"The manifest cannot be read ({type(error).__name__})."
            problems.append(Problem(connector=point.name, message=message))
    connectors = dict(sorted(found.items()))
    return Discovery(connectors=connectors, problems=problems)


def find_action(
    installed: Installed, action: str, version: int | None
) -> "ManifestActionDocument":
    """Find an action's manifest entry. Without `version`, find the newest one.

    Raises `ConnectorError` (`not_found`) naming the known actions or versions.
    """
    actions = installed.document["actions"]
    versions = {entry["version"]: entry for entry in actions if entry["id"] == action}
    if not versions:
        known = {entry["id"] for entry in actions}
        raise _not_found(known, "action", action)
    if version is None:
        version = max(versions)
    if version not in versions:
        raise _not_found(map(str, versions), "version", str(version))
    return versions[version]


def unknown_connector(known: Iterable[str], connector: str) -> ConnectorError:
    """Return the error of a connector that is not known (`not_found`). It names the known ones."""
    return _not_found(known, "connector", connector)


def _not_found(known: Iterable[str], kind: str, wanted: str) -> ConnectorError:
    message = unknown_name(f"{kind} {wanted!r}", wanted, known)
    return ConnectorError(ErrorCode.NOT_FOUND, message)


def _read(point: EntryPoint, plugin: EntryPoint | None) -> Installed:
    file = _locate(point)
    if plugin is None:
        message = f"The distribution {_distribution(point)} has a manifest but no entry point in {PLUGINS}. Add one."
        raise ManifestError(message)
    return Installed(
        id=point.name,
        file=file,
        document=read_manifest(file, point.name),
        plugin_name=plugin.value,
        load_plugin=plugin.load,
    )


def _require_new(point: EntryPoint, found: Mapping[str, Installed]) -> None:
    if point.name in found:
        ignored = _distribution(point)
        message = f"Is also in the distribution {ignored}, which is ignored. Uninstall one of them."
        raise ManifestError(message)


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "unknown"


def _locate(point: EntryPoint) -> Path:
    package, _, name = point.value.partition(":")
    top, *inner = package.strip().split(".")
    for folder in _folders(top):
        for candidate in _candidates(folder, inner, name.strip()):
            if candidate.is_file():
                return candidate
    message = f"The manifest that the entry point names ({point.value}) does not exist."
    raise ManifestError(message)


def _folders(top: str) -> Iterable[str]:
    # For a top-level name, find_spec imports nothing; for a dotted one it would import the parents.
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return ()
    return spec.submodule_search_locations or () if spec else ()


def _candidates(folder: str, inner: list[str], name: str) -> Iterator[Path]:
    yield Path(folder, *inner, name)
    # In an editable install the manifest is in the source tree, beside pyproject.toml.
    if Path(folder).parent.joinpath("pyproject.toml").is_file():
        yield Path(folder).parent / name
