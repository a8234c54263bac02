"""The MCP SDK v1 for Python, with nulls for all optional fields."""

import asyncio

from checking import CHAT, CHAT_WITH_NULLS, SEARCH, SEARCH_WITH_NULLS, URL, accept
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client


async def main() -> None:
    """List and call."""
    async with (
        streamablehttp_client(URL) as (received, sent, _),
        ClientSession(received, sent) as session,
    ):
        await session.initialize()
        names = [tool.name for tool in (await session.list_tools()).tools]
        # The client holds each result against the tool's output schema by itself.
        chat = await session.call_tool(CHAT, CHAT_WITH_NULLS)
        search = await session.call_tool(SEARCH, SEARCH_WITH_NULLS)
    assert not chat.isError, chat
    assert not search.isError, search
    accept("mcp", names, chat.structuredContent, search.structuredContent)


asyncio.run(main())
