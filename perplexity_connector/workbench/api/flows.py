"""The endpoints about saved flows."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from perplexity_connector.workbench.api.parts import Parts
from perplexity_connector.workbench.reading import (
    read_body,
    read_name,
    read_object,
    read_text,
)


class FlowsApi:
    """Lists, opens, saves, renames and removes flows."""

    def __init__(self, parts: Parts) -> None:
        """Use the parts of the server."""
        self._flows = parts.flows

    @property
    def routes(self) -> list[Route]:
        """Return the endpoints, each at its address."""
        return [
            Route("/api/flows", self.list),
            Route("/api/flow", self.open),
            Route("/api/flow", self.save, methods=["PUT"]),
            Route("/api/flow", self.rename, methods=["PATCH"]),
            Route("/api/flow", self.remove, methods=["DELETE"]),
        ]

    def list(self, _: Request) -> Response:
        """Return the saved flows, without their steps."""
        return JSONResponse({"flows": self._flows.all()})

    def open(self, request: Request) -> Response:
        """Return a saved flow."""
        name = read_name(request)
        return JSONResponse({"name": name, "flow": self._flows.read(name)})

    async def save(self, request: Request) -> Response:
        """Save a flow. A name in use is refused (409), unless that flow is to be replaced."""
        body = await read_body(request)
        name = read_name(request)
        flow = read_object(body, "flow")
        replace = body.get("replace") is True
        write = self._flows.write
        saved = await run_in_threadpool(write, name, flow, replace=replace)
        return JSONResponse({"name": saved})

    async def rename(self, request: Request) -> Response:
        """Give a saved flow another name. A name in use is refused (409)."""
        new_name = read_text(await read_body(request), "name")
        rename = self._flows.rename
        renamed = await run_in_threadpool(rename, read_name(request), new_name)
        return JSONResponse({"name": renamed})

    def remove(self, request: Request) -> Response:
        """Remove a saved flow."""
        self._flows.remove(read_name(request))
        return Response(status_code=204)
