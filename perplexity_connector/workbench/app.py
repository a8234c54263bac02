"""The workbench as an ASGI application: the page, its files, the endpoints, their protection."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from perplexity_connector.contract import ConnectorError, ErrorCode
from perplexity_connector.workbench.api import api_routes
from perplexity_connector.workbench.api.parts import Parts
from perplexity_connector.workbench.failures import RefusedError, error_response
from perplexity_connector.workbench.launch import LaunchSecrets
from perplexity_connector.workbench.reading import read_body, read_text
from perplexity_connector.workbench.security import SESSION_PATH, protect

STATIC = Path(__file__).with_name("static")


def create_app(
    parts: Parts,
    *,
    port: int,
    secrets: LaunchSecrets,
    static: Path = STATIC,
    allowed: Sequence[str] = (),
) -> ASGIApp:
    """Return the application.

    It opens the host at its start. At its end, it waits for all that was stopped, and closes the host.
    """

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with parts.host:
            yield
            await parts.streams.end()

    def page(_: Request) -> Response:
        return FileResponse(static / "index.html")

    async def enter(request: Request) -> Response:
        token = read_text(await read_body(request), "token")
        return JSONResponse({"session": secrets.exchange(token)})

    app = Starlette(
        routes=[
            Route("/", page),
            Route(SESSION_PATH, enter, methods=["POST"]),
            *api_routes(parts),
            Mount("/static", StaticFiles(directory=static, check_dir=False)),
        ],
        exception_handlers=dict.fromkeys(
            (ConnectorError, HTTPException, Exception), _answer_error
        ),
        lifespan=lifespan,
    )
    return protect(app, port=port, session=secrets.session, allowed=allowed)


def _answer_error(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        message = "This address does not exist, or does not take this method."
        error = RefusedError(error.status_code, ErrorCode.NOT_FOUND, message)
    elif not isinstance(error, ConnectorError):
        # Never the exception's text: it may hold a key or an input value.
        message = f"The workbench broke: {type(error).__name__}."
        error = RefusedError(500, ErrorCode.INTERNAL, message)
    return error_response(request, error)
