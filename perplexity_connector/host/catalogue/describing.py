"""The palette and the descriptions of connectors and actions, as plain JSON from the manifest."""

import copy
from collections.abc import Iterable
from typing import TYPE_CHECKING

from perplexity_connector.contract.readers import as_list
from perplexity_connector.host.catalogue.discovery import Installed, find_action
from perplexity_connector.host.catalogue.schemas import read_schema

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        ActionDescription,
        ActionDocument,
        CommandEntry,
        ConnectorDocument,
        ManifestActionDocument,
        ManifestDocument,
        PaletteEntry,
        SandboxDocument,
        SchemasDocument,
    )


def palette(connectors: Iterable[Installed]) -> "list[PaletteEntry]":
    """Return one entry for each action in its newest version, in the order of the manifests."""
    entries = []
    for installed in connectors:
        ids = dict.fromkeys(entry["id"] for entry in installed.document["actions"])
        entries += [_palette_entry(installed, action_id) for action_id in ids]
    return entries


def describe_connector(installed: Installed) -> "ConnectorDocument":
    """Return the manifest of a connector without its actions."""
    document = installed.document
    connection = document["connection"]
    description: ConnectorDocument = {
        "id": document["id"],
        "version": document["version"],
        "title": document["title"],
        "summary": document["summary"],
        "icon": document["icon"],
        "categories": document["categories"],
        "links": document["links"],
        "settings": document.get("settings", []),
        "connection": {
            "schema": connection["schema"],
            "env": connection.get("env", {}),
            "guide": connection.get("guide", []),
        },
        "sandbox": _describe_sandbox(document),
    }
    return copy.deepcopy(description)


def describe(
    installed: Installed, entry: "ManifestActionDocument"
) -> "ActionDescription":
    """Return everything that a host needs to show an action.

    The keys are {connector, action, schemas, labels, examples}: the manifest's entries, the
    schemas {connection, input, output, event}, the labels of choices, and the input's examples.
    Raises `ConnectorError` (`internal`) for a schema that cannot be read.
    """
    action = _describe_action(entry)
    schemas = _schemas(installed, action)
    examples = list(as_list(schemas["input"].get("examples")))
    return {
        "connector": describe_connector(installed),
        "action": action,
        "schemas": schemas,
        "labels": copy.deepcopy(action["labels"]),
        "examples": copy.deepcopy(examples),
    }


def _describe_action(entry: "ManifestActionDocument") -> "ActionDocument":
    written = copy.deepcopy(entry)
    return {
        "id": written["id"],
        "version": written["version"],
        "title": written["title"],
        "summary": written["summary"],
        "input": written["input"],
        "output": written["output"],
        "events": written.get("events"),
        "streaming": written.get("streaming", False),
        "annotations": written["annotations"],
        "timeout": written["timeout"],
        "options": written.get("options", {}),
        "labels": written.get("labels", {}),
        "author_schemas": written.get("author_schemas", {}),
        "command": written.get("command"),
    }


def _describe_sandbox(manifest: "ManifestDocument") -> "SandboxDocument | None":
    written = manifest.get("sandbox")
    if written is None:
        return None
    return {
        "start": written["start"],
        "settings": written["settings"],
        "connection": written.get("connection", {}),
        "test_connections": written.get("test_connections", []),
        "test_prefixes": written.get("test_prefixes", {}),
    }


def _schemas(installed: Installed, action: "ActionDocument") -> "SchemasDocument":
    file, events = installed.file, action["events"]
    return {
        "connection": read_schema(file, installed.document["connection"]["schema"]),
        "input": read_schema(file, action["input"]),
        "output": read_schema(file, action["output"]),
        "event": read_schema(file, events) if events else None,
    }


def _palette_entry(installed: Installed, action_id: str) -> "PaletteEntry":
    connector = installed.document
    action = find_action(installed, action_id, None)
    return {
        "connector": installed.id,
        "action": action["id"],
        "version": action["version"],
        "title": action["title"],
        "summary": action["summary"],
        "icon": connector["icon"],
        "categories": list(connector["categories"]),
        "streaming": action.get("streaming", False),
        "annotations": action["annotations"].copy(),
        "timeout": action["timeout"],
        "command": _command_entry(action),
    }


def _command_entry(action: "ManifestActionDocument") -> "CommandEntry | None":
    command = action.get("command")
    if not command:
        return None
    summary = command.get("summary") or action["summary"]
    return {"name": command["name"], "summary": summary}
