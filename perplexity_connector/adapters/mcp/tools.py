"""The actions of a host as MCP tools: its descriptions in MCP's terms."""

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp.shared.inbound import X_MCP_HEADER_KEY
from mcp_types import Icon, Tool, ToolAnnotations

from perplexity_connector.adapters.mcp.schemas import tool_schema
from perplexity_connector.contract import ConnectorError, JsonObject
from perplexity_connector.contract.readers import as_object
from perplexity_connector.host import Host
from perplexity_connector.host.validation.schema_validator import SchemaValidator
from perplexity_connector.host.validation.text_values import from_text

if TYPE_CHECKING:
    from perplexity_connector.contract import (
        ActionDescription,
        ActionDocument,
        AnnotationsDocument,
        ConnectorDocument,
        SchemasDocument,
    )

# What n8n's agents add to the arguments of every tool.
_CLIENTS_OWN = frozenset({"toolCallId", "sessionId"})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionTool:
    """One tool, and the action that it runs.

    `has_headers` says whether clients repeat some of its arguments as HTTP headers.
    """

    tool: Tool
    connector: str
    action: str
    version: int
    has_headers: bool

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
        connector, action = entry["connector"], entry["action"]
        name = f"{connector}-{action}"
        try:
            description = host.describe(connector, action)
            _check_schemas(description["schemas"])
            tools.append(_action_tool(name, description))
        except ConnectorError as error:
            _log.warning("%s is left out: %s", name, error.user_message)
    return tools


def with_hints(host: Host, one: ActionTool) -> Tool:
    """Return a tool whose description has the hints for all inputs too, as sentences.

    The host should be open: opening it would load the connector again.
    """
    sentences = [one.tool.description or ""]
    # The tool stays: a call of it says why the connector cannot be used.
    with suppress(ConnectorError):
        hints = host.hints(one.connector, one.action, {}, version=one.version)
        sentences += [hint.message for hint in hints]
    return one.tool.model_copy(update={"description": " ".join(sentences)})


def by_accepted_name(tools: Sequence[ActionTool]) -> Mapping[str, ActionTool]:
    """Return the tools by each name that a call may use.

    The action's id alone is a name too, as long as one connector has such an action.
    """
    shared = Counter(one.action for one in tools)
    short = {one.action: one for one in tools if shared[one.action] == 1}
    return short | {one.tool.name: one for one in tools}


def _check_schemas(schemas: "SchemasDocument") -> None:
    """Raise `ConnectorError` (`internal`) for a wrong schema: some clients then drop all tools."""
    for schema in (schemas["input"], schemas["output"]):
        SchemaValidator(schema)


def _action_tool(name: str, description: "ActionDescription") -> ActionTool:
    connector, action = description["connector"], description["action"]
    schemas = description["schemas"]
    tool = Tool(
        name=name,
        title=action["title"],
        description=_tool_description(connector, action),
        input_schema=tool_schema(schemas["input"]),
        output_schema=tool_schema(schemas["output"]),
        annotations=_tool_annotations(action["annotations"]),
        icons=[Icon(src=connector["icon"])],
    )
    return ActionTool(
        tool=tool,
        connector=connector["id"],
        action=action["id"],
        version=action["version"],
        has_headers=X_MCP_HEADER_KEY in json.dumps(tool.input_schema),
    )


def _tool_description(connector: "ConnectorDocument", action: "ActionDocument") -> str:
    billed = " Every call is billed." if action["annotations"]["billable"] else ""
    return f"{action['summary']} By {connector['title']}, within {action['timeout']} s.{billed}"


def _tool_annotations(annotations: "AnnotationsDocument") -> ToolAnnotations:
    return ToolAnnotations(
        read_only_hint=annotations["read_only"],
        destructive_hint=annotations["destructive"],
        idempotent_hint=annotations["idempotent"],
        open_world_hint=annotations["open_world"],
    )
