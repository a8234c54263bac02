"""The palette and the descriptions of connectors and actions, as plain JSON from the manifest."""

import copy
from collections.abc import Iterable
from typing import cast

from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.json import Document, as_object
from perplexity_connector.host.catalogue.discovery import Installed, find_action
from perplexity_connector.host.catalogue.schemas import read_schema

_CONNECTOR_KEYS = (
    "id",
    "version",
    "title",
    "summary",
    "icon",
    "categories",
    "links",
)
_ACTION_DEFAULTS: Document = {
    "events": None,
    "streaming": False,
    "options": {},
    "labels": {},
}


def palette(connectors: Iterable[Installed]) -> list[Document]:
    """Return one entry for each action in its newest version, in the order of the manifests."""
    entries = []
    for installed in connectors:
        ids = dict.fromkeys(cast("str", entry["id"]) for entry in installed.actions)
        entries += [_palette_entry(installed, action_id) for action_id in ids]
    return entries


def describe_connector(installed: Installed) -> Document:
    """Return the manifest of a connector without its actions."""
    document = installed.document
    description = {name: document[name] for name in _CONNECTOR_KEYS}
    connection = as_object(document["connection"])
    description["settings"] = document.get("settings", [])
    description["connection"] = {"env": {}, "guide": [], **connection}
    return copy.deepcopy(description)


def describe(installed: Installed, entry: JsonObject) -> Document:
    """Return everything that a host needs to show an action.

    The keys are {connector, action, schemas, labels, examples}: the manifest's entries, the
    schemas {connection, input, output, event}, the labels of choices, and the input's examples.
    Raises `ConnectorError` (`internal`) for a schema that cannot be read.
    """
    files = {
        "connection": as_object(installed.document["connection"])["schema"],
        "input": entry["input"],
        "output": entry["output"],
        "event": entry.get("events"),
    }
    schemas: Document = {
        name: read_schema(installed.file, str(file)) if file else None
        for name, file in files.items()
    }
    return {
        "connector": describe_connector(installed),
        "action": copy.deepcopy({**_ACTION_DEFAULTS, **entry}),
        "schemas": schemas,
        "labels": copy.deepcopy(entry.get("labels", {})),
        "examples": copy.deepcopy(as_object(schemas["input"]).get("examples", [])),
    }


def _palette_entry(installed: Installed, action_id: str) -> Document:
    connector = installed.document
    action = find_action(installed, action_id, None)
    entry: Document = {
        "connector": installed.id,
        "action": action["id"],
        "version": action["version"],
        "title": action["title"],
        "summary": action["summary"],
        "icon": connector["icon"],
        "categories": connector["categories"],
        "streaming": action.get("streaming", False),
        "annotations": action["annotations"],
        "timeout": action["timeout"],
    }
    return copy.deepcopy(entry)
