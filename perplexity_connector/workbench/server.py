"""The workbench as a server on the loopback interface."""

import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import uvicorn

from perplexity_connector.host import Host
from perplexity_connector.workbench.api import Api
from perplexity_connector.workbench.app import STATIC, create_app

_ADDRESS = "127.0.0.1"
# A run that is stopped asks the provider to stop too; that takes a moment.
_GRACE_SECONDS = 5


class WorkbenchServer(uvicorn.Server):
    """A workbench that is not serving yet, though its port is taken already."""

    def __init__(
        self,
        host: Host,
        *,
        port: int,
        sandbox: bool,
        ready: Callable[[str], None],
        static: Path = STATIC,
    ) -> None:
        """Make it over a host that is not open yet.

        Args:
            host: Where everything comes from.
            port: Where to listen; 0 is any free port.
            sandbox: Whether the host runs against a sandbox.
            ready: Told the address, token and all, as soon as it answers.
            static: The page's files.

        Raises:
            OSError: the port is taken.
        """
        self._listener = _listen(port)
        self._ready = ready
        self._api = Api(host, sandbox=sandbox)
        bound, token = self._listener.getsockname()[1], secrets.token_urlsafe(32)
        self.address = f"http://{_ADDRESS}:{bound}/?token={token}"
        super().__init__(
            uvicorn.Config(
                create_app(host, self._api, port=bound, token=token, static=static),
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="on",
                log_config=None,
                # The token stands in an address, and no address is to stand in a log.
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )

    def serve_until_stopped(self) -> None:
        """Serve until Ctrl-C, or `should_exit`."""
        with suppress(KeyboardInterrupt):
            self.run(sockets=[self._listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self._ready(self.address)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop the runs under way, then the server."""
        self._api.stop()
        await super().shutdown(sockets)


def _listen(port: int) -> socket.socket:
    # asyncio turns Nagle's delay off only where the socket names its protocol; each item is to be a packet of its own.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_ADDRESS, port))
    except OSError:
        listener.close()
        raise
    return listener
