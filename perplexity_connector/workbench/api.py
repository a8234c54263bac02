"""What the page asks of the host, endpoint by endpoint: JSON in, JSON out.

A plain `def` is answered on a thread of its own, since it reads files or waits for a lock.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeAlias

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from perplexity_connector.contract import (
    ConnectionOutcome,
    ConnectorError,
    ErrorCode,
    JsonObject,
    JsonValue,
)
from perplexity_connector.host import Host
from perplexity_connector.workbench.reading import (
    document,
    number,
    object_in,
    optional_text,
    text,
    texts_in,
)

Item: TypeAlias = dict[str, JsonValue]


class Api:
    """The endpoints over one open host; `sandbox` says whether that host runs against a sandbox."""

    def __init__(self, host: Host, *, sandbox: bool) -> None:
        """Answer from that host."""
        self._host = host
        self._sandbox = sandbox
        self._running: set[str] = set()

    @property
    def routes(self) -> list[Route]:
        """The endpoints, each at its address."""
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
        """Stop every run under way; their streams come to a proper end."""
        for run_id in tuple(self._running):
            self._host.cancel(run_id)

    def catalogue(self, request: Request) -> Response:
        """What can be dragged in, and what could not be read."""
        del request
        return JSONResponse(
            {
                "actions": self._host.actions(),
                "problems": self._host.problems(),
                "sandbox": self._sandbox,
            }
        )

    def describe(self, request: Request) -> Response:
        """All that is needed to draw an action."""
        where = request.path_params
        return JSONResponse(
            self._host.describe(
                where["connector"], where["action"], number(request, "version", None)
            )
        )

    async def validate(self, request: Request) -> Response:
        """What is wrong with a flow."""
        flow = object_in(await document(request), "flow")
        return JSONResponse(
            {"errors": await run_in_threadpool(self._host.validate_flow, flow)}
        )

    async def options(self, request: Request) -> Response:
        """Suggestions for a field."""
        where, asked = request.path_params, request.query_params
        page = await self._host.options(
            where["connector"],
            where["source"],
            search=asked.get("search", ""),
            cursor=asked.get("cursor") or None,
            limit=number(request, "limit", 50) or 0,
            connection=asked.get("connection") or None,
        )
        return JSONResponse(page)

    def connections(self, request: Request) -> Response:
        """The stored connections; never a key."""
        del request
        return JSONResponse({"connections": self._host.connections.list()})

    async def connect(self, request: Request) -> Response:
        """Keep a new connection, if a test finds it good or none is wanted."""
        asked = await document(request)
        connector, fields, status = (
            text(asked, "connector"),
            texts_in(asked, "fields"),
            None,
        )
        if asked.get("test") is not False:
            status = await self._host.connections.test(fields, connector)
        kept = None
        if status is None or status["outcome"] == ConnectionOutcome.OK:
            kept = await run_in_threadpool(
                self._host.connections.add, connector, fields
            )
        return JSONResponse({"connection": kept, "status": status})

    async def test(self, request: Request) -> Response:
        """How good a stored connection is, or the environment's."""
        asked = await document(request)
        status = await self._host.connections.test(
            optional_text(asked, "connection"), text(asked, "connector")
        )
        return JSONResponse({"status": status})

    async def change(self, request: Request) -> Response:
        """Give a connection another key, another name, or both."""
        asked, name = await document(request), _name(request)
        new_name = optional_text(asked, "connection_name")
        fields = texts_in(asked, "fields") if "fields" in asked else None
        if new_name is None and fields is None:
            raise ConnectorError(
                ErrorCode.INVALID_INPUT, "Give a new connection_name, fields, or both."
            )
        shown: JsonObject = {}
        if fields is not None:
            shown = await run_in_threadpool(
                self._host.connections.replace_key, name, fields
            )
        if new_name is not None:
            shown = await run_in_threadpool(
                self._host.connections.rename, name, new_name
            )
        return JSONResponse({"connection": shown})

    def disconnect(self, request: Request) -> Response:
        """Forget a connection."""
        self._host.connections.remove(_name(request))
        return Response(status_code=204)

    async def run(self, request: Request) -> Response:
        """Run a flow: its items, a line each, as they come. A client that leaves stops the run under way."""
        items = self._host.stream_flow(object_in(await document(request), "flow"))
        # The first item is there once nothing is wrong with the flow; what is wrong becomes the answer.
        first = await anext(items)
        return _Lines(first, items, self._running)

    async def cancel(self, request: Request) -> Response:
        """Stop a run by its id; its stream then comes to its end."""
        return JSONResponse(
            {"cancelled": self._host.cancel(request.path_params["run_id"])}
        )


def _name(request: Request) -> str:
    # Not a part of the path: a name may be "..", which no browser would send as one.
    return request.query_params.get("name", "")


class _Lines(StreamingResponse):
    """The items of a flow, a line of JSON each; while a run is under way, its id is in `running`."""

    def __init__(
        self, first: Item, items: AsyncGenerator[Item, None], running: set[str]
    ) -> None:
        super().__init__(self._lines(first), media_type="application/x-ndjson")
        self._items = items
        self._running = running
        self._run_id = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Not Starlette's own way, which cancels again at every step of the cleaning up: the provider is to be told.
        del scope
        sending = asyncio.create_task(self.stream_response(send))
        # The body was read to its end, so what comes next is that the client is gone.
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

    async def _lines(self, first: Item) -> AsyncIterator[str]:
        item: Item | None = first
        while item is not None:
            if item["type"] == "step.started":
                self._running.discard(self._run_id)
                self._run_id = str(item["run_id"])
                self._running.add(self._run_id)
            yield f"{json.dumps(item)}\n"
            item = await anext(self._items, None)
