"""The actions as tools of an MCP server, over stdio or HTTP. It needs the `[mcp]` extra."""

from perplexity_connector.adapters.mcp.http import HttpOptions, serve_http
from perplexity_connector.adapters.mcp.server import Connections, make_server
from perplexity_connector.adapters.mcp.stdio import serve_stdio

__all__ = ["Connections", "HttpOptions", "make_server", "serve_http", "serve_stdio"]
