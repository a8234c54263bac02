"""The workbench as an ASGI application: the page, its files, the endpoints, and the guard around all of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.host import Host
from perplexity_connector.workbench.api import Api
from perplexity_connector.workbench.failures import RefusedError, answer
from perplexity_connector.workbench.security import Guard

STATIC = Path(__file__).with_name("static")


def create_app(
    host: Host, api: Api, *, port: int, token: str, static: Path = STATIC
) -> ASGIApp:
    """The application; it opens the host when it starts, and closes it when it ends."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with host:
            yield

    def page(_: Request) -> Response:
        return FileResponse(static / "index.html")

    inside = Starlette(
        routes=[
            Route("/", page),
            *api.routes,
            Mount("/static", StaticFiles(directory=static, check_dir=False)),
        ],
        exception_handlers={
            ConnectorError: _failed,
            HTTPException: _missed,
            Exception: _broken,
        },
        lifespan=lifespan,
    )
    return Guard(inside, port=port, token=token)


def _failed(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, ConnectorError)  # noqa: S101 - registered for these alone
    return answer(error)


def _missed(request: Request, error: Exception) -> Response:
    del request
    status = error.status_code if isinstance(error, HTTPException) else 404
    return answer(
        RefusedError(
            status,
            ErrorCode.NOT_FOUND,
            "There is nothing of that kind at this address.",
        )
    )


def _broken(request: Request, error: Exception) -> Response:
    del request
    # Never the exception's text: it may hold a key or an input value.
    return answer(
        RefusedError(
            500, ErrorCode.INTERNAL, f"The workbench broke: {type(error).__name__}."
        )
    )
