"""The endpoints about actions, and about flows before they run."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from perplexity_connector.workbench.api.parts import Parts
from perplexity_connector.workbench.reading import read_body, read_number, read_object

_OPTIONS_A_PAGE = 50


class CatalogueApi:
    """Describes actions and checks flows."""

    def __init__(self, parts: Parts) -> None:
        """Use the parts of the server."""
        self._host = parts.host
        self._sandbox = parts.sandbox

    @property
    def routes(self) -> list[Route]:
        """Return the endpoints, each at its address."""
        return [
            Route("/api/catalogue", self.catalogue),
            Route("/api/actions/{connector}/{action}", self.describe),
            Route("/api/validate", self.validate, methods=["POST"]),
            Route("/api/options/{connector}/{source}", self.options),
        ]

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
