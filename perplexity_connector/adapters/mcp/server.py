"""An MCP server whose tools are the actions of a host."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
from mcp.server import Server
from mcp.server.context import ServerRequestContext
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER, REQUEST_CANCELLED
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
)
from starlette.requests import Request

from perplexity_connector.adapters.mcp.progress import Progress
from perplexity_connector.adapters.mcp.results import (
    ENVELOPE,
    progress_text,
    tool_result,
)
from perplexity_connector.adapters.mcp.tools import (
    ActionTool,
    action_tools,
    by_accepted_name,
    with_hints,
)
from perplexity_connector.contract import JsonObject, Secret
from perplexity_connector.contract.version import own_version
from perplexity_connector.host import Host, RunOptions

if TYPE_CHECKING:
    from perplexity_connector.contract import EnvelopeDocument

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
            get_tool_input_schema=tools.schema_with_headers,
            on_list_tools=tools.list,
            on_call_tool=tools.call,
        )
        self._tools = tools

    def has_run(self, session: str) -> bool:
        """Return whether a run of this HTTP session is active, also after its client has left."""
        return session in self._tools.runs.values()


def make_server(
    host: Host, connections: Connections, *, timeout: float | None = None
) -> ActionServer:
    """Return a server of the host's actions.

    `connections` holds, by connector, the name of a stored connection or the credential itself.
    Any other connector uses the credential of the environment. `timeout` bounds each run, in
    seconds; the manifest's bound is the default.
    """
    tools = action_tools(host)
    return ActionServer(
        _Tools(
            host=host,
            connections=connections,
            timeout=timeout,
            listed=tools,
            by_name=by_accepted_name(tools),
        )
    )


@dataclass(slots=True, kw_only=True)
class _Tools:
    """The handlers of the server.

    * `by_name`: the tools by every name that a call may use.
    * `runs`: the active runs, each with its HTTP session; cancelled at the server's end.
    """

    host: Host
    connections: Connections
    timeout: float | None
    listed: Sequence[ActionTool]
    by_name: Mapping[str, ActionTool]
    runs: dict["asyncio.Task[EnvelopeDocument]", str] = field(
        default_factory=dict["asyncio.Task[EnvelopeDocument]", str]
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

    def schema_with_headers(self, name: str) -> JsonObject | None:
        """Return the input schema of a tool if clients repeat some of its arguments as headers.

        The SDK compares those. Without this it would list all tools at each call, to find the schema.
        """
        tool = self.by_name.get(name)
        return tool.tool.input_schema if tool and tool.has_headers else None

    async def list(
        self, _: _Context, __: PaginatedRequestParams | None
    ) -> ListToolsResult:
        tools = [with_hints(self.host, one) for one in self.listed]
        return ListToolsResult(tools=tools)

    async def call(
        self, ctx: _Context, params: CallToolRequestParams
    ) -> CallToolResult:
        tool = self.by_name.get(params.name)
        if tool is None:
            names = ", ".join(one.tool.name for one in self.listed)
            message = f"Unknown tool {params.name!r}. Available: {names}."
            raise MCPError(INVALID_PARAMS, message)
        running = self._run(tool, tool.arguments_of(params.arguments or {}), ctx)
        run = asyncio.create_task(running)
        # Only HTTP has requests.
        headers = ctx.request.headers if ctx.request else {}
        self.runs[run] = headers.get(MCP_SESSION_ID_HEADER, "")
        run.add_done_callback(self.runs.pop)
        try:
            await _until_over_or_left(run, ctx.request)
            if not run.done():
                raise MCPError(REQUEST_CANCELLED, "The client has left.")
            return tool_result(run.result(), with_envelope=ENVELOPE in (ctx.meta or {}))
        finally:
            # The SDK cancels again at every step until the handler returns. The run is cancelled once, and has the
            # time to ask the provider to cancel.
            if run.cancel():
                with anyio.CancelScope(shield=True):
                    await asyncio.wait({run})

    async def _run(
        self, tool: ActionTool, arguments: JsonObject, ctx: _Context
    ) -> "EnvelopeDocument":
        where = (tool.connector, tool.action, arguments)
        options = RunOptions(
            version=tool.version,
            connection=self.connections.get(tool.connector),
            timeout=self.timeout,
        )
        if "progress_token" not in (ctx.meta or {}):
            return await self.host.run(*where, **options)
        progress = Progress(ctx.session)
        events = self.host.stream(*where, **options)
        async with aclosing(events), progress.beating():
            item = await anext(events)
            while item["type"] != "run.finished":
                if text := progress_text(item):
                    await progress.report(text)
                item = await anext(events)
        return item["envelope"]


async def _until_over_or_left(
    run: "asyncio.Task[EnvelopeDocument]", request: Request | None
) -> None:
    """Wait until a run is over, or its client has closed the connection of its request.

    Many clients only close it when a person presses Stop or their time is over. The answer is then
    lost, since a client cannot ask for the rest of a stream.
    """
    tasks: set[asyncio.Task[Any]] = {run}
    if request is not None:
        tasks.add(asyncio.create_task(_until_left(request)))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for watch in tasks - {run}:
            watch.cancel()


async def _until_left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
