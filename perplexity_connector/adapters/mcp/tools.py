"""The palette as MCP tools: what a host describes, under the names that MCP has for it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from mcp_types import Icon, Tool, ToolAnnotations

from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.json import as_object, as_text
from perplexity_connector.host import Host

# A schema's own address says nothing to a client, and some refuse a dialect that they do not know by name.
_ADDRESSES = frozenset({"$schema", "$id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionTool:
    """One tool, and the action that it stands for."""

    tool: Tool
    connector: str
    action: str
    version: int


def action_tools(host: Host) -> Mapping[str, ActionTool]:
    """Every action of the palette by the name of its tool: its id, after its connector's where two share an id.

    Raises `ConnectorError` (`internal`) for a schema that cannot be read.
    """
    entries = host.actions()
    shared = Counter(as_text(entry["action"]) for entry in entries)
    tools = {}
    for entry in entries:
        connector, action = as_text(entry["connector"]), as_text(entry["action"])
        name = action if shared[action] == 1 else f"{connector}-{action}"
        tools[name] = _action_tool(name, host.describe(connector, action))
    return tools


def _action_tool(name: str, description: JsonObject) -> ActionTool:
    connector, action = (
        as_object(description["connector"]),
        as_object(description["action"]),
    )
    schemas = as_object(description["schemas"])
    tool = Tool(
        name=name,
        title=as_text(action["title"]),
        description=_words(connector, action),
        input_schema=_sent(as_object(schemas["input"])),
        output_schema=_sent(as_object(schemas["output"])),
        annotations=_annotations(as_object(action["annotations"])),
        icons=[Icon(src=as_text(connector["icon"]))],
    )
    version = cast("int", action["version"])
    return ActionTool(
        tool=tool,
        connector=as_text(connector["id"]),
        action=as_text(action["id"]),
        version=version,
    )


def _words(connector: JsonObject, action: JsonObject) -> str:
    billed = (
        " Every call is billed."
        if as_object(action["annotations"])["billable"] is True
        else ""
    )
    return f"{as_text(action['summary'])} By {as_text(connector['title'])}, within {action['timeout']} s.{billed}"


def _sent(schema: JsonObject) -> dict[str, object]:
    return {
        keyword: value for keyword, value in schema.items() if keyword not in _ADDRESSES
    }


def _annotations(told: JsonObject) -> ToolAnnotations:
    return ToolAnnotations(
        read_only_hint=told["read_only"] is True,
        destructive_hint=told["destructive"] is True,
        idempotent_hint=told["idempotent"] is True,
        open_world_hint=told["open_world"] is True,
    )
