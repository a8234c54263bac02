"""The workbench as a server on loopback."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from perplexity_connector.host import Host, Ledger
from perplexity_connector.serving.listener import LOOPBACK, is_loopback, listen
from perplexity_connector.serving.server import NotifyingServer, quiet_config
from perplexity_connector.workbench.api.parts import Parts
from perplexity_connector.workbench.app import STATIC, create_app
from perplexity_connector.workbench.launch import LaunchSecrets
from perplexity_connector.workbench.saved_flows import SavedFlows
from perplexity_connector.workbench.streams import Streams
from perplexity_connector.workbench.uploads import Uploads

# A cancelled run asks the provider to cancel too, which takes a moment.
_GRACE_SECONDS = 5


class WorkbenchServer(NotifyingServer):
    """A workbench that holds its port already and is not serving yet.

    `address` is the page's URL, and `single_address` one that opens a single page. Both hold a
    token. `other_addresses` are those through a proxy or a tunnel. `until_stop` is closed when it
    stops.
    """

    def __init__(  # noqa: PLR0913 - all but one are keywords
        self,
        host: Host,
        *,
        port: int,
        sandbox: bool,
        ready: Callable[[str], None],
        static: Path = STATIC,
        allowed: Sequence[str] = (),
        flows: Path | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        """Make it over a host that is not open yet.

        Args:
            host: The host that lists and runs the actions.
            port: Where to listen; 0 takes any free port.
            sandbox: Whether the host runs against a sandbox.
            ready: Called with `address` once the workbench answers.
            static: The folder of the page's files.
            allowed: Names, with or without a port, of proxies and tunnels that lead here.
            flows: The folder of the saved flows; the user's if left out.
            ledger: The ledger of the host, which has the history.

        Raises:
            OSError: the port is taken.
        """
        self._listener = listen(LOOPBACK, port)
        own_port = self._listener.getsockname()[1]
        secrets = LaunchSecrets()
        page = f"http://{LOOPBACK}:{own_port}/"
        self.address = f"{page}#token={secrets.token}"
        self.other_addresses = [
            f"{_page_at(name, own_port)}#token={secrets.token}" for name in allowed
        ]
        self.single_address = f"{page}#token={secrets.single_token}"
        self._streams = Streams(host)
        parts = Parts(
            host=host,
            sandbox=sandbox,
            flows=SavedFlows(flows),
            streams=self._streams,
            uploads=Uploads(),
            ledger=ledger,
        )
        app = create_app(
            parts,
            port=own_port,
            secrets=secrets,
            static=static,
            allowed=allowed,
        )
        super().__init__(
            quiet_config(app, grace_seconds=_GRACE_SECONDS),
            on_ready=lambda: ready(self.address),
            on_stop=self._stop,
        )
        self.until_stop = ExitStack()

    def serve_until_stopped(self) -> None:
        """Serve until Ctrl-C, or until `should_exit` is set."""
        with suppress(KeyboardInterrupt):
            self.run(sockets=[self._listener])

    def _stop(self) -> None:
        self._streams.stop()
        self.until_stop.close()


def _page_at(name: str, port: int) -> str:
    host, _, given = name.partition(":")
    if is_loopback(host):
        # A tunnel, which ends on the reader's own machine.
        return f"http://{host}:{given or port}/"
    # A proxy must speak TLS: the session goes through it.
    return f"https://{name}/"
