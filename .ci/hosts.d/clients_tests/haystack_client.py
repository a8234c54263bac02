"""Haystack's MCP toolset, with nulls for all optional fields."""

from checking import CHAT, CHAT_WITH_NULLS, SEARCH, SEARCH_WITH_NULLS, URL, accept
from haystack_integrations.tools.mcp import MCPToolset, StreamableHttpServerInfo

toolset = MCPToolset(StreamableHttpServerInfo(url=URL), eager_connect=True)
tools = {tool.name: tool for tool in toolset}
chat = tools[CHAT].invoke(**CHAT_WITH_NULLS)
search = tools[SEARCH].invoke(**SEARCH_WITH_NULLS)
assert "automation-host/envelope" not in chat, "the model would see the envelope"
accept("mcp-haystack", list(tools), chat, search)
