"""Read the schema files that a manifest names."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from perplexity_connector.contract import (
    ConnectorError,
    ErrorCode,
    JsonObject,
    JsonValue,
)
from perplexity_connector.contract.json import MAX_DEPTH, Document, load_json
from perplexity_connector.host.catalogue.files import read_file

if TYPE_CHECKING:
    from perplexity_connector.contract import ManifestDocument

_MOST_BYTES = 1024 * 1024


def read_schema(manifest: Path, name: str) -> Document:
    """Return the schema in the file `name`, relative to the manifest's folder.

    Raises `ConnectorError` (`internal`) for a file that is missing, lies outside that folder, is
    too large or too deep, or is not the JSON Schema of an object.
    """
    try:
        schema = load_json(read_file(_find(manifest, name), _MOST_BYTES))
        # A lone surrogate is valid JSON, and no answer that held it could be sent.
        # And `1e999` is read as infinity.
        json.dumps(schema, ensure_ascii=False, allow_nan=False).encode()
    except (OSError, ValueError, RuntimeError) as error:
        raise _unreadable(name, type(error).__name__) from None
    if not isinstance(schema, dict):
        raise _unreadable(name, "not an object")
    if _is_too_deep(schema):
        raise _unreadable(name, "nested too deeply")
    if keyword := _wrong_keyword(schema):
        raise _unreadable(name, f"/{keyword} is wrong for an object")
    return schema


def schema_files(manifest: "ManifestDocument") -> Iterator[str]:
    """Return the names of the schema files of a manifest, each once for each place."""
    yield manifest["connection"]["schema"]
    for action in manifest["actions"]:
        yield action["input"]
        yield action["output"]
        if events := action.get("events"):
            yield events


def _find(manifest: Path, name: str) -> Path:
    """Return the file of a schema. Raises `OSError` if it lies outside the connector's folder."""
    file = (manifest.parent / name).resolve()
    # Some installers make every file a link into a store, where the files are neighbours again.
    folders = (manifest.parent.resolve(), manifest.resolve().parent)
    if not any(file.is_relative_to(folder) for folder in folders):
        message = "outside the folder of the manifest"
        raise OSError(message)
    return file


def _is_too_deep(schema: JsonValue) -> bool:
    level: list[JsonValue] = [schema]
    for _ in range(MAX_DEPTH):
        level = [part for value in level for part in _parts(value)]
    return bool(level)


def _wrong_keyword(schema: JsonObject) -> str | None:
    """Return a keyword of the root that faces rely on, and that no schema of an object has so.

    The whole schema is checked before a run: the library for that is slow to import.
    """
    types, properties = schema.get("type", "object"), schema.get("properties", {})
    required = schema.get("required", [])
    good = {
        "type": "object" in (types if isinstance(types, list) else [types]),
        "properties": isinstance(properties, dict)
        and all(isinstance(one, dict | bool) for one in properties.values()),
        "required": isinstance(required, list)
        and all(isinstance(one, str) for one in required),
    }
    return next((keyword for keyword, is_good in good.items() if not is_good), None)


def _parts(value: JsonValue) -> Iterator[JsonValue]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _unreadable(name: str, reason: str) -> ConnectorError:
    message = f"The connector's schema {name} cannot be read ({reason})."
    return ConnectorError(ErrorCode.INTERNAL, message)
