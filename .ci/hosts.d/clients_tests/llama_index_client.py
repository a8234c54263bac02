"""LlamaIndex's MCP tools, which put null into the schema of every optional field."""

import asyncio

from checking import CHAT, CHAT_WITH_NULLS, SEARCH, SEARCH_WITH_NULLS, URL, accept
from llama_index.tools.mcp import BasicMCPClient, McpToolSpec


async def main() -> None:
    """List and call."""
    tools = await McpToolSpec(client=BasicMCPClient(URL)).to_tool_list_async()
    by_name = {tool.metadata.name: tool for tool in tools}
    chat = await by_name[CHAT].acall(**CHAT_WITH_NULLS)
    search = await by_name[SEARCH].acall(**SEARCH_WITH_NULLS)
    accept("llama-index-tools-mcp", list(by_name), chat, search)


asyncio.run(main())
