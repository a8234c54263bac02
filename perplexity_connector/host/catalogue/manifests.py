"""Reading `connector.yaml` without importing anything of the connector."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from yaml.constructor import ConstructorError, SafeConstructor
from yaml.nodes import MappingNode, ScalarNode

from perplexity_connector.contract import (
    HOST_API,
    MANIFEST_VERSION,
    JsonObject,
    JsonValue,
)

if TYPE_CHECKING:
    from yaml import SafeLoader as _FastestLoader
else:
    _FastestLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_TAG = "tag:yaml.org,2002:"
_BOOL = (f"{_TAG}bool", re.compile(r"(true|false)\Z"))
_INT = (f"{_TAG}int", re.compile(r"-?(0|[1-9][0-9]*)\Z"))
_NULL = (f"{_TAG}null", re.compile(r"(null|~|)\Z"))
_KNOWN_TAGS = [f"{_TAG}{kind}" for kind in ("null", "bool", "int", "str", "seq", "map")]

# What the palette, the description and the choice of an action read; the first load checks the whole manifest.
_CONNECTOR_SHAPE: dict[str, type] = {
    "version": str,
    "title": str,
    "summary": str,
    "icon": str,
    "categories": list,
    "links": dict,
    "connection": dict,
    "actions": list,
}
_ACTION_SHAPE: dict[str, type] = {
    "id": str,
    "version": int,
    "title": str,
    "summary": str,
    "input": str,
    "output": str,
    "annotations": dict,
    "timeout": int,
}
_ACTION_EXTRAS: dict[str, type] = {
    "events": str,
    "streaming": bool,
    "labels": dict,
    "options": dict,
}


class ManifestError(Exception):
    """A manifest that cannot be used. The message names the file and the place in it, never a value."""


class _Loader(_FastestLoader):
    """YAML with few surprises: `NO`, `on`, `1.10`, `0x1F` and dates stay text, and so does every key."""

    # The resolver looks here by a scalar's first character.
    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML reads it off the class
        **{first: [_BOOL] for first in "tf"},
        **{first: [_INT] for first in "-0123456789"},
        **{first: [_NULL] for first in ("n", "~", "")},
    }
    yaml_constructors = {  # noqa: RUF012 - likewise
        tag: SafeConstructor.yaml_constructors[tag] for tag in [*_KNOWN_TAGS, None]
    }

    def construct_mapping(  # type: ignore[override]
        self, node: MappingNode, deep: bool = False
    ) -> dict[str, object]:
        """The mapping, its keys as text. Raises `ConstructorError` for a key that stands twice or is no scalar."""
        mapping: dict[str, object] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise ConstructorError(None, None, "a key must be text", key.start_mark)
            if key.value in mapping:
                raise ConstructorError(
                    None, None, f"the key {key.value!r} stands twice", key.start_mark
                )
            mapping[key.value] = self.construct_object(value, deep=deep)
        return mapping


def read_manifest(file: Path, connector_id: str | None = None) -> JsonObject:
    """The manifest as it is written, checked as far as discovery needs it.

    Raises `ManifestError` for what cannot be read, is meant for another host, has another id than `connector_id`, or
    lacks what the palette shows.
    """
    document = _parse(file)
    if not isinstance(document, dict):
        message = f"{file.name}: the manifest must be a mapping."
        raise ManifestError(message)
    if (
        trouble := _version_trouble(document)
        or _id_trouble(document, connector_id)
        or _shape_trouble(document)
    ):
        message = f"{file.name}: {trouble}"
        raise ManifestError(message)
    return document


def _parse(file: Path) -> object:
    try:
        return yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader, made narrower
    except OSError as error:
        message = f"{file.name}: cannot be read ({error.strerror})."
    except yaml.MarkedYAMLError as error:
        place = (
            f"{file.name}, line {error.problem_mark.line + 1}"
            if error.problem_mark
            else file.name
        )
        message = f"{place}: {error.problem}."
    except (
        yaml.YAMLError,
        ValueError,
        TypeError,
        LookupError,
        RecursionError,
    ) as error:
        message = f"{file.name}: no usable YAML ({type(error).__name__})."
    raise ManifestError(message)


def _version_trouble(document: JsonObject) -> str | None:
    if not _is_a(document.get("manifest_version"), int):
        return "/manifest_version must be a whole number."
    if document["manifest_version"] != MANIFEST_VERSION:
        return f"/manifest_version is not {MANIFEST_VERSION}, the one that this host reads."
    match document.get("host_api"):
        case {"min": int(low), "max": int(high)} if low <= HOST_API <= high:
            return None
        case {"min": int(), "max": int()}:
            return f"/host_api leaves out {HOST_API}, the interface of this host."
    return "/host_api must have a min and a max, both whole numbers."


def _id_trouble(document: JsonObject, connector_id: str | None) -> str | None:
    if not _is_a(document.get("id"), str) or not document["id"]:
        return "/id must be text."
    if connector_id is not None and document["id"] != connector_id:
        return "/id is not the name of the entry point."
    return None


def _shape_trouble(document: JsonObject) -> str | None:
    if trouble := _misfit(document, _CONNECTOR_SHAPE, {"settings": list}, ""):
        return trouble
    connection, actions = document["connection"], document["actions"]
    if trouble := _misfit(
        connection, {"schema": str}, {"env": dict, "guide": list}, "/connection"
    ):
        return trouble
    seen: set[tuple[JsonValue, JsonValue]] = set()
    for index, action in enumerate(actions if isinstance(actions, list) else ()):
        if trouble := _misfit(
            action, _ACTION_SHAPE, _ACTION_EXTRAS, f"/actions/{index}"
        ):
            return trouble
        if (key := (action["id"], action["version"])) in seen:
            return f"/actions/{index} has the id and the version of another action."
        seen.add(key)
    return None


def _misfit(
    part: JsonValue, needed: dict[str, type], extras: dict[str, type], pointer: str
) -> str | None:
    if not isinstance(part, dict):
        return f"{pointer} must be a mapping."
    for name, kind in {**needed, **extras}.items():
        if name in (needed.keys() | part.keys()) and not _is_a(part.get(name), kind):
            return f"{pointer}/{name} must be a {kind.__name__}."
    return None


def _is_a(value: object, kind: type) -> bool:
    # Not isinstance: YAML's true is no whole number.
    return type(value) is kind
