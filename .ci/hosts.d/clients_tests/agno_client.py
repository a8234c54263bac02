"""Agno's MCP toolkit, with nulls for all optional fields."""

import asyncio

from agno.tools.mcp import MCPTools
from checking import CHAT, CHAT_WITH_NULLS, SEARCH, SEARCH_WITH_NULLS, URL, accept


async def main() -> None:
    """List and call."""
    async with MCPTools(url=URL, transport="streamable-http") as toolkit:
        functions = toolkit.get_async_functions() or toolkit.functions
        chat = await functions[CHAT].entrypoint(**CHAT_WITH_NULLS)
        search = await functions[SEARCH].entrypoint(**SEARCH_WITH_NULLS)
    accept("agno", list(functions), chat, search)


asyncio.run(main())
