"""mcp-use's LangChain tools, which send null for every field that the model left out."""

import asyncio

from checking import CHAT, QUERY, QUESTION, SEARCH, URL, accept
from mcp_use import MCPClient
from mcp_use.adapters import LangChainAdapter


async def main() -> None:
    """List and call."""
    client = MCPClient({"mcpServers": {"perplexity": {"url": URL}}})
    tools = await LangChainAdapter().create_tools(client)
    by_name = {tool.name: tool for tool in tools}
    chat = await by_name[CHAT].ainvoke(QUESTION)
    search = await by_name[SEARCH].ainvoke(QUERY)
    await client.close_all_sessions()
    accept("mcp-use", list(by_name), chat, search)


asyncio.run(main())
