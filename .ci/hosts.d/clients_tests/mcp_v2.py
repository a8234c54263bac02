"""The MCP SDK v2 for Python, in both eras of the protocol, with nulls for all optional fields."""

import asyncio

from checking import CHAT, CHAT_WITH_NULLS, SEARCH, SEARCH_WITH_NULLS, URL, accept
from mcp import Client


async def main(mode: str) -> None:
    """List and call."""
    async with Client(URL, mode=mode) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        chat = await client.call_tool(CHAT, CHAT_WITH_NULLS)
        search = await client.call_tool(SEARCH, SEARCH_WITH_NULLS)
    assert not chat.is_error, chat
    assert not search.is_error, search
    accept("mcp", names, chat.structured_content, search.structured_content)


for era in ("auto", "legacy"):
    asyncio.run(main(era))
