"""The actions of a host as MCP tools: its descriptions in MCP's terms."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from mcp_types import Icon, Tool, ToolAnnotations

from perplexity_connector.adapters.mcp.schemas import tool_schema
from perplexity_connector.contract import ConnectorError, JsonObject
from perplexity_connector.contract.json import as_object, as_text
from perplexity_connector.host import Host
from perplexity_connector.host.validation.schema_validator import SchemaValidator
from perplexity_connector.host.validation.text_values import from_text

# What n8n's agents add to the arguments of every tool.
_CLIENTS_OWN = frozenset({"toolCallId", "sessionId"})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionTool:
    """One tool, and the action that it runs."""

    tool: Tool
    connector: str
    action: str
    version: int

    def arguments_of(self, given: JsonObject) -> JsonObject:
        """Return the arguments of a call, without those that a client adds for itself.

        Some clients write a list, a number or a boolean as text, which is read by the schema.
        """
        fields = as_object(self.tool.input_schema.get("properties"))
        added = _CLIENTS_OWN - fields.keys()
        own = {name: value for name, value in given.items() if name not in added}
        return as_object(from_text(own, self.tool.input_schema))


def action_tools(host: Host) -> Sequence[ActionTool]:
    """Return a tool for every action.

    Its name is `<connector>-<action>`, which stays the same when another connector is installed. An
    action that cannot be described, or has a wrong schema, is left out. The log says why.
    """
    tools = []
    for entry in host.actions():
        connector, action = as_text(entry["connector"]), as_text(entry["action"])
        name = f"{connector}-{action}"
        try:
            description = host.describe(connector, action)
            _check_schemas(as_object(description["schemas"]))
            tools.append(_action_tool(name, description))
        except ConnectorError as error:
            _log.warning("%s is left out: %s", name, error.user_message)
    return tools


def by_accepted_name(tools: Sequence[ActionTool]) -> Mapping[str, ActionTool]:
    """Return the tools by each name that a call may use.

    The action's id alone is a name too, as long as one connector has such an action.
    """
    shared = Counter(one.action for one in tools)
    short = {one.action: one for one in tools if shared[one.action] == 1}
    return short | {one.tool.name: one for one in tools}


def _check_schemas(schemas: JsonObject) -> None:
    """Raise `ConnectorError` (`internal`) for a wrong schema: some clients then drop all tools."""
    for kind in ("input", "output"):
        SchemaValidator(as_object(schemas[kind]))


def _action_tool(name: str, description: JsonObject) -> ActionTool:
    connector = as_object(description["connector"])
    action = as_object(description["action"])
    schemas = as_object(description["schemas"])
    tool = Tool(
        name=name,
        title=as_text(action["title"]),
        description=_tool_description(connector, action),
        input_schema=tool_schema(as_object(schemas["input"])),
        output_schema=tool_schema(as_object(schemas["output"])),
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


def _tool_annotations(annotations: JsonObject) -> ToolAnnotations:
    return ToolAnnotations(
        read_only_hint=annotations["read_only"] is True,
        destructive_hint=annotations["destructive"] is True,
        idempotent_hint=annotations["idempotent"] is True,
        open_world_hint=annotations["open_world"] is True,
    )
