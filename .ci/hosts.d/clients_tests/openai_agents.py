"""The OpenAI Agents SDK: each action as a function tool, its schema made strict, with nulls for all optional fields."""

import asyncio
import json

from agents import Agent, RunContextWrapper
from agents.mcp import MCPServerStreamableHttp, MCPUtil
from checking import CHAT, CHAT_WITH_NULLS, SEARCH, SEARCH_WITH_NULLS, URL, accept


async def main() -> None:
    """List and call."""
    # Its own limit is five seconds, which no chat keeps.
    server = MCPServerStreamableHttp({"url": URL}, client_session_timeout_seconds=60)
    async with server:
        context = RunContextWrapper(None)
        agent = Agent(name="checker", mcp_servers=[server])
        tools = await MCPUtil.get_function_tools(
            server, convert_schemas_to_strict=True, run_context=context, agent=agent
        )
        listed = {tool.name: tool for tool in await server.list_tools()}
        chat = await MCPUtil.invoke_mcp_tool(
            server, listed[CHAT], context, json.dumps(CHAT_WITH_NULLS)
        )
        search = await MCPUtil.invoke_mcp_tool(
            server, listed[SEARCH], context, json.dumps(SEARCH_WITH_NULLS)
        )
    accept("openai-agents", [tool.name for tool in tools], chat, search)


asyncio.run(main())
