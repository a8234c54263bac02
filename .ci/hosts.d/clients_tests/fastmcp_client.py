"""The client of fastmcp, with nulls for all optional fields."""

import asyncio

from checking import CHAT, CHAT_WITH_NULLS, SEARCH, SEARCH_WITH_NULLS, URL, accept
from fastmcp import Client


async def main() -> None:
    """List and call."""
    async with Client(URL) as client:
        names = [tool.name for tool in await client.list_tools()]
        chat = await client.call_tool(CHAT, CHAT_WITH_NULLS)
        search = await client.call_tool(SEARCH, SEARCH_WITH_NULLS)
    accept("fastmcp", names, chat.structured_content, search.structured_content)


asyncio.run(main())
