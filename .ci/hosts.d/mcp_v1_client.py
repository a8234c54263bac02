"""A client of the MCP SDK v1 that lists and calls both tools: `mcp_v1_client.py stdio COMMAND | http URL`."""

import asyncio
import sys
from contextlib import AsyncExitStack
from importlib.metadata import version

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client

CHAT, SEARCH = "perplexity-create_chat_completion", "perplexity-execute_search"
QUESTION = {
    "model": "sonar",
    "messages": [{"role": "user", "content": "How far away is the Moon?"}],
}


async def main(transport: str, where: str) -> None:
    """List, call, watch, and be refused."""
    async with AsyncExitStack() as stack:
        if transport == "stdio":
            client = stdio_client(
                StdioServerParameters(command=where, args=["mcp", "--sandbox"])
            )
        else:
            client = streamablehttp_client(where)
        received, sent, *_ = await stack.enter_async_context(client)
        session = await stack.enter_async_context(ClientSession(received, sent))
        hello = await session.initialize()
        tools = [tool.name for tool in (await session.list_tools()).tools]
        assert tools == [CHAT, SEARCH], tools

        pieces: list[str] = []

        async def watch(
            progress: float, total: float | None, message: str | None
        ) -> None:
            del progress, total
            pieces.append(message or "")

        # The client holds each result against the tool's output schema by itself.
        chat = await session.call_tool(CHAT, QUESTION, progress_callback=watch)
        assert not chat.isError, chat
        assert "".join(pieces).endswith(chat.structuredContent["content"]), pieces
        search = await session.call_tool(SEARCH, {"query": "moon", "max_results": 2})
        assert len(search.structuredContent["results"]) == 2, search
        refused = await session.call_tool(SEARCH, {"query": "moon", "max_results": 0})
        assert refused.isError, refused
        assert "/max_results" in refused.content[0].text, refused
    sys.stdout.write(
        f"mcp {version('mcp')} over {transport}: protocol {hello.protocolVersion}, {len(pieces)} pieces of progress\n"
    )


asyncio.run(main(*sys.argv[1:]))
