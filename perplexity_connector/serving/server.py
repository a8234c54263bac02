"""One uvicorn configuration for every server here, and a server that reports its start and stop."""

import socket
from collections.abc import Callable
from typing import Literal

import uvicorn
from starlette.types import ASGIApp

from perplexity_connector.serving.connections import CountedConnection


def quiet_config(
    app: ASGIApp,
    *,
    grace_seconds: int,
    lifespan: Literal["on", "off"] = "on",
    max_connections: int | None = None,
) -> uvicorn.Config:
    """Return a configuration that logs no request and leaves the logging of the process alone.

    When the server stops, open requests have `grace_seconds` to end. With `max_connections`,
    connections are counted (`CountedConnection`), for an application in a `RefusalMiddleware`: more
    admitted ones are answered with 503.
    """
    return uvicorn.Config(
        app,
        loop="asyncio",
        http="h11" if max_connections is None else CountedConnection,
        ws="none",
        lifespan=lifespan,
        log_config=None,
        # An address may hold a token, so it must not reach a log.
        access_log=False,
        server_header=False,
        # A client could give itself another address and scheme.
        proxy_headers=False,
        limit_concurrency=max_connections,
        timeout_graceful_shutdown=grace_seconds,
    )


class NotifyingServer(uvicorn.Server):
    """A server that calls `on_ready` once it answers, and `on_stop` before it stops.

    `on_stop` is the place to end streams: the server waits for open requests.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        on_ready: Callable[[], None],
        on_stop: Callable[[], None],
    ) -> None:
        """Make a server that is not serving yet."""
        super().__init__(config)
        self._on_ready = on_ready
        self._on_stop = on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then call `on_ready`."""
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Call `on_stop`, then stop."""
        self._on_stop()
        await super().shutdown(sockets)
