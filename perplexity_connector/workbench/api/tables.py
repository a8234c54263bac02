"""The endpoints that run a flow once for each row of a table that the page sends."""

from collections.abc import Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Literal

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from perplexity_connector.contract import ConnectorError, ErrorCode, JsonObject
from perplexity_connector.workbench.api.parts import Parts
from perplexity_connector.workbench.reading import (
    read_body,
    read_choice,
    read_name,
    read_object,
    read_texts,
    wrong_field,
)
from perplexity_connector.workbench.security import TABLES_PATH

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from perplexity_connector.contract import TableItem
    from perplexity_connector.workbench.uploads import SentTable

_RETRIES: Sequence[Literal["failed", "unsure"]] = ("failed", "unsure")


class TablesApi:
    """Receives tables, plans and runs them, and hands their outputs out."""

    def __init__(self, parts: Parts) -> None:
        """Use the parts of the server."""
        self._host = parts.host
        self._streams = parts.streams
        self._uploads = parts.uploads

    @property
    def routes(self) -> list[Route]:
        """Return the endpoints, each at its address."""
        table = f"{TABLES_PATH}/{{table}}"
        return [
            Route(TABLES_PATH, self.receive, methods=["POST"]),
            Route(f"{table}/plan", self.plan, methods=["POST"]),
            Route(f"{table}/run", self.run, methods=["POST"]),
            Route(f"{table}/items", self.follow),
            Route(f"{table}/output", self.output),
        ]

    async def receive(self, request: Request) -> Response:
        """Keep a table, and return its columns."""
        await run_in_threadpool(self._uploads.remove_old)
        with self._uploads.receive(read_name(request)) as upload:
            async for piece in request.stream():
                upload.write(piece)
            columns = await run_in_threadpool(upload.columns)
        return JSONResponse({"table": upload.table.table_id, "columns": columns})

    async def plan(self, request: Request) -> Response:
        """Return what a run of the table would do and cost."""
        table = await self._table(request)
        items = self._items(table, await read_body(request), plan_only=True)
        async with aclosing(items):
            return JSONResponse(await anext(items))

    async def run(self, request: Request) -> Response:
        """Run the flow for each row, and stream the items. It goes on if the client leaves."""
        table = await self._table(request)
        items = self._items(table, await read_body(request))
        return await self._streams.start(table.table_id, table.name, items)

    async def follow(self, request: Request) -> Response:
        """Stream all items of a table that runs here, from the first."""
        return self._streams.follow(request.path_params["table"])

    async def output(self, request: Request) -> Response:
        """Return the output of a table that is not being written."""
        table = await self._table(request)
        self._streams.refuse_if_under_way(table.table_id)
        if not table.output.exists():
            message = "This table has no output yet."
            raise ConnectorError(ErrorCode.NOT_FOUND, message)
        return FileResponse(
            table.output,
            media_type="application/octet-stream",
            filename=table.output_name,
        )

    async def _table(self, request: Request) -> "SentTable":
        find = self._uploads.find
        return await run_in_threadpool(find, request.path_params["table"])

    def _items(
        self, table: "SentTable", body: JsonObject, *, plan_only: bool = False
    ) -> "AsyncGenerator[TableItem, None]":
        template = read_texts(body, "template") if body.get("template") else None
        return self._host.stream_flow_table(
            read_object(body, "flow"),
            table.path,
            template,
            out=table.output,
            job=table.job,
            budget=_read_budget(body),
            retry=read_choice(body, "retry", _RETRIES),
            plan_only=plan_only,
        )


def _read_budget(body: JsonObject) -> float | str | None:
    budget = body.get("budget")
    if budget is None or (
        isinstance(budget, int | float | str) and not isinstance(budget, bool)
    ):
        return budget
    pointer, message = "/budget", "Must be an amount."
    raise wrong_field(pointer, message)
