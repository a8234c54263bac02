"""The actions of a host as MCP tools: its descriptions in MCP's terms."""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from mcp_types import Icon, Tool, ToolAnnotations

from perplexity_connector.contract import ConnectorError, JsonObject
from perplexity_connector.contract.json import as_object, as_text
from perplexity_connector.host import Host

# A client cannot use a schema's address, and some clients refuse a dialect whose name they do not know.
_ADDRESSES = frozenset({"$schema", "$id"})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionTool:
    """One tool, and the action that it runs."""

    tool: Tool
    connector: str
    action: str
    version: int


def action_tools(host: Host) -> Mapping[str, ActionTool]:
    """Return every action by the name of its tool.

    The name is the action's id; if several actions share it, `<connector>-<action>`. An action that
    cannot be described is left out, and the log says why.
    """
    entries = host.actions()
    shared = Counter(as_text(entry["action"]) for entry in entries)
    tools = {}
    for entry in entries:
        connector, action = as_text(entry["connector"]), as_text(entry["action"])
        name = action if shared[action] == 1 else f"{connector}-{action}"
        try:
            tools[name] = _action_tool(name, host.describe(connector, action))
        except ConnectorError as error:
            _log.warning("%s is left out: %s", name, error.user_message)
    return tools


def _action_tool(name: str, description: JsonObject) -> ActionTool:
    connector = as_object(description["connector"])
    action = as_object(description["action"])
    schemas = as_object(description["schemas"])
    tool = Tool(
        name=name,
        title=as_text(action["title"]),
        description=_tool_description(connector, action),
        input_schema=_without_addresses(as_object(schemas["input"])),
        output_schema=_without_addresses(as_object(schemas["output"])),
        annotations=_tool_annotations(as_object(action["annotations"])),
        icons=[Icon(src=as_text(connector["icon"]))],
    )
    return ActionTool(
        tool=tool,
        connector=as_text(connector["id"]),
        action=as_text(action["id"]),
        version=cast("int", action["version"]),
    )


def _tool_description(connector: JsonObject, action: JsonObject) -> str:
    is_billed = as_object(action["annotations"])["billable"] is True
    billed = " Every call is billed." if is_billed else ""
    return f"{as_text(action['summary'])} By {as_text(connector['title'])}, within {action['timeout']} s.{billed}"


def _without_addresses(schema: JsonObject) -> dict[str, object]:
    return {
        keyword: value for keyword, value in schema.items() if keyword not in _ADDRESSES
    }


def _tool_annotations(annotations: JsonObject) -> ToolAnnotations:
    return ToolAnnotations(
        read_only_hint=annotations["read_only"] is True,
        destructive_hint=annotations["destructive"] is True,
        idempotent_hint=annotations["idempotent"] is True,
        open_world_hint=annotations["open_world"] is True,
    )
