"""Strands Agents' MCP client, with nulls for all optional fields."""

from checking import CHAT, CHAT_WITH_NULLS, SEARCH, SEARCH_WITH_NULLS, URL, accept
from mcp.client.streamable_http import streamable_http_client
from strands.tools.mcp import MCPClient

with MCPClient(lambda: streamable_http_client(URL)) as client:
    names = [tool.tool_name for tool in client.list_tools_sync()]
    chat = client.call_tool_sync("call_1", CHAT, CHAT_WITH_NULLS)
    search = client.call_tool_sync("call_2", SEARCH, SEARCH_WITH_NULLS)
assert (chat["status"], search["status"]) == ("success", "success"), (chat, search)
accept("strands-agents", names, chat, search)
