"""LangChain's MCP adapters: each action as a LangChain tool, with nulls for all optional fields."""

import asyncio

from checking import CHAT, CHAT_WITH_NULLS, SEARCH, SEARCH_WITH_NULLS, URL, accept
from langchain_mcp_adapters.client import MultiServerMCPClient


async def main() -> None:
    """List and call."""
    server = {"transport": "streamable_http", "url": URL}
    tools = await MultiServerMCPClient({"perplexity": server}).get_tools()
    by_name = {tool.name: tool for tool in tools}
    chat = await by_name[CHAT].ainvoke(CHAT_WITH_NULLS)
    search = await by_name[SEARCH].ainvoke(SEARCH_WITH_NULLS)
    accept("langchain-mcp-adapters", list(by_name), chat, search)


asyncio.run(main())
