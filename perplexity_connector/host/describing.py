"""The palette and the description of an action, as plain data straight from the manifest."""

import copy
from collections.abc import Iterable
from typing import TypeAlias, cast

from perplexity_connector.contract import JsonObject, JsonValue
from perplexity_connector.host.discovery import Installed, find_action
from perplexity_connector.host.schemas import read_schema

Document: TypeAlias = dict[str, JsonValue]

_SHOWN = ("id", "version", "title", "summary", "icon", "categories", "links")
_ACTION_DEFAULTS: Document = {"events": None, "streaming": False, "options": {}, "labels": {}}


def palette(connectors: Iterable[Installed]) -> list[Document]:
    """One entry for each action, in its newest version, in the order of the manifests."""
    entries = []
    for installed in connectors:
        ids = dict.fromkeys(cast("str", entry["id"]) for entry in installed.actions)
        entries += [_palette_entry(installed, action_id) for action_id in ids]
    return entries


def describe(installed: Installed, entry: JsonObject) -> Document:
    """All that a host needs to draw an action: its manifest entry, the connector's, schemas, labels and examples.

    Raises `ConnectorError` (`internal`) for a schema that cannot be read.
    """
    document = installed.document
    connection = cast("JsonObject", document["connection"])
    shown = {name: document[name] for name in _SHOWN}
    shown["settings"] = document.get("settings", [])
    shown["connection"] = {"env": {}, "guide": [], **connection}
    events = entry.get("events")
    files = {"connection": connection["schema"], "input": entry["input"], "output": entry["output"], "event": events}
    schemas: Document = {name: read_schema(installed.file, str(file)) if file else None for name, file in files.items()}
    description: Document = {
        "connector": shown,
        "action": {**_ACTION_DEFAULTS, **entry},
        "schemas": schemas,
        "labels": entry.get("labels", {}),
        "examples": cast("JsonObject", schemas["input"]).get("examples", []),
    }
    return copy.deepcopy(description)


def _palette_entry(installed: Installed, action_id: str) -> Document:
    document = installed.document
    entry = find_action({installed.id: installed}, installed.id, action_id, None)
    return copy.deepcopy(
        {
            "connector": installed.id,
            "action": entry["id"],
            "version": entry["version"],
            "title": entry["title"],
            "summary": entry["summary"],
            "icon": document["icon"],
            "categories": document["categories"],
            "streaming": entry.get("streaming", False),
            "annotations": entry["annotations"],
            "timeout": entry["timeout"],
        }
    )
