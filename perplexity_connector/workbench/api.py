"""The endpoints that the page uses: JSON in, JSON out, each one a method of the host.

Starlette runs a plain `def` in a thread. Those endpoints read files or wait for a lock.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from perplexity_connector.contract import (
    ConnectionOutcome,
    ConnectorError,
    ErrorCode,
)
from perplexity_connector.host import Host
from perplexity_connector.workbench.reading import (
    read_body,
    read_number,
    read_object,
    read_optional_text,
    read_text,
    read_texts,
)

if TYPE_CHECKING:
    from perplexity_connector.contract import ConnectionDocument, FlowItem

_OPTIONS_A_PAGE = 50


class Api:
    """The endpoints over one open host.

    `sandbox` says whether the host runs against a sandbox. `_running` holds the ids of the active
    runs, so that `stop` can cancel them.
    """

    def __init__(self, host: Host, *, sandbox: bool) -> None:
        """Use that host."""
        self._host = host
        self._sandbox = sandbox
        self._running: set[str] = set()

    @property
    def routes(self) -> list[Route]:
        """Return the endpoints, each at its address."""
        return [
            Route("/api/catalogue", self.catalogue),
            Route("/api/actions/{connector}/{action}", self.describe),
            Route("/api/validate", self.validate, methods=["POST"]),
            Route("/api/options/{connector}/{source}", self.options),
            Route("/api/connections", self.connections),
            Route("/api/connections", self.connect, methods=["POST"]),
            Route("/api/connections/test", self.test, methods=["POST"]),
            Route("/api/connections", self.change, methods=["PATCH"]),
            Route("/api/connections", self.disconnect, methods=["DELETE"]),
            Route("/api/runs", self.run, methods=["POST"]),
            Route("/api/runs/{run_id}/cancel", self.cancel, methods=["POST"]),
        ]

    def stop(self) -> None:
        """Cancel every active run; each stream then ends as usual."""
        for run_id in tuple(self._running):
            self._host.cancel(run_id)

    def catalogue(self, _: Request) -> Response:
        """Return the actions, and why others are missing."""
        catalogue = {
            "actions": self._host.actions(),
            "problems": self._host.problems(),
            "sandbox": self._sandbox,
        }
        return JSONResponse(catalogue)

    def describe(self, request: Request) -> Response:
        """Return all that is needed to draw an action's form."""
        path = request.path_params
        version = read_number(request, "version")
        connector, action = path["connector"], path["action"]
        return JSONResponse(self._host.describe(connector, action, version))

    async def validate(self, request: Request) -> Response:
        """Return the errors of a flow, and the hints about it."""
        flow = read_object(await read_body(request), "flow")
        errors = await run_in_threadpool(self._host.validate_flow, flow)
        hints = await run_in_threadpool(self._host.flow_hints, flow)
        return JSONResponse({"errors": errors, "hints": hints})

    async def options(self, request: Request) -> Response:
        """Return a page of suggestions for a field."""
        path, query = request.path_params, request.query_params
        limit = read_number(request, "limit")
        page = await self._host.options(
            path["connector"],
            path["source"],
            search=query.get("search", ""),
            cursor=query.get("cursor") or None,
            limit=_OPTIONS_A_PAGE if limit is None else limit,
            connection=query.get("connection") or None,
        )
        return JSONResponse(page)

    def connections(self, _: Request) -> Response:
        """Return the stored connections, without their secrets."""
        return JSONResponse({"connections": self._host.connections.list()})

    async def connect(self, request: Request) -> Response:
        """Store a new connection, unless a test is wanted and finds it bad."""
        body = await read_body(request)
        connector = read_text(body, "connector")
        fields = read_texts(body, "fields")
        status = stored = None
        if body.get("test") is not False:
            status = await self._host.connections.test(fields, connector)
        if status is None or status["outcome"] == ConnectionOutcome.OK:
            add = self._host.connections.add
            stored = await run_in_threadpool(add, connector, fields)
        return JSONResponse({"connection": stored, "status": status})

    async def test(self, request: Request) -> Response:
        """Test a stored connection, or that of the environment."""
        body = await read_body(request)
        connection = read_optional_text(body, "connection")
        connector = read_text(body, "connector")
        status = await self._host.connections.test(connection, connector)
        return JSONResponse({"status": status})

    async def change(self, request: Request) -> Response:
        """Give a connection another key, another name, or both."""
        body = await read_body(request)
        name = _connection_name(request)
        new_name = read_optional_text(body, "connection_name")
        fields = read_texts(body, "fields") if "fields" in body else None
        if new_name is None and fields is None:
            message = "Give a new connection_name, fields, or both."
            raise ConnectorError(ErrorCode.INVALID_INPUT, message)
        connections = self._host.connections
        shown: ConnectionDocument | None = None
        if fields is not None:
            shown = await run_in_threadpool(connections.replace_key, name, fields)
        if new_name is not None:
            shown = await run_in_threadpool(connections.rename, name, new_name)
        return JSONResponse({"connection": shown})

    def disconnect(self, request: Request) -> Response:
        """Remove a stored connection."""
        self._host.connections.remove(_connection_name(request))
        return Response(status_code=204)

    async def run(self, request: Request) -> Response:
        """Run a flow and stream its items, one a line; a client that leaves cancels the run."""
        flow = read_object(await read_body(request), "flow")
        items = self._host.stream_flow(flow)
        # An invalid flow raises here, before the stream begins, and so becomes an error response.
        first = await anext(items)
        return _ItemLines(first, items, self._running)

    async def cancel(self, request: Request) -> Response:
        """Cancel a run by its id; its stream then ends as usual."""
        run_id = request.path_params["run_id"]
        return JSONResponse({"cancelled": self._host.cancel(run_id)})


def _connection_name(request: Request) -> str:
    # In the query string: a name may be "..", and a browser would resolve that in a path.
    return request.query_params.get("name", "")


class _ItemLines(StreamingResponse):
    """The items of a flow, one line of JSON each.

    `_run_id` is the id of the last run that started. While its run is active, `running` holds it.
    """

    def __init__(
        self,
        first: "FlowItem",
        items: "AsyncGenerator[FlowItem, None]",
        running: set[str],
    ) -> None:
        super().__init__(self._lines(first), media_type="application/x-ndjson")
        self._items = items
        self._running = running
        self._run_id = ""

    async def __call__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        # Starlette's own `__call__` cancels again at every step of the clean-up. Then the run could not ask the
        # provider to cancel.
        del scope
        sending = asyncio.create_task(self.stream_response(send))
        # The body was read to its end, so the next message says that the client has left.
        leaving = asyncio.ensure_future(receive())
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            leaving.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
            await self._items.aclose()
            self._running.discard(self._run_id)
        if not sending.cancelled():
            sending.result()

    async def _lines(self, first: "FlowItem") -> AsyncIterator[str]:
        item: FlowItem | None = first
        while item is not None:
            if item["type"] == "step.started":
                self._running.discard(self._run_id)
                self._run_id = item["run_id"]
                self._running.add(self._run_id)
            yield f"{json.dumps(item)}\n"
            item = await anext(self._items, None)
