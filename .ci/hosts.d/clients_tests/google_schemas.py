"""Google's SDK makes a function of each listed tool, which checks its schema; nothing is sent."""

import asyncio
from importlib.metadata import version

from checking import CHAT, SEARCH, URL
from google.genai._mcp_utils import mcp_to_gemini_tool
from mcp import Client


async def main() -> None:
    """List and convert."""
    async with Client(URL) as client:
        tools = (await client.list_tools()).tools
    made = [mcp_to_gemini_tool(tool).function_declarations[0].name for tool in tools]
    assert made == [CHAT, SEARCH], made
    print(
        f"google-genai {version('google-genai')}: took the schemas of {len(made)} tools"
    )


asyncio.run(main())
