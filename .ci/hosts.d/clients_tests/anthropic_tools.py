"""Anthropic's SDK makes a tool of each listed one, which is then called; its strict form is made too."""

import asyncio

from anthropic import transform_schema
from anthropic.lib.tools.mcp import async_mcp_tool
from checking import CHAT, CHAT_WITH_NULLS, SEARCH, SEARCH_WITH_NULLS, URL, accept
from mcp import Client


async def main() -> None:
    """List, convert and call."""
    async with Client(URL) as client:
        tools = (await client.list_tools()).tools
        assert all(transform_schema(tool.input_schema) for tool in tools)
        made = {tool.name: async_mcp_tool(tool, client) for tool in tools}
        chat = await made[CHAT].call(CHAT_WITH_NULLS)
        search = await made[SEARCH].call(SEARCH_WITH_NULLS)
    accept("anthropic", list(made), chat, search)


asyncio.run(main())
