"""The workbench as a server on loopback."""

from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from perplexity_connector.host import Host
from perplexity_connector.serving.listener import LOOPBACK, listen
from perplexity_connector.serving.server import NotifyingServer, quiet_config
from perplexity_connector.workbench.api import Api
from perplexity_connector.workbench.app import STATIC, create_app
from perplexity_connector.workbench.launch import LaunchSecrets

# A cancelled run asks the provider to cancel too, which takes a moment.
_GRACE_SECONDS = 5


class WorkbenchServer(NotifyingServer):
    """A workbench that holds its port already and is not serving yet.

    `address` is the page's URL, and `single_address` one that opens a single page. Both hold a
    token. `until_stop` is closed when it stops.
    """

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
            host: The host that lists and runs the actions.
            port: Where to listen; 0 takes any free port.
            sandbox: Whether the host runs against a sandbox.
            ready: Called with `address` once the workbench answers.
            static: The folder of the page's files.

        Raises:
            OSError: the port is taken.
        """
        self._listener = listen(LOOPBACK, port)
        own_port = self._listener.getsockname()[1]
        secrets = LaunchSecrets()
        page = f"http://{LOOPBACK}:{own_port}/"
        self.address = f"{page}#token={secrets.token}"
        self.single_address = f"{page}#token={secrets.single_token}"
        api = Api(host, sandbox=sandbox)
        app = create_app(
            host,
            api,
            port=own_port,
            secrets=secrets,
            static=static,
        )
        super().__init__(
            quiet_config(app, grace_seconds=_GRACE_SECONDS),
            on_ready=lambda: ready(self.address),
            on_stop=self._stop,
        )
        self._api = api
        self.until_stop = ExitStack()

    def serve_until_stopped(self) -> None:
        """Serve until Ctrl-C, or until `should_exit` is set."""
        with suppress(KeyboardInterrupt):
            self.run(sockets=[self._listener])

    def _stop(self) -> None:
        self._api.stop()
        self.until_stop.close()
