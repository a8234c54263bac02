"""Pydantic AI's MCP toolset, with nulls for all optional fields."""

import asyncio

from checking import CHAT, CHAT_WITH_NULLS, SEARCH, SEARCH_WITH_NULLS, URL, accept
from pydantic_ai.mcp import MCPToolset


async def main() -> None:
    """List and call."""
    toolset = MCPToolset(URL)
    async with toolset:
        names = [tool.name for tool in await toolset.list_tools()]
        chat = await toolset.direct_call_tool(CHAT, CHAT_WITH_NULLS)
        search = await toolset.direct_call_tool(SEARCH, SEARCH_WITH_NULLS)
    accept("pydantic-ai-slim", names, chat, search)


asyncio.run(main())
