"""The endpoints about stored connections. No answer has a secret in it."""

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from perplexity_connector.contract import (
    ConnectionOutcome,
    ConnectorError,
    ErrorCode,
)
from perplexity_connector.workbench.api.parts import Parts
from perplexity_connector.workbench.reading import (
    read_body,
    read_name,
    read_optional_text,
    read_text,
    read_texts,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perplexity_connector.contract import (
        ConnectionDocument,
        ConnectionStatusDocument,
    )


class ConnectionsApi:
    """Lists, adds, tests, changes and removes connections."""

    def __init__(self, parts: Parts) -> None:
        """Use the parts of the server."""
        self._host = parts.host

    @property
    def routes(self) -> list[Route]:
        """Return the endpoints, each at its address."""
        return [
            Route("/api/connections", self.connections),
            Route("/api/connections", self.connect, methods=["POST"]),
            Route("/api/connections/test", self.test, methods=["POST"]),
            Route("/api/connections", self.change, methods=["PATCH"]),
            Route("/api/connections", self.disconnect, methods=["DELETE"]),
        ]

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
        """Give a connection another key, another name, or both.

        With `test`, a key that a test finds bad is not stored.
        """
        body = await read_body(request)
        name = read_name(request)
        new_name = read_optional_text(body, "connection_name")
        fields = read_texts(body, "fields") if "fields" in body else None
        if new_name is None and fields is None:
            message = "Give a new connection_name, fields, or both."
            raise ConnectorError(ErrorCode.INVALID_INPUT, message)
        connections = self._host.connections
        shown: ConnectionDocument | None = None
        if fields is not None:
            if body.get("test") is True:
                status = await self._test_key(
                    name, read_text(body, "connector"), fields
                )
                if status["outcome"] != ConnectionOutcome.OK:
                    return JSONResponse({"connection": None, "status": status})
            shown = await run_in_threadpool(connections.replace_key, name, fields)
        if new_name is not None:
            shown = await run_in_threadpool(connections.rename, name, new_name)
        return JSONResponse({"connection": shown, "status": None})

    async def _test_key(
        self, name: str, connector: str, fields: "Mapping[str, str]"
    ) -> "ConnectionStatusDocument":
        """Test a connection as it would be with other secrets."""
        connections = self._host.connections
        stored = await run_in_threadpool(connections.fields, name, connector)
        kept = {part: text for part, text in stored.items() if isinstance(text, str)}
        return await connections.test({**kept, **fields}, connector)

    def disconnect(self, request: Request) -> Response:
        """Remove a stored connection."""
        self._host.connections.remove(read_name(request))
        return Response(status_code=204)
