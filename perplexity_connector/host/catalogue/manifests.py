"""Read `connector.yaml` without importing anything of the connector."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, cast

import yaml

from perplexity_connector.contract import HOST_API, MANIFEST_VERSION, JsonObject
from perplexity_connector.host.catalogue.files import read_file
from perplexity_connector.host.catalogue.plain_yaml import load_yaml
from perplexity_connector.host.catalogue.shapes import (
    Leaf,
    ListOf,
    MapOf,
    Record,
    shape_errors,
    unknown_keys,
)

if TYPE_CHECKING:
    from perplexity_connector.contract import CommandOptionDocument, ManifestDocument

_MOST_BYTES = 256 * 1024

# The signs of a URI after its host (RFC 3986).
_SIGNS = r"(?:[\w.~:/?@!$&'()*+,;=-]|%[0-9a-f]{2})*"
_FRAGMENT = rf"(?:\#{_SIGNS})?"
# Without a user name: it could only pass a password on, or hide the host.
_HOST = r"[\w.-]+(?::[0-9]{1,5})?"
_WEB = rf"https?://{_HOST}(?:[/?]{_SIGNS})?{_FRAGMENT}"
_FLAGS = re.ASCII | re.IGNORECASE
_LINK_PATTERN = re.compile(_WEB, _FLAGS)
_ICON_PATTERN = re.compile(rf"data:image/{_SIGNS}{_FRAGMENT}|{_WEB}", _FLAGS)
# Relative, without a drive, and never upwards.
_FILE_PATTERN = re.compile(r"(?!(?:.*/)?\.\.(?:/|\Z))[^/\\:\0-\x1f][^\\:\0-\x1f]*")
# Of a Python object, as entry points have it. Nothing is imported to check it.
_NAMES = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_REFERENCE_PATTERN = re.compile(rf"{_NAMES}:{_NAMES}", re.ASCII)

_TEXT = Leaf(str, "text")
_TEXT_OR_NULL = Leaf(str, "text", or_null=True)
_NUMBER = Leaf(int, "a whole number")
_FLAG = Leaf(bool, "true or false")
_LINK_WORDS = "a web address (https:), percent-encoded and without a user name"
_LINK = Leaf(str, _LINK_WORDS, _LINK_PATTERN)
_LINK_OR_NULL = Leaf(str, _LINK_WORDS, _LINK_PATTERN, or_null=True)
_ICON = Leaf(
    str, "a URI, percent-encoded: an image (data:image/) or https:", _ICON_PATTERN
)
_FILE_WORDS = "the path of a file in the folder of the manifest"
_FILE = Leaf(str, _FILE_WORDS, _FILE_PATTERN)
_FILE_OR_NULL = Leaf(str, _FILE_WORDS, _FILE_PATTERN, or_null=True)

# Short commands are typed; their options are too.
_WORD = Leaf(
    str, "lower case letters, digits and -", re.compile("[a-z][a-z0-9]*(-[a-z0-9]+)*")
)
_LETTER = Leaf(str, "one letter", re.compile("[A-Za-z]"), or_null=True)
_POINTER_WORDS = "a JSON Pointer, such as /messages/0/content"
_POINTER_PATTERN = re.compile("(?:/(?:[^/~]|~[01])*)+")
_POINTER = Leaf(str, _POINTER_WORDS, _POINTER_PATTERN)
_POINTER_OR_NULL = Leaf(str, _POINTER_WORDS, _POINTER_PATTERN, or_null=True)
_ANYTHING = Leaf(object, "any value")
# The options that every command has: by name, and by letter.
_OWN_NAMES = ("connection", "continue", "field", "help", "json", "plain")
_OWN_OPTIONS = frozenset([*_OWN_NAMES, "sandbox", "timeout", "c", "f", "h"])

# These tables repeat the dataclasses of contract/manifest.py, because importing those takes several
# times as long as reading a manifest. A test compares both.
_SETTING = Record(
    {"name": _TEXT, "title": _TEXT, "description": _TEXT},
    {"env": _TEXT_OR_NULL, "default": _TEXT_OR_NULL},
)
_GUIDE_STEP = Record({"title": _TEXT, "text": _TEXT}, {"link": _LINK_OR_NULL})
_CONNECTION = Record(
    {"schema": _FILE}, {"env": MapOf(_TEXT), "guide": ListOf(_GUIDE_STEP)}
)
_START_WORDS = "a Python function, written as package.module:function"
_SANDBOX = Record(
    {"start": Leaf(str, _START_WORDS, _REFERENCE_PATTERN), "settings": MapOf(_TEXT)},
    {
        "connection": MapOf(_TEXT),
        "test_connections": ListOf(Record({"title": _TEXT, "fields": MapOf(_TEXT)})),
        "test_prefixes": MapOf(_TEXT),
    },
    or_null=True,
)
_ANNOTATIONS = Record(
    {
        "read_only": _FLAG,
        "destructive": _FLAG,
        "idempotent": _FLAG,
        "open_world": _FLAG,
        "billable": _FLAG,
    }
)
_COMMAND_OPTION = Record(
    {"name": _WORD, "field": _POINTER},
    {
        "short": _LETTER,
        "setting": _TEXT_OR_NULL,
        "file": _FLAG,
        "without": _POINTER_OR_NULL,
        "help": _TEXT_OR_NULL,
    },
)
_COMMAND = Record(
    {"name": _WORD, "words": _POINTER},
    {
        "summary": _TEXT_OR_NULL,
        "help": _TEXT_OR_NULL,
        "examples": ListOf(_TEXT),
        "values": MapOf(_ANYTHING),
        "options": ListOf(_COMMAND_OPTION),
        "continues": Record({"field": _POINTER, "output": _POINTER}, or_null=True),
    },
    or_null=True,
)
_ACTION = Record(
    {
        "id": _TEXT,
        "version": _NUMBER,
        "title": _TEXT,
        "summary": _TEXT,
        "input": _FILE,
        "output": _FILE,
        "annotations": _ANNOTATIONS,
        "timeout": _NUMBER,
    },
    {
        "events": _FILE_OR_NULL,
        "streaming": _FLAG,
        "labels": MapOf(MapOf(_TEXT)),
        "options": MapOf(_TEXT),
        "author_schemas": MapOf(_TEXT),
        "command": _COMMAND,
    },
)
_HOST_API = Record({"min": _NUMBER, "max": _NUMBER})
_MANIFEST = Record(
    {
        "version": _TEXT,
        "title": _TEXT,
        "summary": _TEXT,
        "icon": _ICON,
        "categories": ListOf(_TEXT),
        "links": MapOf(_LINK),
        "connection": _CONNECTION,
        "actions": ListOf(_ACTION),
    },
    {"settings": ListOf(_SETTING), "sandbox": _SANDBOX},
)


class ManifestError(Exception):
    """A manifest that cannot be used. The message names the file and the field, never a value."""


def read_manifest(file: Path, connector_id: str | None = None) -> "ManifestDocument":
    """Return the manifest as written. Unknown keys are left to the first use: see `surplus_keys`.

    Raises `ManifestError` for a file that cannot be read, is for another host version, has another
    id than `connector_id`, or has a field that is missing or has another type.
    """
    document = _parse(file)
    if not isinstance(document, dict):
        message = f"{file.name}: the manifest must be a mapping."
        raise ManifestError(message)
    manifest = cast("ManifestDocument", document)
    errors = chain(
        _version_errors(document),
        _id_errors(document, connector_id),
        shape_errors(document, "", _MANIFEST),
        _duplicate_errors(manifest),
        _sandbox_errors(manifest),
        _command_errors(manifest),
    )
    # Only the first error is read: each check relies on those before it.
    if error := next(errors, None):
        message = f"{file.name}: {error}"
        raise ManifestError(message)
    return manifest


def surplus_keys(document: "ManifestDocument") -> Iterator[str]:
    """Yield a pointer to each key of a manifest that no part of it may have."""
    checked_apart = {"manifest_version", "id", "host_api"}
    rest = {name: part for name, part in document.items() if name not in checked_apart}
    yield from unknown_keys(rest, "", _MANIFEST)
    yield from unknown_keys(document["host_api"], "/host_api", _HOST_API)


def _parse(file: Path) -> object:
    try:
        return load_yaml(read_file(file, _MOST_BYTES).decode())
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
        case {"min": int(low), "max": int(high)} as given if _HOST_API.allows(given):
            if not low <= HOST_API <= high:
                yield f"/host_api must include {HOST_API}, the version of this host."
        case _:
            yield "/host_api must have min and max, both whole numbers."


def _id_errors(document: JsonObject, connector_id: str | None) -> Iterator[str]:
    own_id = document.get("id")
    if not isinstance(own_id, str) or not own_id:
        yield "/id must be text and not empty."
    if connector_id is not None and connector_id != own_id:
        yield "/id must be the name of the entry point."


def _duplicate_errors(document: "ManifestDocument") -> Iterator[str]:
    seen = set()
    for index, action in enumerate(document["actions"]):
        key = (action["id"], action["version"])
        if key in seen:
            yield f"/actions/{index} has the id and the version of another action."
        seen.add(key)


def _sandbox_errors(manifest: "ManifestDocument") -> Iterator[str]:
    sandbox = manifest.get("sandbox")
    if not sandbox:
        return
    # Without the address, a run would go to the real service.
    if not any("{address}" in text for text in sandbox["settings"].values()):
        yield "/sandbox/settings must have a text with {address}."
    # A real key begins with an empty text too, and would be sent.
    if not all(sandbox.get("test_prefixes", {}).values()):
        yield "/sandbox/test_prefixes must have no empty text."


def _command_errors(manifest: "ManifestDocument") -> Iterator[str]:
    settings = {setting["name"] for setting in manifest.get("settings", [])}
    owners: dict[str, str] = {}
    for index, action in enumerate(manifest["actions"]):
        if not (command := action.get("command")):
            continue
        pointer = f"/actions/{index}/command"
        # The versions of one action share their command.
        if owners.setdefault(command["name"], action["id"]) != action["id"]:
            yield f"{pointer}/name is the command of another action."
        options = command.get("options", [])
        yield from _option_errors(options, f"{pointer}/options", settings)


def _option_errors(
    options: "Sequence[CommandOptionDocument]", pointer: str, settings: AbstractSet[str]
) -> Iterator[str]:
    taken = set(_OWN_OPTIONS)
    for index, option in enumerate(options):
        names = {option["name"], option.get("short") or option["name"]}
        if names & taken:
            yield f"{pointer}/{index} has the name or the letter of another option."
        taken |= names
        if option.get("setting") not in {None, *settings}:
            yield f"{pointer}/{index}/setting must be the name of a setting."
