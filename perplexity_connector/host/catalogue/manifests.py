"""Read `connector.yaml` without importing anything of the connector."""

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

import yaml
from yaml.constructor import ConstructorError, SafeConstructor
from yaml.nodes import MappingNode, ScalarNode

from perplexity_connector.contract import HOST_API, MANIFEST_VERSION, JsonObject
from perplexity_connector.contract.json import as_object

if TYPE_CHECKING:
    from yaml import SafeLoader as _FastestLoader
else:
    _FastestLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_TAG = "tag:yaml.org,2002:"
_BOOL = (f"{_TAG}bool", re.compile(r"(true|false)\Z"))
_INT = (f"{_TAG}int", re.compile(r"-?(0|[1-9][0-9]*)\Z"))
_NULL = (f"{_TAG}null", re.compile(r"(null|~|)\Z"))
_KNOWN_TAGS = [f"{_TAG}{kind}" for kind in ("null", "bool", "int", "str", "seq", "map")]

# Fields and their types in YAML: the required ones, then the optional ones.
_Fields: TypeAlias = tuple[Mapping[str, type], Mapping[str, type]]

# The fields that the palette, the descriptions and the choice of an action read. The first load of
# a connector checks the whole manifest. These tables repeat the dataclasses of contract/manifest.py,
# because importing those takes several times as long as reading a manifest. A test compares both.
_MANIFEST: _Fields = (
    {
        "version": str,
        "title": str,
        "summary": str,
        "icon": str,
        "categories": list,
        "links": dict,
        "connection": dict,
        "actions": list,
    },
    {"settings": list},
)
_CONNECTION: _Fields = ({"schema": str}, {"env": dict, "guide": list})
_ACTION: _Fields = (
    {
        "id": str,
        "version": int,
        "title": str,
        "summary": str,
        "input": str,
        "output": str,
        "annotations": dict,
        "timeout": int,
    },
    {"events": str, "streaming": bool, "labels": dict, "options": dict},
)
_TYPE_NAMES: Mapping[type, str] = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "a mapping",
}


class ManifestError(Exception):
    """A manifest that cannot be used. The message names the file and the field, never a value."""


class _Loader(_FastestLoader):
    """YAML with few surprises: `NO`, `on`, `1.10`, `0x1F` and dates stay text, and so does every key."""

    # By a scalar's first character.
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
        """Return the mapping with its keys as text.

        Raises `ConstructorError` for a duplicate key or one that is not a scalar.
        """
        mapping: dict[str, object] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise ConstructorError(None, None, "a key must be text", key.start_mark)
            if key.value in mapping:
                problem = f"the key {key.value!r} is a duplicate; remove one of them"
                raise ConstructorError(None, None, problem, key.start_mark)
            mapping[key.value] = self.construct_object(value, deep=deep)
        return mapping


def read_manifest(file: Path, connector_id: str | None = None) -> JsonObject:
    """Return the manifest as written, checked as far as discovery needs it.

    Raises `ManifestError` for a file that cannot be read, is for another host version, has another
    id than `connector_id`, or lacks a field of the palette.
    """
    document = _parse(file)
    if not isinstance(document, dict):
        message = f"{file.name}: the manifest must be a mapping."
        raise ManifestError(message)
    errors = chain(
        _version_errors(document),
        _id_errors(document, connector_id),
        _field_errors(document),
    )
    # Only the first error is read: each check relies on those before it.
    if error := next(errors, None):
        message = f"{file.name}: {error}"
        raise ManifestError(message)
    return document


def _parse(file: Path) -> object:
    try:
        return yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader, made narrower
    except OSError as error:
        message = f"{file.name}: cannot be read ({error.strerror})."
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{file.name}, line {mark.line + 1}" if mark else file.name
        message = f"{place}: {error.problem}."
    except (
        yaml.YAMLError,
        ValueError,
        TypeError,
        LookupError,
        RecursionError,
    ) as error:
        message = f"{file.name}: is not valid YAML ({type(error).__name__})."
    raise ManifestError(message)


def _version_errors(document: JsonObject) -> Iterator[str]:
    version = document.get("manifest_version")
    if type(version) is not int or version != MANIFEST_VERSION:
        yield f"/manifest_version must be {MANIFEST_VERSION}, the version that this host reads."
    match document.get("host_api"):
        case {"min": int(low), "max": int(high)}:
            if not low <= HOST_API <= high:
                yield f"/host_api must include {HOST_API}, the version of this host."
        case _:
            yield "/host_api must have min and max, both whole numbers."


def _id_errors(document: JsonObject, connector_id: str | None) -> Iterator[str]:
    own_id = document.get("id")
    if not isinstance(own_id, str) or not own_id:
        yield "/id must be text and not empty."
    if connector_id not in {None, own_id}:
        yield "/id must be the name of the entry point."


def _field_errors(document: JsonObject) -> Iterator[str]:
    yield from _type_errors(document, "", _MANIFEST)
    yield from _type_errors(document["connection"], "/connection", _CONNECTION)
    seen = set()
    for index, action in enumerate(cast("list[JsonObject]", document["actions"])):
        pointer = f"/actions/{index}"
        yield from _type_errors(action, pointer, _ACTION)
        key = (action["id"], action["version"])
        if key in seen:
            yield f"{pointer} has the id and the version of another action."
        seen.add(key)


def _type_errors(part: object, pointer: str, fields: _Fields) -> Iterator[str]:
    required, optional = fields
    if not isinstance(part, dict):
        yield f"{pointer} must be a mapping."
    given = as_object(part)
    present = {name: kind for name, kind in optional.items() if name in given}
    for name, kind in {**required, **present}.items():
        # Not isinstance: true is not a whole number.
        if type(given.get(name)) is not kind:
            yield f"{pointer}/{name} must be {_TYPE_NAMES[kind]}."
