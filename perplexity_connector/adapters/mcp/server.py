"""An MCP server whose tools are the actions of a host."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import anyio
from mcp.server import Server
from mcp.server.context import ServerRequestContext
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
)

from perplexity_connector.adapters.mcp.results import progress_text, tool_result
from perplexity_connector.adapters.mcp.tools import ActionTool, action_tools
from perplexity_connector.contract import JsonObject, Secret
from perplexity_connector.contract.version import own_version
from perplexity_connector.host import Host, RunOptions

Connections: TypeAlias = Mapping[str, str | Mapping[str, str | Secret]]
_Context: TypeAlias = ServerRequestContext[None, Any]


class ActionServer(Server[None]):
    """A server of a host's actions. It opens the host at its start, closes it at its end."""

    def __init__(self, tools: "_Tools") -> None:
        """Serve these tools."""
        super().__init__(
            "perplexity-connector",
            version=own_version(),
            title="Perplexity connector",
            lifespan=tools.opened,
            on_list_tools=tools.list,
            on_call_tool=tools.call,
        )
        self._tools = tools

    def has_run(self, session: str) -> bool:
        """Return whether a run of this HTTP session is active, also after its client has left."""
        return session in self._tools.runs.values()


def make_server(host: Host, connections: Connections) -> ActionServer:
    """Return a server of the host's actions.

    `connections` holds, by connector, the name of a stored connection or the credential itself.
    Any other connector uses the credential of the environment.
    """
    tools = _Tools(
        host=host,
        connections=connections,
        by_name=action_tools(host),
    )
    return ActionServer(tools)


@dataclass(slots=True, kw_only=True)
class _Tools:
    """The handlers of the server.

    * `runs`: the active runs, each with its HTTP session; cancelled at the server's end.
    """

    host: Host
    connections: Connections
    by_name: Mapping[str, ActionTool]
    runs: dict["asyncio.Task[JsonObject]", str] = field(
        default_factory=dict["asyncio.Task[JsonObject]", str]
    )

    @asynccontextmanager
    async def opened(self, _: Server[None]) -> AsyncIterator[None]:
        async with self.host:
            try:
                yield
            finally:
                # A cancelled run still needs the host, to ask the provider to cancel.
                for run in self.runs:
                    run.cancel()
                await asyncio.gather(*self.runs, return_exceptions=True)

    async def list(
        self, _: _Context, __: PaginatedRequestParams | None
    ) -> ListToolsResult:
        return ListToolsResult(tools=[one.tool for one in self.by_name.values()])

    async def call(
        self, ctx: _Context, params: CallToolRequestParams
    ) -> CallToolResult:
        tool = self.by_name.get(params.name)
        if tool is None:
            names = ", ".join(self.by_name)
            message = f"Unknown tool {params.name!r}. Available: {names}."
            raise MCPError(INVALID_PARAMS, message)
        running = self._run(tool, params.arguments or {}, ctx)
        run = asyncio.create_task(running)
        # Only HTTP has requests.
        headers = ctx.request.headers if ctx.request else {}
        self.runs[run] = headers.get(MCP_SESSION_ID_HEADER, "")
        run.add_done_callback(self.runs.pop)
        try:
            return tool_result(await asyncio.shield(run))
        finally:
            # The SDK cancels again at every step until the handler returns. The run is cancelled once, and has the
            # time to ask the provider to cancel.
            run.cancel()
            with anyio.CancelScope(shield=True):
                await asyncio.wait({run})

    async def _run(
        self, tool: ActionTool, arguments: JsonObject, ctx: _Context
    ) -> JsonObject:
        where = (tool.connector, tool.action, arguments)
        connection = self.connections.get(tool.connector)
        options = RunOptions(version=tool.version, connection=connection)
        if "progress_token" not in (ctx.meta or {}):
            return await self.host.run(*where, **options)
        envelope: JsonObject = {}
        async with aclosing(self.host.stream(*where, **options)) as items:
            async for item in items:
                if "type" not in item:
                    envelope = item
                elif text := progress_text(item):
                    seq = float(str(item["seq"]))
                    await ctx.session.report_progress(seq, message=text)
        return envelope
