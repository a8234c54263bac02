"""The endpoints that run flows, follow them and stop them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from perplexity_connector.contract import JsonObject
from perplexity_connector.contract.json import new_flow_id
from perplexity_connector.workbench.api.parts import Parts
from perplexity_connector.workbench.reading import (
    read_body,
    read_choice,
    read_object,
    read_optional_flow_id,
    read_optional_object,
    read_optional_text,
)

if TYPE_CHECKING:
    from perplexity_connector.host import FlowOptions

_RETRIES: Sequence[Literal["unsure"]] = ("unsure",)


class RunsApi:
    """Runs flows, each in a task of its own, which a page may leave and follow again."""

    def __init__(self, parts: Parts) -> None:
        """Use the parts of the server."""
        self._host = parts.host
        self._flows = parts.flows
        self._streams = parts.streams

    @property
    def routes(self) -> list[Route]:
        """Return the endpoints, each at its address."""
        return [
            Route("/api/runs", self.run, methods=["POST"]),
            Route("/api/runs/{run_id}/cancel", self.cancel, methods=["POST"]),
            Route("/api/flow-runs", self.running),
            Route("/api/flow-runs/{flow_id}/items", self.follow),
            Route("/api/flow-runs/{flow_id}/resume", self.resume, methods=["POST"]),
            Route("/api/price", self.price, methods=["POST"]),
        ]

    async def run(self, request: Request) -> Response:
        """Run a flow and stream its items, one a line. It goes on if the client leaves."""
        body = await read_body(request)
        flow, options = _read_flow(body)
        flow_id = read_optional_flow_id(body, "flow_id") or new_flow_id()
        options["flow_id"] = flow_id
        if name := read_optional_text(body, "name"):
            options["source"] = await run_in_threadpool(self._flows.source, name)
        items = self._host.stream_flow(flow, **options)
        # An invalid flow raises here, before the stream begins, and so becomes an error response.
        return await self._streams.start(flow_id, name or "", items)

    async def cancel(self, request: Request) -> Response:
        """Cancel a run, a flow or a table's job by its id. Its stream then ends as usual."""
        run_id = request.path_params["run_id"]
        return JSONResponse({"cancelled": self._streams.cancel(run_id)})

    async def running(self, _: Request) -> Response:
        """Return the flows that can be followed here."""
        return JSONResponse({"running": self._streams.flows()})

    async def follow(self, request: Request) -> Response:
        """Stream all items of a flow that runs here, from the first."""
        return self._streams.follow(request.path_params["flow_id"])

    async def resume(self, request: Request) -> Response:
        """Go on with a flow of the ledger from its step, and stream its items as `run` does."""
        flow_id = request.path_params["flow_id"]
        retry = read_choice(await read_body(request), "retry", _RETRIES)
        items = self._host.resume_flow(flow_id, retry=retry)
        return await self._streams.start(flow_id, "", items)

    async def price(self, request: Request) -> Response:
        """Return what a flow, or a part of it, would cost, and which kept outputs it would use."""
        flow, options = _read_flow(await read_body(request))
        price = await self._host.flow_price(flow, **options)
        kept = await self._host.kept_steps(flow, **options)
        return JSONResponse({"price": price, "kept": kept})


def _read_flow(body: JsonObject) -> "tuple[JsonObject, FlowOptions]":
    """Return a flow, and how it is to run."""
    options: FlowOptions = {}
    if (inputs := read_optional_object(body, "inputs")) is not None:
        options["inputs"] = inputs
    outputs = body.get("outputs")
    if isinstance(outputs, str):
        options["outputs"] = read_optional_flow_id(body, "outputs")
    elif outputs is not None:
        options["outputs"] = read_object(body, "outputs")
    if only := read_optional_text(body, "only"):
        options["only"] = only
    if from_step := read_optional_text(body, "from"):
        options["from_step"] = from_step
    return read_object(body, "flow"), options
