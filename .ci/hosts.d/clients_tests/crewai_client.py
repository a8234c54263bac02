"""CrewAI's MCP adapter, which sends null for every field that the model left out."""

from checking import CHAT, QUERY, QUESTION, SEARCH, URL, accept
from crewai_tools import MCPServerAdapter

with MCPServerAdapter({"url": URL, "transport": "streamable-http"}) as tools:
    # It gives the tools names of Python.
    by_name = {tool.name.replace("_", "-", 1): tool for tool in tools}
    chat = by_name[CHAT].run(**QUESTION)
    search = by_name[SEARCH].run(**QUERY)
accept("crewai-tools", list(by_name), chat, search)
